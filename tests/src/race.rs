//! Concurrent logins: sessions stopped at their prompts, answered, and continued together.

use crate::machine::Machine;
use crate::session::Session;

impl Machine {
    /// Stops `program` in all sessions, types a line into each, and continues all with one system call.
    ///
    /// Each session must be at a prompt.
    pub fn at_once(&self, program: &str, answers: &mut [(Session<'_>, String)]) -> &Self {
        self.run(["pkill", "-STOP", "-x", program]).ok();
        for (session, line) in answers.iter_mut() {
            session.send_line(line);
        }
        self.run(["sh", "-c", "kill -CONT -1"]).ok();
        self
    }

    /// Returns the PIDs of the processes whose program has this name.
    pub fn pids(&self, program: &str) -> Vec<u32> {
        let found = self.run(["pgrep", "-x", program]);
        found.stdout.lines().filter_map(|line| line.parse().ok()).collect()
    }
}
