//! Tests doctor on connections other than the usual one: over routing domains, with files that Match blocks include,
//! and to further processes of sshd.

use serde_json::Value;
use twinlock_tests::Machine;

use super::wirings::{ALL_RIGHT, K, KEY_ONLY, KEYS, gets_in, verdict, wired};

/// Restarts sshd with these settings.
fn restart(m: &Machine, settings: &str) {
    m.sshd(&format!("PermitRootLogin no\n{settings}"));
}

/// Returns whether ada logs in with her key alone over a port of 127.0.0.1.
fn key_over(m: &Machine, port: u16) -> bool {
    let ssh = m.ssh("ada").key().option(&format!("Port={port}")).option("BatchMode=yes");
    let ssh = ssh.option("StrictHostKeyChecking=no").option("ConnectionAttempts=20");
    ssh.command(["true"]).output().code == Some(0)
}

/// Returns whether ada logs in with key and code over a port of 127.0.0.1.
fn code_over(m: &Machine, port: u16) -> bool {
    let script = format!("#!/bin/sh\necho {}\n", m.code("ada"));
    m.file("/usr/local/bin/answer").write(script).mode(0o755);
    let ssh = m.ssh("ada").key().option(&format!("Port={port}"));
    let ssh = ssh.option("StrictHostKeyChecking=no").option("ConnectionAttempts=20");
    let call = ssh.command(["true"]).call().env("SSH_ASKPASS", "/usr/local/bin/answer");
    call.env("SSH_ASKPASS_REQUIRE", "force").output().code == Some(0)
}

fn texts(report: &Value) -> String {
    report["findings"].to_string()
}

/// Checks `Match RDomain`. Linux calls the device to which a socket is bound its routing domain, which need not be a
/// VRF device: `lo` is one here.
#[test]
fn routing_domain_counts_where_sshd_listens_in_it() {
    let block =
        |criteria: &str, line: &str| format!("{KEYS}Match {criteria}\n  {line}\nMatch all\n");
    let open = "AuthenticationMethods publickey";
    let listen = "ListenAddress 127.0.0.1:2222 rdomain lo\n";
    let m = wired(&block("RDomain lo", open), K);
    verdict(&m, "closed", None);
    assert!(!key_over(&m, 22));
    for (criteria, over_22, over_2222) in [
        ("RDomain lo", false, true),
        ("RDomain ?*", false, true),
        ("RDomain l?,!red", false, true),
        ("RDomain *,!lo", true, false),
        ("RDomain lo LocalPort 2222", false, true),
        ("RDomain red,blue", false, false),
        ("RDomain lo User eve", false, false),
    ] {
        restart(&m, &format!("{listen}{}", block(criteria, open)));
        let is_met = over_22 || over_2222 || criteria.contains("eve");
        let report = verdict(&m, if is_met { "open" } else { "closed" }, None);
        assert!(!is_met || texts(&report).contains(criteria), "{criteria}: {report:#}");
        assert_eq!((key_over(&m, 22), key_over(&m, 2222)), (over_22, over_2222), "{criteria}");
    }
    restart(&m, &format!("{listen}{}", block("RDomain lo", "PubkeyAuthentication no")));
    verdict(&m, "locked_out", None);
    assert!(!code_over(&m, 2222) && code_over(&m, 22));
    // A routing domain on the command line of sshd.
    restart(&m, &block("RDomain lo", open));
    m.stop_sshd();
    m.run(["/usr/sbin/sshd", "-o", "ListenAddress 127.0.0.1:2222 rdomain lo"]).ok();
    verdict(&m, "open", Some("way-in match-without-code"));
    assert!(key_over(&m, 2222));
}

/// Checks routing domains that come from a device or a socket unit and not from the settings of sshd. No VRF device
/// can be created here, so the test writes the entry that the kernel would have for one.
#[test]
fn routing_domain_of_a_device_or_a_socket_unit_counts() {
    let block = "Match RDomain red\n  AuthenticationMethods publickey\nMatch all\n";
    let m = wired(&format!("{KEYS}{block}"), K);
    verdict(&m, "closed", None);
    m.run(["mkdir", "-p", "/etc/systemd/system/ssh.socket.d"]).ok();
    let unit = m.file("/etc/systemd/system/ssh.socket.d/red.conf");
    unit.write("[Socket]\nBindToDevice=red\n");
    verdict(&m, "open", Some("way-in match-without-code"));
    unit.write("[Socket]\nBindToDevice=red\nBindToDevice=\n");
    verdict(&m, "closed", None);
    let devices = "mkdir -p /sys/class/net/red; echo INTERFACE=red >/sys/class/net/red/uevent";
    m.run(["sh", "-c", devices]).ok();
    verdict(&m, "closed", None);
    m.run(["sh", "-c", "echo DEVTYPE=vrf >>/sys/class/net/red/uevent"]).ok();
    verdict(&m, "open", Some("way-in match-without-code"));
}

#[test]
fn included_file_narrows_the_block_that_includes_it() {
    let m = wired(KEYS, K);
    let open = "  AuthenticationMethods publickey\n";
    m.file("/etc/ssh/open.conf").write(open);
    m.file("/etc/ssh/here.conf").write(format!("Match Address 127.0.0.0/8\n{open}"));
    m.file("/etc/ssh/far.conf").write(format!("Match Address 192.0.2.0/24\n{open}"));
    m.file("/etc/ssh/all.conf")
        .write(format!("Match Address 192.0.2.0/24\n  X11Forwarding no\nMatch all\n{open}"));
    m.file("/etc/ssh/deep.conf").write("Match Address 127.0.0.0/8\n  Include open.conf\n");
    for (lines, ada, eve, named) in [
        ("Match User ada\n  Include open.conf\n", true, false, "(User ada)"),
        ("Match User ada\n  Include here.conf\n", true, false, "(User ada Address 127.0.0.0/8)"),
        ("Match User ada\n  Include deep.conf\n", true, false, "(User ada Address 127.0.0.0/8)"),
        ("Match User ada\n  Include all.conf\n", true, false, "(User ada All)"),
        ("Match User nobody9\n  Include here.conf\n", false, false, ""),
        ("Match User nobody9\n  Include all.conf\n", false, false, ""),
        ("Include here.conf\n", true, true, "(Address 127.0.0.0/8)"),
        // The block goes on after the included file.
        (
            "Match User eve\n  Include far.conf\n  AuthenticationMethods publickey\n",
            false,
            true,
            "(User eve)",
        ),
        // A block of an included file ends with the file.
        ("Include far.conf\nAuthenticationMethods publickey\n", true, true, ""),
    ] {
        match lines.starts_with("Include") {
            true => restart(&m, &format!("{lines}{KEYS}")),
            false => restart(&m, &format!("{KEYS}{lines}Match all\n")),
        }
        let report = verdict(&m, if ada || eve { "open" } else { "closed" }, None);
        assert!(texts(&report).contains(named), "{lines}: {report:#}");
        let real = (gets_in(&m, "ada", KEY_ONLY, 0), gets_in(&m, "eve", KEY_ONLY, 0));
        assert_eq!(real, (ada, eve), "{lines}: {report:#}");
    }
}

/// A Match block for ada includes a file with another Match block, for an address. Checks that doctor finds ada locked
/// out only at logins to which both blocks apply.
#[test]
fn included_file_locks_out_only_where_its_block_applies() {
    let m = wired(KEYS, K);
    m.file("/etc/ssh/off.conf").write("Match Address 192.0.2.0/24\n  PubkeyAuthentication no\n");
    restart(&m, &format!("{KEYS}Match User ada\n  Include off.conf\nMatch all\n"));
    let report = verdict(&m, "locked_out", Some("lock-out method-off"));
    assert!(texts(&report).contains("(User ada Address 192.0.2.0/24)"), "{report:#}");
    assert!(gets_in(&m, "ada", ALL_RIGHT, 1));
}

const SECOND: &str = "/etc/ssh/sshd_second";

#[test]
fn second_sshd_with_its_own_file_and_port_is_judged() {
    let open = "AuthenticationMethods publickey\n";
    let of_port = |port: u16| format!("UsePAM yes\n{KEYS}Match LocalPort {port}\n  {open}");
    let keys = format!("UsePAM yes\n{KEYS}");
    let start = format!("/usr/sbin/sshd -f {SECOND} -p 2222 -o PidFile=/run/second.pid");
    for (settings, status, key, code) in [
        (format!("UsePAM yes\n{open}"), "open", true, true),
        (keys.clone(), "closed", false, true),
        (of_port(2222), "open", true, true),
        (of_port(22), "closed", false, true),
        (format!("{keys}Match User ada\n  PubkeyAuthentication no\n"), "locked_out", false, false),
        ("UsePAM no\nAuthenticationMethods publickey\n".to_owned(), "open", true, true),
    ] {
        let m = wired(KEYS, K);
        m.file(SECOND).write(format!("LoginGraceTime 300\nPermitRootLogin no\n{settings}"));
        m.run(["sh", "-c", &start]).ok();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !m.file("/run/second.pid").exists() {
            assert!(std::time::Instant::now() < end, "{:?}", m.log());
        }
        let report = verdict(&m, status, None);
        assert_eq!(
            (key_over(&m, 2222), code_over(&m, 2222)),
            (key, code),
            "{settings}: {report:#}"
        );
        assert!(!key_over(&m, 22), "{settings}");
        // Once it is stopped, its file does not count.
        m.run([
            "sh",
            "-c",
            "kill $(cat /run/second.pid); while [ -e /run/second.pid ]; do :; done",
        ])
        .ok();
        verdict(&m, "closed", None);
    }
}

#[test]
fn enabled_unit_of_any_name_is_judged() {
    let m = wired(KEYS, K);
    m.file(SECOND).write("UsePAM yes\nAuthenticationMethods publickey\n");
    let units = "/etc/systemd/system";
    m.run(["mkdir", "-p", &format!("{units}/multi-user.target.wants")]).ok();
    m.run(["mkdir", "-p", &format!("{units}/sockets.target.wants")]).ok();
    let unit = |name: &str, text: &str| {
        m.file(&format!("{units}/{name}")).write(format!("[Service]\n{text}"));
    };
    let start = format!("ExecStart=/usr/sbin/sshd -D -f {SECOND}\n");
    unit("files.service", &start);
    verdict(&m, "closed", None);
    let wanted = |target: &str, name: &str| format!("{units}/{target}.target.wants/{name}");
    for (target, enabled, file, text) in [
        ("multi-user", "files.service", "files.service", start.as_str()),
        ("sockets", "admin.socket", "admin@.service", &start.replace("-D", "-i")),
        ("multi-user", "zone@red.service", "zone@.service", &start),
    ] {
        unit(file, text);
        let wanted = wanted(target, enabled);
        let link = m.file(&wanted);
        link.link_to(&format!("{units}/{enabled}"));
        let report = verdict(&m, "open", Some("way-in key-alone"));
        assert!(texts(&report).contains(SECOND), "{enabled}: {report:#}");
        unit(file, "ExecStart=/usr/bin/true\n");
        verdict(&m, "closed", None);
        link.remove();
    }
}
