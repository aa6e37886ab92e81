//! Checks that a caller who exhausts descriptors or memory, or pauses the login, gains nothing and delays no other
//! login.

use std::time::{Duration, Instant};

use twinlock_tests::{EtcdOptions, FLEET_SOCKET, FleetNetwork, thorough};

use crate::loss::print;
use crate::pair::{IN, Pair, gets_in};

/// Python program that listens on the socket `$0`, fills the queue of waiting connections, and accepts none of them.
const FULL: &str = "import os, socket, sys, time
path = sys.argv[1]
os.rename(path, path + '.away')
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(0)
waiting = []
while True:
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try: client.connect(path)
    except BlockingIOError: break
    waiting.append(client)
open('/run/full', 'w')
time.sleep(600)";

#[test]
fn login_without_descriptors_is_refused_and_never_local() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    let code = one.code("ada");
    let limited = |limit: &str| {
        let line = format!("ulimit {limit}; exec pamtester login-one ada authenticate");
        one.call(["sh", "-c", &line]).input(format!("{code}\n")).output().stdout.contains(IN)
    };
    for limit in ["-n 3", "-n 4", "-n 5"] {
        assert!(!limited(limit), "{limit}");
    }
    // A login that succeeds with little memory has used the code on every host.
    let got_in = ["-v 6000", "-v 9000", "-v 20000"].iter().filter(|limit| limited(limit)).count();
    assert!(got_in <= 1, "{got_in}");
    assert_eq!(gets_in(two, &[&code]), got_in == 0, "{:?}", two.log());
}

#[test]
fn full_queue_of_the_daemon_refuses_at_once() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let one = &pair.one;
    let started = format!(
        "setsid python3 -c \"$0\" {FLEET_SOCKET} </dev/null >/dev/null 2>&1 &
        until [ -e /run/full ]; do sleep 0.01; done"
    );
    one.run(["sh", "-c", &started, FULL]).ok();
    let begun = Instant::now();
    assert!(!gets_in(one, &[&one.code("ada")]));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(!one.logged("reason=store_busy").is_empty(), "{:?}", one.log());
}

/// Starts `$0` times su as the caller, each to another user and with the right code, and stops each after up to ten
/// milliseconds.
const STOPPED: &str = "number=0
while [ $number -lt $0 ]; do
    su $(printf u%07d $number) -c true </home/eve/code >/dev/null 2>&1 &
    sleep 0.00$((number % 10))
    kill -STOP $! 2>/dev/null
    number=$((number + 1))
done
exec sleep 600";

#[test]
fn stopped_logins_delay_no_other() {
    let many = if thorough() { 1_000 } else { 150 };
    let network = FleetNetwork::new();
    let pair = Pair::with_people(&network, many, &EtcdOptions::default());
    let one = &pair.one;
    let stack = "auth required pam_permit.so\nauth requisite pam_twinlock.so first_factor=stack\n";
    one.pam(
        "su",
        &format!("{stack}account required pam_permit.so\nsession required pam_permit.so\n"),
    );
    one.user("eve").file("/home/eve/code").write(format!("{}\n", one.code("ada")));
    let started = Instant::now();
    let all = one.call(["sh", "-c", STOPPED, &many.to_string()]).as_user("eve").open();
    let stopped = || one.run(["sh", "-c", "ps -C su -o stat= | grep -c T"]).stdout;
    while one
        .run(["pgrep", "-u", "eve", "-x", "sleep", "-a"])
        .stdout
        .lines()
        .all(|line| !line.ends_with(" 600"))
    {
        assert!(started.elapsed() < Duration::from_secs(200), "{}", all.transcript());
        std::thread::sleep(Duration::from_millis(100));
    }
    let stopped = stopped();
    let begun = Instant::now();
    let from = ["-I", "rhost=198.51.100.9"];
    let code = format!("{}\n", one.code_in("ada", 1));
    let said = one.pamtester_as(&from, "login-one", "ada").input(code).output();
    let took = begun.elapsed();
    print(&format!("{} of {many} su are stopped; another login took {took:?}", stopped.trim()));
    assert!(stopped.trim().parse::<u64>().is_ok_and(|stopped| stopped * 2 > many), "{stopped}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(said.stdout.contains(IN), "{:?}", one.log());
}
