//! Makes logins happen at the same time: pauses sessions at their prompts, types the answers, and continues all
//! sessions together.

use crate::machine::Machine;
use crate::session::Session;

impl Machine {
    /// Makes all sessions continue at the same time. First pauses every process that runs `program`. Then types into
    /// each session its answer, which no process reads yet. Then continues all processes by one system call.
    ///
    /// Each session must be waiting at a prompt when this is called.
    pub fn at_once(&self, program: &str, answers: &mut [(Session<'_>, String)]) -> &Self {
        self.run(["pkill", "-STOP", "-x", program]).ok();
        for (session, line) in answers.iter_mut() {
            session.send_line(line);
        }
        self.run(["sh", "-c", "kill -CONT -1"]).ok();
        self
    }

    /// Returns the process ids of the processes that run `program`.
    pub fn pids(&self, program: &str) -> Vec<u32> {
        let found = self.run(["pgrep", "-x", program]);
        found.stdout.lines().filter_map(|line| line.parse().ok()).collect()
    }
}
