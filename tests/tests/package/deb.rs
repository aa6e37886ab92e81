//! Tests the Debian package on a machine: its installation, logins with it, its removal, which is refused while a PAM
//! file names the module, and its purge.

use std::path::PathBuf;

use twinlock_core::record::text as record_text;
use twinlock_tests::{Machine, repository, shipped, stock};

const DEB: &str = "/run/twinlock.deb";
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so";

/// Returns the folder of the packages that `cargo xtask test` builds before the tests.
pub(crate) fn folder() -> PathBuf {
    target().join("package-for-tests")
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    repository().join(target)
}

/// Returns the package for Debian 12.
pub(crate) fn built() -> Vec<u8> {
    let name = concat!("twinlock_", env!("CARGO_PKG_VERSION"), "~deb12u1_amd64.deb");
    std::fs::read(folder().join(name))
        .unwrap_or_else(|error| panic!("{name} is missing ({error}): run `cargo xtask test`"))
}

/// Returns the names of the packages for all releases.
fn all() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the packages");
    let names = entries.map(|entry| entry.expect("a name").file_name().into_string());
    let names = names.map(|name| name.expect("a plain name"));
    names.filter(|name| name.ends_with(".deb")).collect()
}

/// Creates a machine on which the package is installed, and on which ada has an ssh key and is enrolled.
fn machine() -> Machine {
    let m = Machine::new();
    m.file(DEB).write(built());
    m.run(["dpkg", "--install", DEB]).ok();
    m.user("ada").key("ada");
    m.epoch_minutes_ago(10).enrolled("ada", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    m
}

fn wire(m: &Machine) {
    m.pam("sshd", &shipped("pam.d/sshd-publickey"));
    m.drop_in("10-twinlock-publickey.conf").sshd("");
}

fn logs_in(m: &Machine, code: &str) {
    let mut s = m.ssh("ada").key().open();
    s.expect("Verification code").send_line(code);
    assert!(s.logged_in(), "{}", s.transcript());
}

#[test]
fn installing_wires_nothing_and_readies_store_and_ledger() {
    let m = Machine::new();
    // A service of its own is added, which no login uses.
    let others = || {
        let tree = m.tree("/etc/pam.d");
        let files = tree.lines().filter(|line| line.starts_with("/etc/pam.d/"));
        let files = files.filter(|line| !line.starts_with("/etc/pam.d/twinlock "));
        files.map(str::to_owned).collect::<Vec<String>>()
    };
    let before = others();
    m.file(DEB).write(built());
    m.run(["dpkg", "--install", DEB]).ok();
    assert_eq!(others(), before);
    assert_eq!(m.file("/etc/pam.d/twinlock").read(), shipped("pam.d/twinlock"));
    let contents = m.run(["dpkg-deb", "--contents", DEB]);
    let is_empty =
        |line: &&str| line.starts_with('-') && line.split_whitespace().nth(2) == Some("0");
    assert_eq!(contents.ok().lines().find(is_empty), None);
    let name = m.file("/etc/twinlock/store-id").read();
    assert_eq!(m.file("/var/lib/twinlock/store-id").read(), name);
    assert!(m.file("/run/twinlock/epoch").exists());
    for unit in [
        "multi-user.target.wants/twinlock-epoch.service",
        "local-fs.target.wants/run-twinlock.mount",
        "multi-user.target.wants/twinlock-deliver.path",
        "timers.target.wants/twinlock-deliver.timer",
        "timers.target.wants/twinlock-sweep.timer",
    ] {
        assert!(m.file(&format!("/etc/systemd/system/{unit}")).exists(), "{unit} is not enabled");
    }
    m.settings("").run(["twinlock", "settings", "apply"]).ok();
}

#[test]
fn its_module_asks_for_the_code() {
    let m = machine();
    wire(&m);
    logs_in(&m, &m.code("ada"));
}

#[test]
fn it_stays_while_pam_names_it_and_says_what_to_delete() {
    let m = machine();
    wire(&m);
    let refused = m.run(["dpkg", "--remove", "twinlock"]);
    assert_ne!(refused.code, Some(0));
    let stack = shipped("pam.d/sshd-publickey");
    let mut lines = stack.lines().enumerate();
    let (number, line) = lines
        .find(|(_, line)| !line.starts_with('#') && line.contains("pam_twinlock.so"))
        .expect("the shipped stack names the module");
    let place = format!("/etc/pam.d/sshd, line {}:", number + 1);
    assert!(refused.stderr.contains(&place), "{}", refused.stderr);
    assert!(refused.stderr.contains(line), "{}", refused.stderr);
    assert!(m.file(MODULE).exists());
    logs_in(&m, &m.code("ada"));
}

#[test]
fn an_upgrade_is_never_refused_and_leaves_settings_and_records_alone() {
    let m = machine();
    wire(&m);
    m.settings_alone("tries = 2\n");
    let records = m.tree("/var/lib/twinlock");
    m.run(["dpkg", "--install", DEB]).ok();
    assert_eq!(m.tree("/var/lib/twinlock"), records);
    assert_eq!(m.file("/etc/twinlock/twinlock.toml").read(), "tries = 2\n");
    logs_in(&m, &m.code("ada"));
}

/// Checks that the package is not installed over a record of a newer format. How dpkg changes from one version to
/// another is tested in a fresh Debian, by `cargo xtask package --try`.
#[test]
fn records_of_a_newer_format_are_left_to_a_newer_package() {
    let m = machine();
    m.run(["dpkg", "--purge", "twinlock"]).ok();
    let record = m.file("/var/lib/twinlock/users/ada/record.1.toml");
    let text = record.read();
    let (known, newer) = (record_text::VERSION, record_text::VERSION + 1);
    let (known, newer) = (format!("version = {known}\n"), format!("version = {newer}\n"));
    record.write(text.replacen(&known, &newer, 1));
    let refused = m.run(["dpkg", "--install", DEB]);
    assert_ne!(refused.code, Some(0));
    let reason = "users/ada/record.1.toml was written by a newer version";
    assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    assert!(!m.file(MODULE).exists());
    record.write(text);
    let rules = m.file("/etc/twinlock/rules.toml");
    rules.write(format!("# Rules.\n{newer}generation = \"0123456789abcdef\"\n"));
    let refused = m.run(["dpkg", "--install", DEB]);
    let reason = "rules.toml was written by a newer version";
    assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    // A number within a table is no version of the file.
    rules.write(format!("{known}generation = \"0123456789abcdef\"\n[[rule]]\n{newer}"));
    m.run(["dpkg", "--install", DEB]).ok();
    assert!(m.file(MODULE).exists());
}

#[test]
fn unwired_it_goes_and_leaves_the_keys_of_people() {
    let m = machine();
    let comment = "# auth required pam_twinlock.so first_factor=publickey\n";
    let beside = "auth required pam_unix.so # not pam_twinlock.so any more\n";
    m.pam("sshd", &format!("{comment}{beside}{}", stock("sshd")));
    m.run(["dpkg", "--remove", "twinlock"]).ok();
    assert!(!m.file(MODULE).exists());
    assert!(m.file("/etc/twinlock/twinlock.toml").exists());
    let purged = m.run(["dpkg", "--purge", "twinlock"]);
    assert!(purged.ok().contains("rm -r /var/lib/twinlock /etc/twinlock"), "{}", purged.stdout);
    assert!(m.file("/var/lib/twinlock/users/ada/record.1.toml").exists());
    assert!(m.file("/etc/twinlock/store-id").exists());
    assert!(!m.file("/etc/twinlock/twinlock.toml").exists());
}

#[test]
fn purged_before_anybody_was_enrolled_it_leaves_nothing() {
    let m = Machine::new();
    m.file(DEB).write(built());
    m.run(["dpkg", "--install", DEB]).ok();
    // A purge unmounts the ledger even while a process uses it.
    let busy = "cd /run/twinlock && dpkg --purge twinlock";
    m.run(["sh", "-c", busy]).ok();
    let mounts = m.file("/proc/1/mounts").read();
    assert!(!mounts.contains("/run/twinlock"), "{mounts}");
    for left in ["/run/twinlock", "/etc/twinlock", "/var/lib/twinlock", "/usr/bin/twinlock", MODULE]
    {
        assert!(!m.file(left).exists(), "{left} is left");
    }
}

#[test]
fn lintian_and_the_sums_find_nothing() {
    let m = Machine::new();
    let names = all();
    for suite in ["~deb12u1_", "~deb13u1_", "~ubuntu24.04.1_"] {
        assert!(names.iter().any(|name| name.contains(suite)), "{suite}: {names:?}");
    }
    for name in names {
        m.file(DEB).write(std::fs::read(folder().join(&name)).expect("a package"));
        let found = m.run(["lintian", "--fail-on", "error,warning", "--no-tag-display-limit", DEB]);
        assert_eq!((found.code, found.stdout.as_str()), (Some(0), ""), "{name}: {}", found.stderr);
    }
    let check = "dpkg-deb --raw-extract \"$0\" /tmp/deb && cd /tmp/deb &&
        md5sum --quiet --check DEBIAN/md5sums && wc -l <DEBIAN/md5sums";
    let sums: usize = m.run(["sh", "-c", check, DEB]).ok().trim().parse().expect("a number");
    assert!(sums > 20, "{sums}");
    let wanted = "cd /tmp/deb; find usr lib -type f | wc -l";
    assert_eq!(m.run(["sh", "-c", wanted]).ok().trim(), sums.to_string());
}

#[test]
fn links_of_readme_lead_to_files_of_the_package() {
    let m = Machine::new();
    m.file(DEB).write(built());
    m.run(["dpkg-deb", "--extract", DEB, "/tmp/deb"]).ok();
    let folder = "/tmp/deb/usr/share/doc/twinlock";
    let readme = m.file(&format!("{folder}/README.md")).read();
    let targets = readme.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let files: Vec<&str> = targets.filter(|link| !link.starts_with('#')).collect();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        assert!(m.file(&format!("{folder}/{file}")).exists(), "{file} is not in the package");
    }
}
