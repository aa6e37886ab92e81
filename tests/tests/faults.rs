//! Each system call of a login fails in turn, in each way it can: nobody gets in by it, and
//! nobody stays out for good.

use twinlock_tests::{Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// ada is enrolled with an app that shows a new code each second.
fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").bare();
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
    m.settings(&format!("tries = 1\nwindow = 10\n{settings}"));
    m
}

fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", script]).ok();
}

/// As before the first login: nobody has a name in the ledger, no source is known, and the
/// clock has got nowhere.
fn forget(m: &Machine) {
    let store = "/var/lib/twinlock";
    sh(
        m,
        &format!(
            "rm -rf /run/twinlock/users {store}/users/ada/known.* {store}/users/ada/failed.*; touch -d @0 {store}/clock"
        ),
    );
}

fn passes(m: &Machine, user: &str, code: &str) -> bool {
    m.asked(user, code).code == Some(0)
}

/// One system call that fails: its name, which of its kind, and how.
type Fault = (String, usize, &'static str);

/// Every way in which the calls of one login can fail, from the settings on.
fn faults(m: &Machine, lines: &str) -> Vec<Fault> {
    forget(m);
    m.asking("ada", lines, &["-e", "trace=all"]).output();
    let text = m.file("/tmp/trace").read();
    let (mut seen, mut found, mut inside) = (Vec::new(), Vec::new(), false);
    let mut answered = false;
    for line in text.lines() {
        let Some((name, arguments)) = line.split_once('(') else { continue };
        let name = name.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start();
        seen.push(name.to_owned());
        inside |= arguments.contains("/etc/twinlock/twinlock.toml");
        if arguments.contains("NETLINK_AUDIT") {
            break;
        }
        // The answer is read byte by byte: one of them stands for all.
        let again = name == "read" && arguments.starts_with("0,") && answered;
        answered |= name == "read" && arguments.starts_with("0,");
        if inside && !again {
            let nth = seen.iter().filter(|one| *one == name).count();
            found.extend(errors(name).iter().map(|error| (name.to_owned(), nth, *error)));
        }
    }
    found
}

fn errors(call: &str) -> &'static [&'static str] {
    match call {
        "openat" | "openat2" => &["EIO", "ENOMEM", "EMFILE", "EACCES", "EPERM", "EINTR"],
        "mkdirat" | "symlinkat" => &["EIO", "ENOSPC", "ENOMEM", "EACCES", "EPERM"],
        "read" => &["EIO", "ENOMEM", "EINTR"],
        "getdents64" | "readlinkat" => &["EIO", "ENOMEM", "EACCES"],
        "fstat" | "newfstatat" | "statx" | "fstatfs" => &["EIO", "ENOMEM", "EACCES"],
        "fchownat" | "fchmodat" | "utimensat" | "unlinkat" => &["EIO", "EPERM", "EACCES"],
        "socket" | "connect" | "sendto" => &["EMFILE", "ENOMEM", "EACCES", "EINTR"],
        "mmap" | "brk" => &["ENOMEM"],
        "write" | "lseek" => &["EIO", "EINTR"],
        _ => &[],
    }
}

/// ada's call with that fault; it must have happened.
fn struck(m: &Machine, lines: &str, (call, nth, error): &Fault) -> bool {
    forget(m);
    let inject = format!("inject={call}:error={error}:when={nth}");
    let said = m.asking("ada", lines, &["-e", &inject]).output();
    let trace = m.trace("/tmp/trace");
    let happened = trace.mentioning("(INJECTED)").iter().any(|line| line.contains(call));
    assert!(happened, "{call} {nth} {error}: {said:?}");
    said.code == Some(0)
}

fn no_fault_lets_a_wrong_code_pass(m: &Machine) {
    let wrong = m.wrong_code("ada");
    let faults = faults(m, &wrong);
    assert!(faults.len() > 100, "{faults:?}");
    for fault in &faults {
        assert!(!struck(m, &wrong, fault), "{fault:?}: {:?}", m.log());
    }
    assert!(passes(m, "ada", &m.code("ada")));
}

#[test]
fn no_fault_turns_a_wrong_code_into_a_pass() {
    no_fault_lets_a_wrong_code_pass(&machine("not_enrolled = \"allow\"\n"));
}

#[test]
fn no_fault_does_so_where_the_code_comes_first() {
    let m = machine("not_enrolled = \"allow\"\n");
    let code_first = "auth required pam_twinlock.so first_factor=follows\n\
                      auth required pam_permit.so\n";
    m.pam("bare", code_first);
    no_fault_lets_a_wrong_code_pass(&m);
}

#[test]
fn no_fault_turns_a_demand_into_an_exemption() {
    let staff = "[[rule]]\ngroup = \"staff\"\naction = \"require\"\n[[rule]]\nservice = \"bare\"\naction = \"exempt\"\n";
    let m = machine(staff);
    assert!(passes(&m, "ada", ""));
    sh(&m, "sed -i 's/^staff:.*/staff:x:50:ada/' /etc/group");
    let wrong = m.wrong_code("ada");
    assert!(!passes(&m, "ada", &wrong));
    let group = |call: &str| ["openat", "read", "newfstatat", "socket", "lseek"].contains(&call);
    let faults = faults(&m, &wrong);
    for fault in faults.iter().filter(|(call, _, _)| group(call)) {
        assert!(!struck(&m, &wrong, fault), "{fault:?}: {:?}", m.log());
    }
}

#[test]
fn a_fault_lets_no_code_in_twice_and_nobody_out_for_good() {
    let m = machine("");
    let (mut granted, mut refused) = (0, 0);
    for fault in faults(&m, &m.code("ada")) {
        let code = m.code("ada");
        if struck(&m, &code, &fault) {
            granted += 1;
            assert!(!passes(&m, "ada", &code), "{fault:?}: twice: {:?}", m.log());
        } else {
            refused += 1;
        }
        // Later than the code that the fault may have burned.
        let next = m.code_in("ada", 4);
        assert!(passes(&m, "ada", &next), "{fault:?}: {:?}", m.log());
    }
    // What is done as well as it goes stops nobody; the rest refuses.
    assert!(granted > 10 && refused > 50, "{granted} {refused}");
}

#[test]
fn what_cannot_be_read_is_named_in_the_log_and_in_the_ledger() {
    let m = machine("");
    let code = m.code("ada");
    forget(&m);
    m.asking("ada", &code, &["-e", "trace=all"]).output();
    let text = m.file("/tmp/trace").read();
    let mut seen: Vec<&str> = Vec::new();
    let (mut inside, mut checked) = (false, 0);
    for line in text.lines() {
        let Some((name, arguments)) = line.split_once('(') else { continue };
        let name = name.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start();
        seen.push(name);
        inside |= arguments.contains("/var/lib/twinlock\"");
        if arguments.contains("/run/twinlock\"") {
            break;
        }
        if !inside || !["openat2", "openat", "fstat", "getdents64", "read"].contains(&name) {
            continue;
        }
        let nth = seen.iter().filter(|one| **one == name).count();
        for error in ["EIO", "EACCES"] {
            let before = m.log().len();
            assert!(!struck(&m, &m.code("ada"), &(name.to_owned(), nth, error)));
            let log = m.log()[before..].join("\n");
            assert!(log.contains("reason=record_io"), "{name} {error}: {log}");
            let kept = m.tree("/run/twinlock/users/ada");
            assert!(kept.contains(" record_io bare "), "{name} {error}: {kept}");
            checked += 1;
        }
    }
    assert!(checked >= 14, "{text}");
}
