//! Checks that before a first factor, the requests of a login to the store do not reveal who is enrolled: they are
//! equal in number and size.

use twinlock_tests::{FLEET_SOCKET, FleetNetwork, Machine};

use crate::pair::Pair;

const AHEAD: &str =
    "auth required pam_twinlock.so first_factor=follows\naccount required pam_permit.so\n";
/// Wrong codes of an earlier login, after which the next login is throttled.
const MANY: &str = "000000\n000000\n000000\n000000\n000000\n000000\n000000";

/// Returns the size of each request to the daemon in one login of a user with one wrong code.
fn requests(host: &Machine, name: &str) -> Vec<usize> {
    let trace = "/root/trace";
    let options = ["-qq", "-e", "trace=connect,sendto,fsync,fdatasync", "-e", "signal=none"];
    let call = host.pamtester_as(&["-I", "rhost=192.0.2.1"], "ahead", name);
    call.strace(trace, &options).input("000000\n\n").output();
    let text = host.file(trace).read();
    assert!(!text.contains("sync("), "{text}");
    let mut lines = text.lines();
    let mut sizes = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains(FLEET_SOCKET) {
            let sent = lines.find(|line| line.contains("sendto(")).unwrap_or_default();
            let (_, size) = sent.rsplit_once("= ").expect("a size");
            sizes.push(size.trim().parse().expect("a number"));
        }
    }
    sizes
}

#[test]
fn requests_do_not_tell_who_is_enrolled() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let one = &pair.one;
    one.user("bob").pam("ahead", AHEAD);
    one.settings(&format!("tries = 10\n{}", crate::pair::SHARED));
    let names = ["ada", "bob", "nix"];
    let fresh = names.map(|name| requests(one, name));
    assert_eq!(fresh[0].len(), 3, "{fresh:?}");
    assert!(fresh.iter().all(|sizes| *sizes == fresh[0]), "{fresh:?}");
    for name in names {
        one.pamtester_as(&["-I", "rhost=192.0.2.1"], "ahead", name).input(MANY).output();
    }
    assert!(!one.logged("reason=throttled").is_empty(), "{:?}", one.log());
    let throttled = names.map(|name| requests(one, name));
    assert!(throttled.iter().all(|sizes| *sizes == fresh[0]), "{fresh:?} {throttled:?}");
}
