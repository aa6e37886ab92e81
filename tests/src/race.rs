//! Many at one instant: sessions held at their prompts, answered, and let go together.

use crate::machine::Machine;
use crate::session::Session;

impl Machine {
    /// Types a line into each session, `program` being stopped in all of them meanwhile, and
    /// lets all go on by one system call.
    ///
    /// Each session must stand at a prompt.
    pub fn at_once(&self, program: &str, answers: &mut [(Session<'_>, String)]) -> &Self {
        self.run(["pkill", "-STOP", "-x", program]).ok();
        for (session, line) in answers.iter_mut() {
            session.send_line(line);
        }
        self.run(["sh", "-c", "kill -CONT -1"]).ok();
        self
    }

    /// The numbers of the processes whose program has this name.
    pub fn pids(&self, program: &str) -> Vec<u32> {
        let found = self.run(["pgrep", "-x", program]);
        found.stdout.lines().filter_map(|line| line.parse().ok()).collect()
    }
}
