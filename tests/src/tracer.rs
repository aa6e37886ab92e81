//! Runs a program in a machine under ptrace: lists its system calls, makes one fail, or kills or pauses the program.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc::{self, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::machine::Machine;
use crate::syscalls::{self, Names};

/// Maximum number of system calls. A program that makes more is assumed to loop forever.
const CALLS_MAX: usize = 20_000;

/// One system call of a program, named so that a second run makes a call with the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Name of the system call, and the file or address that it concerns, such as `read /etc/passwd`.
    pub what: String,
    /// Number, from 1, of the call among those with the same `what`.
    pub nth: usize,
    number: u64,
}

/// What is done to a system call.
pub enum Blow<'a> {
    /// The call is not made, and returns this error.
    Fail(Errno),
    /// The call is made for at most this number of bytes.
    Short(u64),
    /// The call is made, and then the program is killed.
    Kill,
    /// The call is made, and then the program is paused until this function returns.
    Hold(&'a mut dyn FnMut()),
}

/// Result of a traced program.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended the program.
    pub code: Option<i32>,
    /// The system calls in the part of the program that was examined.
    pub places: Vec<Place>,
    /// Whether the program has made the system call to which something was to be done.
    pub struck: bool,
    /// Standard output and standard error of the program.
    pub said: String,
}

/// A part of a program's run, which is examined. System calls mark its beginning and its end.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The examined part of the program begins with the first call whose [`Place::what`] contains this text.
    pub from: &'static str,
    /// The examined part ends with the first later call whose [`Place::what`] is this text.
    pub to: &'static str,
}

impl Place {
    /// Returns the errors that the call can return, the most frequent first.
    pub fn errors(&self) -> &'static [Errno] {
        let row = syscalls::row(self.number);
        row.map_or(&[], |(_, _, _, errors)| errors)
    }

    /// Returns the numbers of bytes to which a test can shorten the call; empty if it transfers no bytes.
    pub fn shorts(&self) -> &'static [u64] {
        match self.what.split(' ').next() {
            Some("read") => &[1, 0],
            Some("write") => &[1],
            // Room for one ledger name.
            Some("getdents64") => &[128],
            _ => &[],
        }
    }
}

impl Machine {
    /// Runs a program under ptrace and does `blow` to one of its system calls. Delays after a failed login are skipped.
    pub fn struck<'a>(
        &self,
        argv: &[&str],
        input: &str,
        part: Part,
        blow: Option<(&'a Place, Blow<'a>)>,
    ) -> Ended {
        // sh waits for a line until it is traced, and leaves the rest of the input to the program. Root has logged in.
        let mut command = Command::new("sh");
        command.args(["-c", "read -r go && echo 0 >/proc/self/loginuid; exec \"$@\"", "sh"]);
        let enter = self.holder().enter();
        command.arg(enter.get_program()).args(enter.get_args()).args(argv);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        // A pipe that nobody reads meanwhile would block the program.
        let said = memfd_create("said", MemfdFlags::CLOEXEC);
        let mut said = File::from(said.expect("a file for what is said"));
        let out = || Stdio::from(said.try_clone().expect("a descriptor"));
        command.stdin(Stdio::piped()).stdout(out()).stderr(out());
        let mut child = command.spawn().expect("sh cannot be started");
        let pid = seized(&mut child, input);
        let mut run = Run::new(pid, part, blow);
        let code = run.follow();
        let _ = child.wait();
        Ended {
            code,
            places: std::mem::take(&mut run.places),
            struck: run.struck,
            said: text(&mut said),
        }
    }
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("what was said");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Attaches to the child, continues it until nsenter has forked the program, and returns the program's process.
fn seized(child: &mut Child, input: &str) -> Pid {
    let first = Pid::from_raw(child.id().try_into().expect("a process number"));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(first, options).expect("this machine does not let root trace a process");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A program may end without reading its input.
    let _ = stdin.write_all(format!("go\n{input}").as_bytes());
    drop(stdin);
    let second = loop {
        match event(first) {
            Ok(libc::PTRACE_EVENT_EXEC) => resume(first),
            Ok(_) => {
                let forked = ptrace::getevent(first).expect("the forked process");
                ptrace::detach(first, None).expect("nsenter is let go");
                break Pid::from_raw(forked.try_into().expect("a process number"));
            }
            Err(status) => panic!("nsenter does not start the program: {status:?}"),
        }
    };
    loop {
        match event(second) {
            Ok(libc::PTRACE_EVENT_EXEC) => return second,
            Ok(_) => resume(second),
            Err(status) => panic!("the program is not started: {status:?}"),
        }
    }
}

/// Waits for the next ptrace event and returns its number. If another status comes first, returns it as `Err`.
fn event(pid: Pid) -> Result<i32, WaitStatus> {
    let status = waited(pid);
    if let WaitStatus::PtraceEvent(_, _, event) = status { Ok(event) } else { Err(status) }
}

fn waited(pid: Pid) -> WaitStatus {
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL)) {
            Ok(status) => return status,
            Err(Errno::EINTR) => {}
            Err(errno) => panic!("a traced process is lost: {errno}"),
        }
    }
}

fn resume(pid: Pid) {
    ptrace::cont(pid, None).expect("a traced process goes on");
}

/// A traced program that runs.
struct Run<'a> {
    pid: Pid,
    memory: File,
    part: Part,
    inside: Option<bool>,
    places: Vec<Place>,
    blow: Option<(&'a Place, Blow<'a>)>,
    struck: bool,
}

/// What is done when the present system call returns.
enum Then {
    Nothing,
    Report(i64),
    Kill,
    Hold,
}

impl Drop for Run<'_> {
    // Kills the program, because nothing in a machine can end while a process in it waits for its tracer.
    fn drop(&mut self) {
        if nix::sys::signal::kill(self.pid, Signal::SIGKILL).is_ok() {
            let _ = waitpid(self.pid, Some(WaitPidFlag::__WALL));
        }
    }
}

impl<'a> Run<'a> {
    fn new(pid: Pid, part: Part, blow: Option<(&'a Place, Blow<'a>)>) -> Run<'a> {
        let memory = File::open(format!("/proc/{pid}/mem")).expect("a traced process's memory");
        Run { pid, memory, part, inside: None, places: Vec::new(), blow, struck: false }
    }

    fn follow(&mut self) -> Option<i32> {
        let mut signal = None;
        // Tracing begins inside the program's execve, which has yet to return.
        let mut then = Some(Then::Nothing);
        for _ in 0..CALLS_MAX * 2 {
            if let Err(errno) = ptrace::syscall(self.pid, signal.take()) {
                // The kernel has killed the process between two stops: the next wait reports its end.
                assert_eq!(errno, Errno::ESRCH, "a traced process goes on");
            }
            match waited(self.pid) {
                WaitStatus::PtraceSyscall(_) => {
                    then = match then.take() {
                        None => Some(self.entered()),
                        Some(then) => {
                            self.left(then);
                            None
                        }
                    };
                }
                WaitStatus::Stopped(_, sent) => signal = Some(sent),
                WaitStatus::PtraceEvent(_, _, event) => self.let_go(event),
                WaitStatus::Continued(_) | WaitStatus::StillAlive => {}
                WaitStatus::Exited(_, code) => return Some(code),
                WaitStatus::Signaled(..) => return None,
            }
        }
        panic!("a traced program does not end: {:?}", self.places);
    }

    fn kill(&self) {
        let _ = nix::sys::signal::kill(self.pid, Signal::SIGKILL);
    }

    /// Stops tracing a child of the program. Its system calls are not examined.
    fn let_go(&self, event: i32) {
        if !(libc::PTRACE_EVENT_FORK..=libc::PTRACE_EVENT_CLONE).contains(&event) {
            return;
        }
        let child = ptrace::getevent(self.pid).expect("the started process");
        let child = Pid::from_raw(child.try_into().expect("a process number"));
        waited(child);
        ptrace::detach(child, None).expect("a started process is let go");
    }

    fn registers(&self) -> user_regs_struct {
        ptrace::getregs(self.pid).expect("a stopped process's registers")
    }

    fn set(&self, registers: user_regs_struct) {
        ptrace::setregs(self.pid, registers).expect("a stopped process's registers");
    }

    fn entered(&mut self) -> Then {
        let mut registers = self.registers();
        let number = registers.orig_rax;
        let waits = [libc::SYS_select, libc::SYS_pselect6];
        if waits.iter().any(|call| u64::try_from(*call) == Ok(number)) {
            registers.orig_rax = u64::MAX;
            self.set(registers);
            return Then::Report(0);
        }
        if self.inside == Some(false) {
            return Then::Nothing;
        }
        let what = self.describe(&registers);
        match self.inside {
            None if what.contains(self.part.from) => self.inside = Some(true),
            Some(true) if what == self.part.to => self.inside = Some(false),
            None | Some(_) => {}
        }
        if self.inside != Some(true) {
            return Then::Nothing;
        }
        assert!(
            syscalls::row(number).is_some(),
            "system call {number} is not in the table of tests/src/syscalls.rs, which says how it can fail"
        );
        let nth = self.places.iter().filter(|place| place.what == what).count() + 1;
        self.places.push(Place { what, nth, number });
        self.meet(registers)
    }

    /// Applies the blow to the call that has just begun, if it is the chosen one. Returns what to do after the call.
    fn meet(&mut self, mut registers: user_regs_struct) -> Then {
        let Some((place, blow)) = &self.blow else { return Then::Nothing };
        if self.places.last() != Some(place) {
            return Then::Nothing;
        }
        self.struck = true;
        match blow {
            Blow::Fail(_) if place.what == "brk" => {
                registers.rdi = 0;
                self.set(registers);
                Then::Nothing
            }
            Blow::Fail(errno) => {
                registers.orig_rax = u64::MAX;
                self.set(registers);
                Then::Report(-i64::from(*errno as i32))
            }
            Blow::Short(most) => {
                registers.rdx = registers.rdx.min(*most);
                self.set(registers);
                Then::Nothing
            }
            // exit_group never returns, so the process is killed at once.
            Blow::Kill if place.what == "exit_group" => {
                self.kill();
                Then::Nothing
            }
            Blow::Kill => Then::Kill,
            Blow::Hold(_) => Then::Hold,
        }
    }

    fn left(&mut self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Report(value) => {
                let mut registers = self.registers();
                registers.rax = value.cast_unsigned();
                self.set(registers);
            }
            Then::Kill => self.kill(),
            Then::Hold => {
                if let Some((_, Blow::Hold(meanwhile))) = &mut self.blow {
                    meanwhile();
                }
            }
        }
    }

    fn describe(&self, registers: &user_regs_struct) -> String {
        let number = registers.orig_rax;
        let Some((_, name, names, _)) = syscalls::row(number) else {
            return format!("system call {number}");
        };
        let argument = [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
            // The current folder, at index 6, for calls without a folder argument.
            libc::AT_FDCWD.cast_unsigned().into(),
        ];
        let about = match *names {
            Names::Nothing if number == libc::SYS_socket.cast_unsigned() => {
                return format!("socket {}/{}", registers.rdi, registers.rdx);
            }
            Names::Nothing => return (*name).to_owned(),
            Names::File(at) => self.file(argument[at]),
            Names::Address(at) => self.text(argument[at] + 2),
            Names::Path(folder, at) => match self.text(argument[at]) {
                path if path.starts_with('/') => path,
                path => format!("{}/{path}", self.file(argument[folder])),
            },
        };
        format!("{name} {}", steady(&about))
    }

    /// Returns the path of the file that the program has open under this descriptor.
    fn file(&self, descriptor: u64) -> String {
        let link = format!("/proc/{}/fd/{}", self.pid, descriptor & 0xffff_ffff);
        std::fs::read_link(link).map_or_else(|_| String::new(), |path| path.display().to_string())
    }

    /// Returns the C string at this address of the program's memory.
    fn text(&self, address: u64) -> String {
        let mut bytes = [0; 256];
        let read = self.memory.read_at(&mut bytes, address).unwrap_or(0);
        let text = bytes[..read].split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Replaces what varies between runs: numbers, and words of hexadecimal digits.
fn steady(text: &str) -> String {
    let words = text.split_inclusive(['/', '.', ':', '[', ']']);
    let hash = |word: &str| {
        let digits = word.trim_end_matches(['/', '.', ':', '[', ']']);
        let hexadecimal = digits.len() >= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if hexadecimal || number { format!("#{}", &word[digits.len()..]) } else { word.to_owned() }
    };
    words.map(hash).collect()
}
