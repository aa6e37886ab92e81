//! Checks that the limits of the fleet hold on a host whose own settings are laxer, and no longer than they are set.

use twinlock_tests::{FleetHost, FleetNetwork};

use crate::pair::{IN, Pair, SHARED};

fn settings(host: &FleetHost<'_>, free: u32) {
    host.settings(&format!("[throttle]\nfree = {free}\n{SHARED}"));
}

/// Types this code from an address of its own, which the number `from` selects.
fn typed(host: &FleetHost<'_>, from: u32, code: &str) -> bool {
    let item = format!("rhost=203.0.113.{from}");
    let call = host.pamtester_as(&["-I", &item], "login-one", "ada");
    call.input(format!("{code}\n\n")).output().stdout.contains(IN)
}

/// Returns how many of six wrong codes from one address are compared.
fn compared(host: &FleetHost<'_>, from: u32) -> usize {
    let before = host.logged("reason=wrong_code").len();
    for _ in 0..6 {
        assert!(!typed(host, from, &host.wrong_code("ada")));
    }
    host.logged("reason=wrong_code").len() - before
}

#[test]
fn laxest_host_has_the_limits_of_the_fleet() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    settings(one, 2);
    settings(two, 20);
    assert_eq!(compared(two, 1), 6);
    let said = one.run(["twinlock", "fleet", "throttle"]).ok().to_owned();
    assert!(said.contains("free:2,delay:30"), "{said}");
    let status = two.run(["twinlock", "fleet", "status"]).ok().to_owned();
    let status = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(status.contains("Limits of all hosts: free:2,"), "{status}");
    assert_eq!(compared(two, 2), 2, "{:?}", two.log());
    // The stricter one holds: settings of a host may be stricter than the fleet's.
    settings(two, 1);
    assert_eq!(compared(two, 3), 1, "{:?}", two.log());
    assert!(typed(two, 4, &two.code("ada")), "{:?}", two.log());
    settings(two, 20);
    one.run(["twinlock", "fleet", "throttle", "--clear"]).ok();
    assert_eq!(compared(two, 5), 6, "{:?}", two.log());
}
