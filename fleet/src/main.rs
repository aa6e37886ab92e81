//! `twinlock-fleet`: the daemon. systemd passes the socket to it. With `--listen`, it creates the socket itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinlock_fleet::daemon::run(std::env::args().skip(1))
}
