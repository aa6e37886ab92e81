//! `twinlock-agent`: the listener. systemd passes it the socket; with `--listen` it makes the socket itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinlock_agent::listener::run(std::env::args().skip(1))
}
