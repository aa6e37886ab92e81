//! Compares doctor's output on a correct machine, on stock Debian, and on machines with faults.

use twinlock_tests::{shipped, stock};

use crate::script;

const DROP_IN: &str = "10-twinlock-publickey.conf";

#[test]
fn doctor() {
    let mut s = script("doctor");
    s.m.pam("sshd", &shipped("pam.d/sshd-publickey")).drop_in(DROP_IN).sshd("PermitRootLogin no\n");
    s.both("doctor ssh");
    s.pipe("--json doctor ssh", &[]);
    s.pipe("doctor ssh --verbose", &[]);
    s.unprivileged("doctor ssh");
    // bob is a user whom sshd lets in without a code: a way in until accepted.toml lists it.
    let robot = "Match User bob\n    AuthenticationMethods publickey\nMatch all\n";
    s.m.sshd(&format!("PermitRootLogin no\n{robot}"));
    s.both("doctor ssh");
    s.m.sshd("PermitRootLogin no\n").settings("windwo = 1\n");
    s.both("doctor ssh");
    s.m.settings("").file(&format!("/etc/ssh/sshd_config.d/{DROP_IN}")).remove();
    // A line as libpam-cap adds it, but with a module that every Debian has.
    let more = format!("{}auth\toptional\t\t\tpam_group.so\n", stock("common-auth"));
    s.m.pam("common-auth", &more).pam("sshd", stock("sshd")).sshd("");
    s.both("doctor ssh");
    s.pipe("--json doctor ssh", &[]);
    s.m.file("/usr/sbin/sshd").remove();
    s.pipe("doctor ssh", &[]);
    s.pipe("doctor", &[]);
    s.pipe("doctor sudo", &[]);
    s.finish();
}
