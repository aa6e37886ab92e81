//! Connections: who may have how many, and what ends them.

use crate::machine;

#[test]
fn silent_client_is_cut_after_two_seconds() {
    let m = machine();
    let script = "import socket,time\ns=socket.socket(socket.AF_UNIX)\ns.connect('/run/twinlock-agent/socket')\nt=time.monotonic()\nassert s.recv(1)==b''\nprint(time.monotonic()-t)";
    let said = m.run_as("ada", ["python3", "-c", script]);
    let seconds: f64 = said.ok().trim().parse().unwrap();
    assert!((1.9..20.0).contains(&seconds), "{seconds}");
}
