//! Measures the stacks in turn, one login each, so that noise affects all of them equally.

use std::time::{Duration, Instant};

use twinlock_tests::{Host, Login, Machine, Server, shipped};

use super::contestants::{Contestant, ContestantApp, Ending, USER, users_line};
use super::figures::{Figures, What};
use super::room::{Medium, module_of};
use crate::command::Done;

/// System calls that wait for a disk.
const SYNCS: [&str; 5] = ["fsync", "fdatasync", "sync", "syncfs", "sync_file_range"];
/// The stacks whose ssh login is measured. They accept a user with a key and a code, and without a password.
const BY_SSH: [Contestant; 4] =
    [Contestant::Libpam, Contestant::Twinlock, Contestant::Google, Contestant::Oath];

/// Maximum number of users with which pam_oath is measured. pam_oath reads a list of all users at each login.
const LONGEST_LIST: u64 = 100_000;

/// Measures the time of a login with each stack, in `rounds` rounds. One more round before them only fills the
/// processor's caches and is not counted.
pub(super) fn time(m: &Machine, medium: Medium, rounds: usize, figures: &mut Figures) -> Done {
    eprintln!("timing, state {}", if medium == Medium::Disk { "on disk" } else { "in memory" });
    let mut app = ContestantApp::new();
    let mut hosts = Contestant::ALL.map(|contestant| (contestant, m.host(contestant.service())));
    for round in 0..=rounds {
        for ending in Ending::ALL {
            for (contestant, host) in hosts.iter_mut().filter(|(who, _)| who.has(ending)) {
                let mut put = |what, took: Duration| {
                    if round > 0 {
                        figures.put(what, ending, *contestant, took.as_secs_f64() * 1e6);
                    }
                };
                let first =
                    once(m, *contestant, ending, &mut app, &mut m.host(contestant.service()))?;
                if medium == Medium::Disk {
                    put(What::OnDisk, first.whole);
                    continue;
                }
                put(What::First, first.whole);
                put(What::FirstAlone, first.took);
                put(What::Steady, once(m, *contestant, ending, &mut app, host)?.whole);
            }
        }
    }
    Ok(())
}

/// Restores the saved state of the stack, logs in once, and returns what was measured.
fn once(
    m: &Machine,
    contestant: Contestant,
    ending: Ending,
    app: &mut ContestantApp,
    host: &mut Host<'_>,
) -> Done<Login> {
    contestant.reset(m);
    let (user, code) = app.typed(ending);
    let login = host.login(user, &code);
    ending.expect(contestant, login.code).map(|()| login)
}

/// Counts the instructions, the system calls and the memory of a login with each stack.
pub(super) fn count(m: &Machine, figures: &mut Figures) -> Done {
    eprintln!("counting");
    let mut app = ContestantApp::new();
    for contestant in Contestant::ALL {
        for ending in Ending::ALL.into_iter().filter(|ending| contestant.has(*ending)) {
            let mut put = |what, count| figures.put(what, ending, contestant, float(count));
            put(What::Instructions, instructions(m, contestant, ending, &mut app)?);
            contestant.reset(m);
            let (user, code) = app.typed(ending);
            let calls = m.calls_of_a_login(contestant.service(), user, &code);
            let syncs = calls.names().into_iter().filter(|name| SYNCS.contains(name)).count();
            put(What::SystemCalls, as_u64(calls.names().len()));
            put(What::Syncs, as_u64(syncs));
            // Memory is measured three times, because the number of library pages that the kernel maps at a page fault
            // varies.
            for _ in 0..3 {
                contestant.reset(m);
                let (user, code) = app.typed(ending);
                let login = m.host(contestant.service()).login(user, &code);
                put(What::OwnMemory, login.anonymous);
                put(What::AllMemory, login.resident);
            }
        }
        let size = as_u64(m.file(&module_of(contestant)).bytes().len());
        figures.put(What::Size, Ending::Accepted, contestant, float(size));
    }
    Ok(())
}

fn instructions(
    m: &Machine,
    who: Contestant,
    ending: Ending,
    app: &mut ContestantApp,
) -> Done<u64> {
    who.reset(m);
    let (user, code) = app.typed(ending);
    let (said, count) = m.counted_host(who.service(), &[]).counted(user, &code);
    ending.expect(who, said).map(|()| count)
}

/// Measures an accepted login while more and more users have records. `sizes` are the numbers of users, in rising
/// order.
pub(super) fn crowd(m: &Machine, sizes: &[u64], rounds: usize, figures: &mut Figures) -> Done {
    let (mut app, mut there) = (ContestantApp::new(), 1);
    for &size in sizes {
        eprintln!("among {size} records");
        m.crowd(USER, there..size);
        there = size;
        // The user is the last one in the list of pam_oath, which rewrites the list at each login. With a list longer
        // than `LONGEST_LIST`, this would only take more time.
        let others =
            (1..size.min(LONGEST_LIST)).map(|number| format!("HOTP/T30 u{number:07} - 00\n"));
        m.file("/root/oath").write(others.collect::<String>() + &users_line()).mode(0o600);
        let count = instructions(m, Contestant::Twinlock, Ending::Accepted, &mut app)?;
        let what = What::InstructionsAmong(size);
        figures.put(what, Ending::Accepted, Contestant::Twinlock, float(count));
        let who = [Contestant::Twinlock, Contestant::Oath];
        for contestant in who.into_iter().take(if size > LONGEST_LIST { 1 } else { 2 }) {
            let mut host = m.host(contestant.service());
            for _ in 0..rounds {
                contestant.reset(m);
                let (user, code) = app.typed(Ending::Accepted);
                let login = host.login(user, &code);
                Ending::Accepted.expect(contestant, login.code)?;
                let took = login.took.as_secs_f64() * 1e6;
                figures.put(What::TimeAmong(size), Ending::Accepted, contestant, took);
            }
        }
    }
    Ok(())
}

/// Measures the time of an ssh login with a key, a code and the command `true`, from the start of the client to its
/// end.
pub(super) fn ssh(m: &Machine, rounds: usize, figures: &mut Figures) -> Done {
    eprintln!("ssh");
    m.key(USER).drop_in(Server::Publickey.drop_in()).sshd("MaxStartups 100\n");
    m.file("/root/askpass").write("#!/bin/sh\ncat /root/code\n").mode(0o700);
    let mut app = ContestantApp::new();
    for round in 0..=rounds {
        for contestant in BY_SSH {
            m.pam("sshd", &stack(contestant));
            contestant.reset(m);
            m.file("/root/code").write(app.typed(Ending::Accepted).1 + "\n");
            let call = m.ssh(USER).key().command(["true"]).call();
            let call = call.env("SSH_ASKPASS", "/root/askpass").env("SSH_ASKPASS_REQUIRE", "force");
            let began = Instant::now();
            let ended = call.output();
            let took = began.elapsed().as_secs_f64() * 1e6;
            if ended.code != Some(0) {
                return Err(format!("ssh did not log in: {}\n{:#?}", ended.stderr, m.log()));
            }
            if round > 0 {
                figures.put(What::Ssh, Ending::Accepted, contestant, took);
            }
        }
    }
    Ok(())
}

/// Returns the PAM stack of sshd that twinlock ships, with the module of `contestant` in place of twinlock's.
fn stack(contestant: Contestant) -> String {
    let ours = shipped(Server::Publickey.pam());
    if contestant == Contestant::Twinlock {
        return ours;
    }
    let line = |line: &str| match line.split_whitespace().next() {
        Some("auth") => format!("auth required {}\n", contestant.line()),
        Some(_) | None => format!("{line}\n"),
    };
    ours.lines().map(line).collect()
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}
