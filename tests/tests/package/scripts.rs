//! Checks the scripts of all packages with the shells and with shellcheck.

use std::path::PathBuf;
use std::process::Command;

use twinlock_tests::repository;

/// Returns the scripts of the packages, each with the shell that runs it.
fn scripts() -> Vec<(PathBuf, &'static str)> {
    let packaging = repository().join("packaging");
    let mut scripts = vec![
        (packaging.join("install.sh"), "sh"),
        (packaging.join("rpm/authselect-profile"), "sh"),
        (packaging.join("arch/PKGBUILD"), "bash"),
        (packaging.join("arch/twinlock.install"), "bash"),
    ];
    for name in ["preinst", "postinst", "prerm", "postrm"] {
        scripts.push((packaging.join("debian").join(name), "sh"));
    }
    for entry in std::fs::read_dir(packaging.join("alpine")).expect("a folder") {
        scripts.push((entry.expect("a file").path(), "sh"));
    }
    scripts
}

/// Returns the text of a file below packaging/.
fn packaging(name: &str) -> String {
    std::fs::read_to_string(repository().join("packaging").join(name)).expect(name)
}

#[test]
fn scripts_name_the_same_units() {
    let first = "run-twinlock.mount ";
    let named = |name: &str| {
        let text = packaging(name);
        let at = text.find(first).unwrap_or_else(|| panic!("{name} names no units"));
        let list = text.get(at..).and_then(|rest| rest.split(['"', ')', '\n']).next());
        list.expect("a list").to_owned()
    };
    let postinst = packaging("debian/postinst");
    let at_boot = postinst.lines().find_map(|line| line.strip_prefix("at_boot=\""));
    // The .deb starts this unit only at a boot, so it is in a list of its own there.
    let at_boot = at_boot.and_then(|rest| rest.strip_suffix('"')).expect("a unit");
    let units = format!("{} {at_boot}", named("debian/postinst"));
    for name in ["debian/postrm", "rpm/twinlock.spec", "arch/twinlock.install"] {
        assert_eq!(named(name), units, "{name}");
    }
    for unit in units.split(' ') {
        assert!(packaging(&format!("systemd/{unit}")).contains("[Install]"), "{unit}");
    }
}

#[test]
fn recipes_have_the_version_of_the_workspace() {
    for (name, line) in [
        ("arch/PKGBUILD", "pkgver=VERSION"),
        ("alpine/APKBUILD", "pkgver=VERSION"),
        ("nixos/package.nix", "version = \"VERSION\";"),
    ] {
        let line = line.replace("VERSION", env!("CARGO_PKG_VERSION"));
        assert!(packaging(name).lines().any(|one| one.trim() == line), "{name}: {line}");
    }
}

#[test]
fn shells_and_shellcheck_find_nothing() {
    let scripts = scripts();
    assert!(scripts.len() > 12, "{scripts:?}");
    for (script, shell) in scripts {
        let checks: [&[&str]; 2] = [&[shell, "-n"], &["shellcheck", "--shell", shell]];
        for words in checks {
            let (program, options) = words.split_first().expect("a program");
            let found = Command::new(program).args(options).arg(&script).output().expect(program);
            let said = String::from_utf8_lossy(&found.stdout);
            let errors = String::from_utf8_lossy(&found.stderr);
            assert!(found.status.success(), "{}: {said}{errors}", script.display());
        }
    }
}
