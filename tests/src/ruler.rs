//! Measures one `pam_authenticate` in a program that calls libpam as sshd does: its time and memory, its instructions
//! (callgrind) and its system calls (strace).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use crate::artefacts::built;
use crate::machine::Machine;
use crate::trace::Trace;

const PROGRAM: &str = "pam_host";
/// Start of the names of callgrind's dumps. The number of the login follows.
const DUMP: &str = "/tmp/callgrind";
const CALLGRIND: [&str; 5] = [
    "valgrind",
    "--tool=callgrind",
    "--toggle-collect=pam_authenticate",
    "--dump-after=pam_authenticate",
    "--callgrind-out-file=/tmp/callgrind",
];

/// A process that calls libpam for one login after another.
pub struct Host<'m> {
    // The host ends before its machine does.
    machine: &'m Machine,
    child: Child,
    // Closing this pipe ends the host.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    logins: usize,
}

/// Measurements of one login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// PAM code of the login; 0 is success.
    pub code: u32,
    /// Duration of `pam_authenticate`.
    pub took: Duration,
    /// Duration of `pam_start`, `pam_authenticate` and `pam_end` together.
    pub whole: Duration,
    /// Memory in KiB that became resident between the loading of the modules and the end of `pam_authenticate`. Pages
    /// of libraries are included, although other processes share them.
    pub resident: u64,
    /// The part of `resident`, in KiB, that is private and belongs to no file.
    pub anonymous: u64,
}

impl Machine {
    /// Starts a process that authenticates users through the PAM service `service`.
    #[track_caller]
    pub fn host(&self, service: &str) -> Host<'_> {
        self.started(&[], service)
    }

    /// Starts a process that authenticates users through the PAM service `service` and runs under callgrind, so that
    /// [`Host::counted`] can count its instructions. `options` are further options of callgrind.
    #[track_caller]
    pub fn counted_host(&self, service: &str, options: &[&str]) -> Host<'_> {
        self.run(["sh", "-c", &format!("rm -f {DUMP}*")]).ok();
        self.started(&[&CALLGRIND, options].concat(), service)
    }

    #[track_caller]
    fn started(&self, before: &[&str], service: &str) -> Host<'_> {
        self.install_host();
        let mut command = self.holder().enter();
        command.args(before).args([PROGRAM, service]).env("LANG", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = crate::call::spawn(&mut command);
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Host { machine: self, child, input, output, logins: 0 }
    }

    /// Returns the system calls of one `pam_authenticate` in a new process.
    #[track_caller]
    pub fn calls_of_a_login(&self, service: &str, user: &str, answer: &str) -> Trace {
        self.install_host();
        let call = self.call([PROGRAM, service]).input(format!("{user}\t{answer}\n"));
        call.strace("/tmp/host", &[]).output().ok();
        self.trace("/tmp/host").between("--- SIGURG", "kill(")
    }

    fn install_host(&self) {
        if !self.file("/usr/bin/pam_host").exists() {
            // Written by a separate process, for the reason given in `Machine::files`.
            let copy = "cat >/usr/bin/pam_host && chmod 755 /usr/bin/pam_host";
            self.call(["sh", "-c", copy]).input(built(PROGRAM)).output().ok();
        }
    }
}

impl Host<'_> {
    /// Logs in `user`. The first prompt is answered with `answer`, further ones with an empty text.
    #[track_caller]
    pub fn login(&mut self, user: &str, answer: &str) -> Login {
        let input = self.input.as_mut().expect("stdin is open until the end");
        writeln!(input, "{user}\t{answer}").expect("the host reads its lines");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the host says what came of it");
        let numbers: Vec<u64> = line.split_whitespace().flat_map(str::parse).collect();
        let [code, took, whole, resident, anonymous] = numbers[..] else {
            panic!("the host said {line:?}")
        };
        self.logins += 1;
        let code = u32::try_from(code).expect("PAM's code");
        let [took, whole] = [took, whole].map(Duration::from_nanos);
        Login { code, took, whole, resident, anonymous }
    }

    /// Logs in `user`, answering the first prompt with `answer` and further ones with an empty text. Returns the PAM
    /// code, and the number of instructions of `pam_authenticate`.
    #[track_caller]
    pub fn counted(&mut self, user: &str, answer: &str) -> (u32, u64) {
        let code = self.login(user, answer).code;
        let dump = self.dump();
        let total = dump.lines().find_map(|line| line.strip_prefix("totals: "));
        (code, total.and_then(|total| total.parse().ok()).expect("callgrind's total"))
    }

    /// Returns the text of callgrind's dump of the last login.
    #[track_caller]
    pub fn dump(&self) -> String {
        self.machine.file(&format!("{DUMP}.{}", self.logins)).read()
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
