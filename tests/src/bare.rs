//! A stack in which the module alone decides, and a program that asks it without waiting.

use crate::call::{Call, Finished};
use crate::machine::Machine;

/// The service of that stack.
const BARE: &str = "bare";

/// A first factor that is always right, and the module: who passes here, passes by the module.
const STACK: &str = "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n\
                     account required pam_permit.so\nsession required pam_permit.so\n";

impl Machine {
    /// twinlock behind a first factor that is always right.
    pub fn bare(&self) -> &Self {
        self.twinlock().pam(BARE, STACK)
    }

    /// One call of that stack, answered with these lines; exit code 0 is that `user` passes.
    ///
    /// libpam's wait after a failure is skipped, so that a test may fail often.
    pub fn asked(&self, user: &str, lines: &str) -> Finished {
        self.asking(user, lines, &[]).output()
    }

    /// As [`Machine::asked`], to be changed further, and with more options for strace, whose
    /// report is written to `/tmp/trace`.
    pub fn asking(&self, user: &str, lines: &str, strace: &[&str]) -> Call<'_> {
        let no_wait = ["-qq", "-e", "inject=select,pselect6:retval=0"];
        let quick = ["--seccomp-bpf", "-e", "trace=select,pselect6"];
        let how: Vec<&str> = match strace {
            [] => quick.into_iter().chain(no_wait).collect(),
            more => no_wait.into_iter().chain(more.iter().copied()).collect(),
        };
        self.pamtester(BARE, user).input(format!("{lines}\n")).strace("/tmp/trace", &how)
    }
}
