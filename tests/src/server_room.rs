//! Namespaces in which the servers of a test run, with a folder in memory and optionally with their own network. All
//! files outside the folder are those of the host.

use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::call::{Finished, finish};
use crate::holder::{apart_from_the_caller, ready};

const ROOM: &str = include_str!("server_room.sh");
/// The folder in memory, as the servers see it.
pub(crate) const FOLDER: &str = "/run";

/// The network of servers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ServerNetwork {
    /// The network of this process. Servers must listen on 127.0.0.1 only.
    Host,
    /// A new network namespace.
    Own,
    /// The network namespace of the process with this process id.
    Of(u32),
}

/// Namespaces for servers. When this value is dropped, or when the test process dies for any reason, the kernel ends
/// the servers and removes the folder.
pub(crate) struct ServerRoom {
    unshare: Child,
    // Closing this pipe ends the room; the kernel closes it when the test process dies.
    life: Option<ChildStdin>,
    pid: u32,
}

impl ServerRoom {
    /// Creates the namespaces and the folder. Panics with an explanation if the host cannot create them.
    pub(crate) fn start(network: ServerNetwork) -> ServerRoom {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests start servers in namespaces and need root: run `cargo xtask test` as root"
        );
        let mut command = apart_from_the_caller(match network {
            ServerNetwork::Of(_) => "nsenter",
            ServerNetwork::Host | ServerNetwork::Own => "unshare",
        });
        if let ServerNetwork::Of(pid) = network {
            command.arg(format!("--net=/proc/{pid}/ns/net")).arg("unshare");
        }
        let own = matches!(network, ServerNetwork::Own);
        command.args(own.then_some("--net")).env("OWN_NETWORK", if own { "1" } else { "" });
        let mut unshare = command
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ROOM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare and nsenter (package util-linux) can be started");
        let life = unshare.stdin.take();
        match ready(&mut unshare) {
            Ok(pid) => ServerRoom { unshare, life, pid },
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Returns the process id of the first process, as the host sees it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the start of a command that runs a program in these namespaces; the caller appends the program and its
    /// arguments. The working folder is [`FOLDER`].
    pub(crate) fn enter(&self) -> Command {
        let mut command = apart_from_the_caller("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "--pid", "--net"]);
        command.arg(format!("--wd=/proc/{}/root{FOLDER}", self.pid)).arg("--");
        command
    }

    /// Runs a program of the host in these namespaces, with empty input. `argv` is the program with its arguments.
    #[track_caller]
    pub(crate) fn run<S: AsRef<str>>(&self, argv: &[S]) -> Finished {
        let mut command = self.enter();
        command.args(argv.iter().map(AsRef::as_ref));
        let finished = finish(command, Vec::new());
        finished.unwrap_or_else(|| panic!("{} does not end", argv[0].as_ref()))
    }

    /// Runs a program in the network of these namespaces but among the processes of the host, so that process ids in
    /// its arguments are those of the host.
    #[track_caller]
    pub(crate) fn run_in_network<S: AsRef<str>>(&self, argv: &[S]) -> Finished {
        let mut command = apart_from_the_caller("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.pid)).arg("--");
        command.args(argv.iter().map(AsRef::as_ref));
        let finished = finish(command, Vec::new());
        finished.unwrap_or_else(|| panic!("{} does not end", argv[0].as_ref()))
    }

    /// Returns the path of a file in the folder for processes of the host. The path is valid while this value exists.
    pub(crate) fn outside(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{FOLDER}/{file}", self.pid))
    }
}

impl Drop for ServerRoom {
    fn drop(&mut self) {
        // unshare is not killed: it waits until the kernel has ended everything inside.
        drop(self.life.take());
        let _ = self.unshare.wait();
    }
}
