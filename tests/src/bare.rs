//! A PAM service in which only twinlock's module decides. Tests authenticate users through this service without
//! libpam's delay after a failure.

use crate::call::{Call, Finished};
use crate::machine::Machine;

/// Name of a PAM service whose file contains only pam_permit and twinlock's module.
const BARE: &str = "bare";

/// PAM file with pam_permit and twinlock's module, so that only the module decides.
const STACK: &str = "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n\
                     account required pam_permit.so\nsession required pam_permit.so\n";

impl Machine {
    /// Installs twinlock and the service `bare`, in whose stack only the module decides.
    pub fn bare(&self) -> &Self {
        self.twinlock().pam(BARE, STACK)
    }

    /// Authenticates `user` once through the service `bare`. `lines` has one answer on each line. Exit code 0 means
    /// success.
    ///
    /// Skips libpam's delay after a failure, so that a test may fail often.
    pub fn asked(&self, user: &str, lines: &str) -> Finished {
        self.asking(user, lines, &[]).output()
    }

    /// Returns the call that [`Machine::asked`] makes, so that a test can change it. `strace` contains further options
    /// of strace, which writes to `/tmp/trace`. The call always runs under strace, because strace skips the delay.
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
