//! Tests which entries of accepted.toml setup adds, keeps and removes.

use super::*;

const HAND: &str = "# Robots.\nprotect = [\"sudo\"] # all\n\n[[accepted]]\n# why\nfinding = \"key-alone\"\nservice = \"sshd\"\noutcome = \"A key.\"\nreason = \"x\"\nuntil = 2027-01-31";

fn day(year: u16) -> UnixTime {
    UnixTime::of_date(year, 1, 31).unwrap()
}

fn entry(service: &str) -> AcceptedFinding {
    AcceptedFinding {
        finding: "rule-reminds".to_owned(),
        service: service.to_owned(),
        outcome: "Users: group = \"d\u{7}ev\", until = 2027-01-31.".to_owned(),
        reason: "x".to_owned(),
        until: day(2027),
    }
}

#[test]
fn entries_are_added_once_and_the_rest_stays() {
    for before in ["", "# nothing", HAND] {
        let both = [entry("sshd"), entry("sudo")];
        let after = extended(before, &both).unwrap();
        assert!(after.starts_with(before));
        let read = accepted::read(&after).unwrap().accepted;
        assert!(both.iter().all(|entry| read.contains(entry)), "{before}");
        assert_eq!(extended(&after, &both).unwrap(), after, "{before}");
        let one = extended(&after, &[entry("su")]).unwrap();
        assert_eq!(accepted::read(&one).unwrap().accepted.len(), read.len() + 1);
    }
}

#[test]
fn file_that_cannot_be_continued_is_left() {
    for before in ["accepted = []\n", "accepted = 1\n", "[[accepted]]\n", "\u{0}", "x = 1\n"] {
        assert!(extended(before, &[entry("sshd")]).is_err(), "{before}");
    }
}

#[test]
fn what_setup_has_written_is_taken_out_and_the_rest_stays() {
    let ssh = ServiceName::of("ssh").unwrap();
    let of = |service: &str, until| AcceptedFinding {
        reason: "twinlock setup ssh --group g".to_owned(),
        until,
        ..entry(service)
    };
    let now = UnixTime(day(2026).0 + 1);
    for before in ["", "# nothing\n", &format!("{HAND}\n")] {
        let new = [of("sshd", day(2027)), of("sudo", day(2027))];
        let after = replaced(before, &ssh, &new, now).unwrap();
        assert_eq!(of_service(&after, &ssh).unwrap(), new);
        // A later command asks for a later end date. The old entry stays until its own end date has passed.
        let later = [of("sshd", day(2028)), of("sudo", day(2028))];
        assert_eq!(replaced(&after, &ssh, &later, now).unwrap(), after);
        let renewed = replaced(&after, &ssh, &later, day(2027)).unwrap();
        assert_eq!(of_service(&renewed, &ssh).unwrap(), later);
        let one = replaced(&after, &ssh, &later[..1], now).unwrap();
        assert_eq!(of_service(&one, &ssh).unwrap(), new[..1]);
        assert_eq!(replaced(&after, &ssh, &[], now).unwrap(), before, "{after}");
        // A change for another service keeps these entries.
        let sudo = ServiceName::of("sudo").unwrap();
        assert_eq!(replaced(&after, &sudo, &[], now).unwrap(), after);
    }
    // An entry that was edited by hand is removed, too.
    let edited =
        format!("{HAND}\n{}", written(&of("sshd", day(2027))).replace("finding =", "finding  = "));
    assert_eq!(replaced(&edited, &ssh, &[], now).unwrap(), format!("{HAND}\n"));
    let odd = "[[accepted]]\nfinding = \"a\"\n";
    assert!(replaced(odd, &ssh, &[], now).is_err());
}
