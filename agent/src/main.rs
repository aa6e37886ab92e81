//! `twinlock-agent`: the listener. systemd passes the socket to it. With `--listen`, it creates the socket itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinlock_agent::listener::run(std::env::args().skip(1))
}
