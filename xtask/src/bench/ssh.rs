//! Time of a whole ssh login, from the start of the client to its end: a key, a code, `true`.

use std::collections::BTreeMap;
use std::time::Instant;

use twinlock_tests::{Machine, Server, shipped};

use super::contestants::{App, Contestant, Ending, USER};
use super::figures::{Figures, What, median};
use super::progress::Progress;
use crate::command::Done;

/// The stacks that work behind a key alone.
const STACKS: [Contestant; 4] =
    [Contestant::Libpam, Contestant::Twinlock, Contestant::Google, Contestant::Oath];

/// Logs in by ssh with each stack in turn.
pub(super) fn log_in(m: &Machine, rounds: u64, figures: &mut Figures) -> Done {
    m.key(USER).drop_in(Server::Publickey.drop_in()).sshd("MaxStartups 100\n");
    m.file("/root/askpass").write("#!/bin/sh\ncat /root/code\n").mode(0o700);
    let mut app = App::new();
    let mut samples: BTreeMap<Contestant, Vec<f64>> = BTreeMap::new();
    let mut progress = Progress::new("ssh", rounds + 1);
    for round in 0..=rounds {
        progress.step();
        for contestant in STACKS {
            m.pam("sshd", &stack(contestant));
            contestant.reset(m);
            let (_, code) = app.typed(Ending::Accepted);
            m.file("/root/code").write(format!("{code}\n"));
            let milliseconds = login(m)?;
            if round > 0 {
                samples.entry(contestant).or_default().push(milliseconds);
            }
        }
    }
    for (contestant, values) in samples {
        if let Some(middle) = median(values) {
            figures.put(What::Ssh, Ending::Accepted, contestant, middle);
        }
    }
    Ok(())
}

/// Returns the shipped stack with another module in place of ours.
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

fn login(m: &Machine) -> Done<f64> {
    let call = m.ssh(USER).key().command(["true"]).call();
    let call = call.env("SSH_ASKPASS", "/root/askpass").env("SSH_ASKPASS_REQUIRE", "force");
    let began = Instant::now();
    let ended = call.output();
    let took = began.elapsed();
    if ended.code == Some(0) {
        return Ok(took.as_secs_f64() * 1e3);
    }
    Err(format!("ssh did not log in: {}\n{}", ended.stderr, m.log().join("\n")))
}
