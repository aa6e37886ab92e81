//! A real etcd of one member, on the loopback interface.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::eventually;

/// Returns the path of etcd's program; `None` if the test is to be skipped.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("TWINLOCK_ETCD").map(PathBuf::from);
    if program.is_none() {
        // Not by a macro, whose output a test that passes does not show.
        let _ = writeln!(std::io::stderr(), "SKIPPED: TWINLOCK_ETCD does not name a program.");
    }
    program
}

/// Returns a port that no program uses.
fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").port()
}

/// An etcd that ends with the test.
pub(crate) struct Etcd {
    program: PathBuf,
    folder: PathBuf,
    options: Vec<String>,
    scheme: &'static str,
    port: u16,
    peer: u16,
    child: Option<Child>,
}

impl Etcd {
    /// Starts an etcd with its data below `folder`. `options` are added to its command line; with `--cert-file` it has
    /// TLS.
    pub(crate) fn start(program: &Path, folder: &Path, options: &[&str]) -> Self {
        let scheme = if options.contains(&"--cert-file") { "https" } else { "http" };
        let mut etcd = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            scheme,
            port: free_port(),
            peer: free_port(),
            child: None,
        };
        etcd.resume();
        etcd
    }

    /// Returns the URL for clients.
    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Returns the folder with the data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts the program again, and waits until it accepts connections.
    pub(crate) fn resume(&mut self) {
        let (url, peer) = (self.url(), format!("http://127.0.0.1:{}", self.peer));
        let log = fs::File::create(self.folder.join("etcd.log")).expect("a log");
        let child = Command::new(&self.program)
            .args(["--name", "e1", "--data-dir", &self.data().to_string_lossy()])
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("e1={peer}")])
            .args(&self.options)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("etcd"));
        eventually("etcd", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("etcd runs");
        kill_process(Pid::from_child(child), signal).expect("a signal");
    }

    /// Stops the program, so that it does not answer.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets the program go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends the program.
    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(Pid::from_child(&child), Signal::CONT);
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a request to the JSON gateway without TLS, and returns the body of the answer.
    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.0\r\nHost: e1\r\nContent-Length: {length}\r\n\r\n{body}");
        socket.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.end();
    }
}
