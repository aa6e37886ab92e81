//! `cargo xtask demo --fleet --auto`: two hosts with an sshd each, and three nodes of etcd through which they share
//! their state. Everything is in private namespaces that end with the demo.

mod runner;
mod scene;
mod steps;

use std::process::ExitCode;

use twinlock_tests::FleetNetwork;

use super::Typist;
use crate::build;
use crate::command::{Done, command, run};
use crate::machine::becoming_root;
use crate::packages::{self, Chore, Consent};
use crate::screen::say;
use crate::unpacked;

use runner::Runner;
use scene::Scene;

/// Name of the internal task that shows the demo as root.
pub(crate) const INSIDE: &str = "demo-fleet-inside";

/// Builds the artefacts, downloads etcd and shows the demo.
pub(crate) fn demo(consent: Consent, typist: Typist) -> Done<ExitCode> {
    if typist == Typist::Person {
        return Err("The demo of a fleet types by itself: cargo xtask demo --fleet --auto".into());
    }
    packages::ensure(&packages::of(Chore::DemoFleet)?, consent)?;
    build::release()?;
    unpacked::one_ready("etcd-server")?;
    let mut words = becoming_root()?.to_vec();
    if !words.is_empty() {
        words.push("--preserve-env=CARGO_TARGET_DIR");
    }
    let this = crate::machine::this_program()?;
    let this = this.to_string_lossy();
    words.extend([&this, INSIDE]);
    let (program, arguments) = words.split_first().ok_or("Nothing to run.")?;
    run(&mut command(program, arguments)).map(|()| ExitCode::SUCCESS)
}

/// Shows the demo. Runs as root.
pub(crate) fn inside() -> Done<ExitCode> {
    let network = FleetNetwork::new();
    let scene = Scene::furnish(&network)?;
    say(&format!(
        "Three nodes of etcd at {}, and in the same network the hosts {}.\n",
        scene.etcd.endpoints().join(", "),
        scene.described()
    ));
    let mut runner = Runner::new(&scene);
    for step in steps::STEPS {
        runner.show(step)?;
    }
    say("\nThe demo has ended; nothing of it is left on this machine.\n");
    Ok(ExitCode::SUCCESS)
}
