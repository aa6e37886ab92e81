//! Accepts connections, counts them by the user id of the caller, and starts one worker for each. Does not read any
//! byte that a client sends.

use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{
            fs::{DirBuilderExt, MetadataExt, PermissionsExt},
            net::{UnixListener, UnixStream},
            process::ExitStatusExt,
        },
    },
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::sockopt,
    process::{Pid, PidfdFlags, geteuid, pidfd_open},
};
use twinlock_core::wire::{End, Frame, SOCKET, push};
use twinlock_host::accounts::Nss;

use crate::{
    slots::{Slot, Slots},
    status,
};

/// Time after which a listener that systemd has started ends if no connection is open.
const IDLE: Duration = Duration::from_secs(60);
/// Maximum number of connections that are accepted before the listener looks for workers that have ended.
const AT_ONCE: usize = 256;

/// A worker process that serves one connection.
struct Worker {
    child: Child,
    ended: OwnedFd,
    slot: Slot,
}

/// Runs the listener. If the only argument is `--listen`, it creates the socket itself and never ends. Without
/// arguments, it uses the socket that systemd passes.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    let listen = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--listen"] => true,
        _ => return fail("usage: twinlock-agent [--listen]"),
    };
    if !geteuid().is_root() {
        return fail("it must run as root");
    }
    if !crate::caller::sees_real_uids() {
        return fail(
            "it cannot see the user ids of its callers (PrivateUsers=yes, or a container with mapped user ids)",
        );
    }
    let socket = if listen { own_socket() } else { passed_socket() };
    let served = socket.and_then(|socket| serve(&socket, !listen));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(what: &str) -> ExitCode {
    say(what);
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "systemd sends standard error to the journal")]
fn say(what: &str) {
    eprintln!("twinlock-agent: {what}");
}

/// Creates the folder and the socket. Only root may write to the folder, so a client can trust the socket in it.
fn own_socket() -> io::Result<UnixListener> {
    let path = Path::new(SOCKET);
    let folder = path.parent().unwrap_or(path);
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != 0 || found.mode() & 0o022 != 0 {
        let what = format!("only root may write to {}: remove it first", folder.display());
        return Err(io::Error::other(what));
    }
    // If a listener was killed, its socket is still there. A listener that still runs keeps its open connections, and
    // gets no new ones.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(socket)
}

/// Returns the socket that systemd passes as standard input (`StandardInput=socket`).
fn passed_socket() -> io::Result<UnixListener> {
    let passed = io::stdin().as_fd().try_clone_to_owned()?;
    if sockopt::socket_acceptconn(&passed).unwrap_or(false) {
        return Ok(UnixListener::from(passed));
    }
    Err(io::Error::other(
        "standard input is no socket: start twinlock-agent.socket, or run it with --listen",
    ))
}

/// Serves connections. If `ends` is true, returns after no connection was open for the time [`IDLE`].
fn serve(socket: &UnixListener, ends: bool) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let program = std::env::current_exe()?.with_file_name("twinlock-agent-worker");
    let (mut slots, mut workers) = (Slots::default(), Vec::<Worker>::new());
    loop {
        let is_idle = slots.is_idle();
        let woken = wait(socket.as_fd(), &workers, is_idle.then_some(IDLE))?;
        if !woken && is_idle && ends {
            return Ok(());
        }
        workers.retain_mut(|worker| match worker.child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                if status.signal().is_some() {
                    say(&format!("a worker for {:?} was ended: {status}", worker.slot));
                }
                slots.give_back(worker.slot);
                false
            }
            Err(_) => {
                slots.give_back(worker.slot);
                false
            }
        });
        for _ in 0..AT_ONCE {
            match socket.accept() {
                Ok((client, _)) => workers.extend(start(&program, client, &mut slots)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // No connection is waiting, or the system has no free descriptor. A connection that waits is accepted
                // later.
                Err(_) => break,
            }
        }
    }
}

/// Waits until a connection arrives or a worker ends, but no longer than `limit`. Returns `false` if the time was over
/// first.
fn wait(socket: BorrowedFd<'_>, workers: &[Worker], limit: Option<Duration>) -> io::Result<bool> {
    let ends = workers.iter().map(|worker| PollFd::new(&worker.ended, PollFlags::IN));
    let mut all: Vec<PollFd<'_>> =
        std::iter::once(PollFd::from_borrowed_fd(socket, PollFlags::IN)).chain(ends).collect();
    let limit = limit.map(|limit| Timespec::try_from(limit).unwrap_or(Timespec::default()));
    match poll(&mut all, limit.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Starts a worker for a connection. Refuses the connection and returns `None` if its user has too many connections.
fn start(program: &Path, client: UnixStream, slots: &mut Slots) -> Option<Worker> {
    // This is the user who connected, even if the process has changed its user id or passed the descriptor on since.
    let uid = sockopt::socket_peercred(&client).ok()?.uid.as_raw();
    let slot = Slot::of(uid, |uid| matches!(Nss::default().by_uid(uid), Ok(Some(_))));
    if !slots.take(slot) {
        refuse(&client);
        return None;
    }
    let spoken = client.set_nonblocking(false).and_then(|()| {
        Command::new(program)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(client)))
            .stdout(Stdio::null())
            .spawn()
    });
    let worker = spoken.and_then(|child| {
        // A process id stays in use until its parent waits for the child, so this descriptor refers to the child.
        let ended = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok(Worker { child, ended, slot })
    });
    if let Err(error) = &worker {
        say(&format!("no worker could be started: {error}"));
        slots.give_back(slot);
    }
    worker.ok()
}

/// Tells a client that its user has too many connections. Does not wait for a client that does not read the message.
fn refuse(mut client: &UnixStream) {
    let text = "twinlock is busy with other requests. Wait a moment, and try again.";
    let mut bytes = Vec::new();
    if push(&mut bytes, &Frame::End(End { status: status::THROTTLED, text })).is_ok()
        && client.set_nonblocking(true).is_ok()
    {
        let _ = io::Write::write(&mut client, &bytes);
    }
}
