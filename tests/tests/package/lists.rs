//! Compares the files of the packages for other systems with those of the Debian package, so that no package lacks a
//! file.

use std::collections::BTreeSet;
use std::process::Command;

use twinlock_tests::{Machine, repository};

use crate::deb::{built, folder, target};
use crate::nixos::nix;

/// Folders of Debian, each with the corresponding folder of another system; `None` if that system has none.
type Folders = [(&'static str, Option<&'static str>)];

/// Documents with names that only the Debian package uses, because Debian's policy demands them.
const ONLY_DEBIAN: [&str; 2] = ["changelog.gz", "copyright"];
const ONLY_OTHERS: [&str; 3] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
const DOCUMENTS: &str = "/usr/share/doc/twinlock";
const SECURITY: &str = "/usr/lib/x86_64-linux-gnu/security";
const ZSH: (&str, Option<&str>) =
    ("/usr/share/zsh/vendor-completions", Some("/usr/share/zsh/site-functions"));
const UNITS: &str = "/usr/lib/systemd/system";

/// Returns the paths that the files of the Debian package have on another system, whose folders are `folders`.
fn expected(m: &Machine, folders: &Folders) -> BTreeSet<String> {
    m.file("/run/twinlock.deb").write(built());
    m.run(["dpkg-deb", "--extract", "/run/twinlock.deb", "/tmp/deb"]).ok();
    let mut files = tree(m, "/tmp/deb");
    for name in ONLY_DEBIAN {
        assert!(files.remove(&format!("{DOCUMENTS}/{name}")), "{name}");
    }
    files.extend(ONLY_OTHERS.map(|name| format!("{DOCUMENTS}/{name}")));
    let moved = |file: String| {
        let found = folders.iter().find(|(from, _)| file.starts_with(&format!("{from}/")));
        match found {
            Some((_, None)) => None,
            Some((from, Some(to))) => Some(file.replacen(from, to, 1)),
            None => Some(file),
        }
    };
    files.into_iter().filter_map(moved).collect()
}

/// Returns the paths of the files below a folder, as if this folder were the root folder.
fn tree(m: &Machine, folder: &str) -> BTreeSet<String> {
    let found = m.run(["find", folder, "-type", "f", "-printf", "/%P\n"]);
    found.ok().lines().map(str::to_owned).collect()
}

/// Creates a machine with a copy of the checkout, in which the programs lie where cargo puts them.
fn checkout() -> Machine {
    let m = Machine::new();
    // The machine need not have the folder of the checkout.
    let packed = Command::new("tar")
        .args(["--create", "--directory"])
        .arg(repository())
        .args([
            "README.md",
            "CHANGELOG.md",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "config",
            "docs",
            "packaging",
        ])
        .output()
        .expect("tar");
    assert!(packed.status.success(), "{packed:?}");
    m.file("/root/tree.tar").write(packed.stdout);
    let unpack = "mkdir -p /root/tree/target/release && tar --extract --file /root/tree.tar --directory /root/tree";
    m.run(["sh", "-euc", unpack]).ok();
    for name in [
        "twinlock",
        "libpam_twinlock.so",
        "twinlock-agent",
        "twinlock-agent-worker",
        "twinlock-fleet",
    ] {
        let built = target().join("release").join(name);
        let built = std::fs::read(&built).expect("built by `cargo xtask test`");
        m.file(&format!("/root/tree/target/release/{name}")).write(built).mode(0o755);
    }
    m
}

fn assert_same(found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let missing: Vec<_> = expected.difference(found).collect();
    let more: Vec<_> = found.difference(expected).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing {missing:?}, more {more:?}");
}

#[test]
fn rpm_has_the_files_of_the_deb() {
    let m = Machine::new();
    let name = concat!("twinlock-", env!("CARGO_PKG_VERSION"), "-1.x86_64.rpm");
    m.file("/run/twinlock.rpm").write(std::fs::read(folder().join(name)).expect(name));
    let listed =
        m.run(["rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEMODES:perms}\n]", "/run/twinlock.rpm"]);
    let files = listed.ok().lines().filter(|line| line.contains(" -"));
    let files: BTreeSet<String> =
        files.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
    let mut expected = expected(&m, &[(SECURITY, Some("/usr/lib64/security")), ZSH]);
    expected.insert("/usr/share/selinux/packages/twinlock.pp".into());
    expected.insert(format!("{UNITS}/twinlock-epoch.service.d/selinux.conf"));
    assert_same(&files, &expected);
}

#[test]
fn scripts_of_the_rpm_are_those_of_the_deb() {
    let m = Machine::new();
    let name = concat!("twinlock-", env!("CARGO_PKG_VERSION"), "-1.x86_64.rpm");
    m.file("/run/twinlock.rpm").write(std::fs::read(folder().join(name)).expect(name));
    for (tag, script) in
        [("PREIN", "preinst"), ("POSTIN", "postinst"), ("PREUN", "prerm"), ("POSTUN", "postrm")]
    {
        let found = m.run(["rpm", "-qp", "--qf", &format!("%{{{tag}}}\n"), "/run/twinlock.rpm"]);
        let text = std::fs::read_to_string(repository().join("packaging/debian").join(script));
        let text = text.expect("a script");
        assert!(found.ok().contains(text.trim_end()), "{tag} is not {script}:\n{}", found.stdout);
    }
    let config = m.run(["rpm", "-qp", "--configfiles", "/run/twinlock.rpm"]);
    assert_eq!(config.ok(), "/etc/pam.d/twinlock\n/etc/twinlock/twinlock.toml\n");
}

/// Checks that the agent asks for passwords by the distribution's file `name`, and that the package in `folder` has no
/// empty file.
fn asks_by(m: &Machine, folder: &str, name: &str) {
    let file = m.file(&format!("{folder}/etc/pam.d/twinlock")).read();
    assert!(file.ends_with(&format!("\nauth include {name}\naccount include {name}\n")), "{file}");
    assert_eq!(m.run(["find", folder, "-type", "f", "-empty"]).ok(), "");
}

#[test]
fn arch_has_the_files_of_the_deb() {
    let m = checkout();
    let package = "set -e; startdir=$PWD; pkgdir=/tmp/arch; . ./PKGBUILD; package";
    m.call(["bash", "-c", &format!("cd /root/tree/packaging/arch; {package}")]).output().ok();
    let mut expected = expected(&m, &[(SECURITY, Some("/usr/lib/security")), ZSH]);
    expected.insert("/usr/share/libalpm/hooks/twinlock-removal.hook".into());
    expected.insert("/usr/share/libalpm/scripts/twinlock-removal".into());
    assert_same(&tree(&m, "/tmp/arch"), &expected);
    asks_by(&m, "/tmp/arch", "system-auth");
}

#[test]
fn alpine_has_the_files_of_the_deb() {
    let m = checkout();
    // abuild enters `builddir`.
    let package =
        "set -e; startdir=$PWD; pkgdir=/tmp/alpine; . ./APKBUILD; cd \"$builddir\"; package";
    m.call(["sh", "-c", &format!("cd /root/tree/packaging/alpine; {package}")]).output().ok();
    let mut expected = expected(&m, &[(SECURITY, Some("/lib/security")), (UNITS, None), ZSH]);
    for file in [
        "/etc/init.d/twinlock",
        "/etc/periodic/15min/twinlock",
        "/usr/share/twinlock/refuse-removal",
    ] {
        expected.insert(file.into());
    }
    assert_same(&tree(&m, "/tmp/alpine"), &expected);
    asks_by(&m, "/tmp/alpine", "base-auth");
}

#[test]
fn nixos_has_the_files_of_the_deb() {
    let m = checkout();
    let arguments = "{ rustPlatform.buildRustPackage = package: package; linux-pam = null; }";
    let phase = nix(
        &m,
        &format!("(import /root/tree/packaging/nixos/package.nix {arguments}).installPhase"),
    );
    let phase: String = serde_json::from_str(&phase).expect("a text");
    let install = format!("set -e; cd /root/tree; out=/tmp/nix; runHook() {{ :; }}\n{phase}");
    m.call(["bash", "-c", &install]).output().ok();
    let folders = [
        (SECURITY, Some("/lib/security")),
        (UNITS, Some("/lib/systemd/system")),
        (ZSH.0, Some("/share/zsh/site-functions")),
        ("/usr", Some("")),
    ];
    assert_same(&tree(&m, "/tmp/nix"), &expected(&m, &folders));
    let units = m.run(["grep", "-rl", "/usr/bin/twinlock", "/tmp/nix/lib/systemd"]);
    assert_eq!(units.stdout, "");
}
