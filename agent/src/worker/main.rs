//! `twinlock-agent-worker`: serves the client that is connected to its standard input.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinlock_agent::worker::run(std::env::args().skip(1))
}
