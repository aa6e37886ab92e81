//! Tests the module as a part of other programs: a panic does no harm, and the module leaves nothing behind when it is
//! unloaded.

use twinlock_tests::{Finished, LOGGED_IN, Machine, PROMPT, Trace};

const MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so";
/// Answer to the prompt of the probe, which panics with it. Neither the answer nor the message of the panic may appear
/// anywhere.
const TYPED: &str = "471108";
const SAID: [&str; 4] = [TYPED, "panic_probe was told", "panicked", "RUST_BACKTRACE"];

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().panic_probe().person("ada").sudoer("ada").person("bob").proven("one");
    let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
    for service in ["probe", "sshd", "sudo", "su"] {
        m.pam(service, &format!("auth required pam_panic_probe.so\n{rest}"));
    }
    m
}

fn nothing_of_it_shows(m: &Machine, shown: &str) {
    let log = m.log().join("\n");
    for text in SAID {
        assert!(!shown.contains(text), "{shown}");
        assert!(!log.contains(text), "{log}");
    }
}

#[test]
fn a_panic_is_pam_abort_and_one_line_in_the_log() {
    let m = machine();
    let done = m.pamtester("probe", "ada").input(format!("{TYPED}\n")).output();
    // libpam's message for PAM_ABORT.
    assert_eq!(done.stderr, "Probe: pamtester: Critical error - immediate abort\n");
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""));
    nothing_of_it_shows(&m, "");
    let lines = m.logged("event=refused");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("<81>"), "{lines:?}");
    let line = lines[0].split("]: ").nth(1).expect("a tag");
    assert!(line.starts_with("event=refused reason=panic at="), "{line}");
    assert!(line.contains("authenticate.rs:"), "{line}");
}

#[test]
fn a_program_goes_on_after_two_panics() {
    let m = machine();
    let probe = "auth optional pam_panic_probe.so\n";
    m.pam("probe", &format!("{probe}{probe}auth required pam_permit.so\n"));
    let done = m.pamtester("probe", "ada").input(format!("{TYPED}\n{TYPED}\n")).output();
    assert_eq!(done.stdout, "pamtester: successfully authenticated\n", "{done:?}");
    assert_eq!(done.stderr, "Probe: Probe: ");
    assert_eq!(m.logged("reason=panic").len(), 2, "{:?}", m.log());
    nothing_of_it_shows(&m, &done.stderr);
}

#[test]
fn sshd_lives_on_after_a_panic() {
    let m = machine();
    m.sshd("KbdInteractiveAuthentication yes\nPasswordAuthentication no\n");
    let mut s = m.ssh("ada").open();
    s.expect("Probe: ").send_line(TYPED).give_up();
    assert!(!s.logged_in(), "{}", s.transcript());
    nothing_of_it_shows(&m, &s.transcript());
    assert!(!m.logged("reason=panic").is_empty(), "{:?}", m.log());
    m.proven("sshd");
    let mut s = m.ssh("ada").open();
    s.expect(PROMPT).send_line(&m.code("ada"));
    assert!(s.logged_in(), "{}", s.transcript());
}

#[test]
fn sudo_and_su_refuse_after_a_panic_and_their_terminals_stay_clean() {
    let m = machine();
    for call in [m.sudo("ada"), m.su("ada", "bob")] {
        let mut s = call.env("RUST_BACKTRACE", "full").open();
        s.expect("Probe: ").send_line(TYPED).give_up();
        let code = s.exit_code();
        assert!(code.is_some_and(|code| (1..128).contains(&code)), "{code:?} {}", s.transcript());
        assert!(!s.transcript().contains(LOGGED_IN), "{}", s.transcript());
        nothing_of_it_shows(&m, &s.transcript());
    }
    assert!(m.logged("reason=panic").len() >= 2, "{:?}", m.log());
}

#[test]
fn the_released_module_has_no_way_to_panic_on_purpose() {
    let m = machine();
    let module = m.file(MODULE).bytes();
    for text in ["panic_probe", "Probe: "] {
        assert!(!module.windows(text.len()).any(|found| found == text.as_bytes()), "{text}");
    }
}

#[test]
fn the_module_needs_libpam_and_what_every_rust_library_needs() {
    let m = machine();
    let dynamic = m.run(["readelf", "--dynamic", "--wide", MODULE]);
    let needed = dynamic.ok().lines().filter(|line| line.contains("(NEEDED)"));
    let name = |line: &str| line.split(['[', ']']).nth(1).map(str::to_owned);
    let mut names: Vec<_> = needed.filter_map(name).collect();
    names.sort_unstable();
    assert!(names.iter().any(|name| name == "libpam.so.0"), "{names:?}");
    let usual = ["ld-linux-x86-64.so.2", "libc.so.6", "libgcc_s.so.1", "libpam.so.0"];
    assert!(names.iter().all(|name| usual.contains(&name.as_str())), "{names:?}");
}

#[test]
fn the_module_exports_the_six_entry_points_alone() {
    let m = machine();
    let table = m.run(["nm", "--dynamic", "--defined-only", "--format=posix", MODULE]);
    let mut names: Vec<_> = table.ok().lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    let known =
        ["acct_mgmt", "authenticate", "chauthtok", "close_session", "open_session", "setcred"];
    assert_eq!(names, known.map(|name| format!("pam_sm_{name}")));
}

/// Returns whether a library that was mapped into memory is unmapped completely before the program ends.
fn unloaded(trace: &Trace, library: &str) -> bool {
    let opened = trace.between(library, "exit_group");
    let mapped = opened.mentioning("mmap(NULL, ")[0];
    let size = mapped.split("mmap(NULL, ").nth(1).and_then(|rest| rest.split(',').next());
    let address = mapped.rsplit("= ").next();
    let gone = format!("munmap({}, {})", address.expect("an address"), size.expect("a size"));
    !opened.mentioning(&gone).is_empty()
}

fn traced(m: &Machine, service: &str, typed: &str) -> (Finished, Trace) {
    let call = m.pamtester(service, "ada").input(format!("{typed}\n\n"));
    let done = call.strace("/tmp/trace", &[]).output();
    (done, m.trace("/tmp/trace"))
}

#[test]
fn the_module_is_unloaded_when_pam_ends() {
    let m = machine();
    let code = m.code("ada");
    for (service, typed, library, expected) in [
        ("one", code.as_str(), "pam_twinlock.so", 0),
        ("one", TYPED, "pam_twinlock.so", 1),
        ("probe", TYPED, "pam_panic_probe.so", 1),
    ] {
        let (done, trace) = traced(&m, service, typed);
        assert_eq!(done.code, Some(expected), "{done:?}");
        assert!(unloaded(&trace, library), "{library}: {trace:#?}");
    }
}
