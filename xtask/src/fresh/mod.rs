//! Tries a .deb in a fresh system of the release for which the package was built: installs it, logs in, upgrades it,
//! and removes it.

mod login;
mod system;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::apart::{self, apart, myself_apart};
use crate::build::Artefacts;
use crate::command::{Done, command, output, run};
use crate::machine::target;
use crate::package::{self, Deb, Foreign, Release};
use system::{System, Wiring};

/// Name of the internal task that runs inside the private namespaces.
pub(crate) const INSIDE: &str = "fresh-inside";

const FURNISH: &str = r#"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 run "$root/run"
mount --rbind /dev "$root/dev"
ip link set lo up
mkdir -p "$root/run/sshd"
cp "$deb" "$root/run/twinlock.deb"
cp "$newer" "$root/run/newer.deb"
chroot "$root" useradd --create-home --shell /bin/bash ada
echo "ada:$password" | chroot "$root" chpasswd
chroot "$root" ssh-keygen -q -t ed25519 -N '' -f /root/key
chroot "$root" install -d -o ada -g ada -m 0700 /home/ada/.ssh
chroot "$root" install -o ada -g ada -m 0600 /root/key.pub /home/ada/.ssh/authorized_keys
"#;

/// Tries the package of each release for which this machine can create a fresh system. If `only` names a release, tries
/// only that one.
pub(crate) fn check(artefacts: &Artefacts, debs: &[Deb], only: Option<&str>) -> Done {
    let chosen = |deb: &&Deb| only.is_none_or(|suite| suite == deb.release.suite);
    let mut tried = 0;
    for deb in debs.iter().filter(|deb| deb.release.can_be_tried()).filter(chosen) {
        let newer = package::successor(artefacts, deb.release)?;
        try_in_fresh(deb, &newer)?;
        tried += 1;
    }
    if tried == 0 { Err("There is no package to try.".into()) } else { Ok(()) }
}

fn try_in_fresh(deb: &Deb, newer: &Path) -> Done {
    let root = target().join("fresh");
    clear(&root)?;
    let outcome = bootstrap(deb.release, &root)
        .and_then(|()| run(myself_apart(&["--net"], INSIDE)?.arg(&deb.path).arg(newer).arg(&root)));
    clear(&root)?;
    outcome.map_err(|error| format!("{}: {error}", deb.release.name))
}

fn clear(root: &Path) -> Done {
    run(apart(&[])?.args(["rm", "-rf", "--one-file-system"]).arg(root))
}

fn bootstrap(release: &Release, root: &Path) -> Done {
    let packages = "--include=openssh-server,openssh-client";
    let mut debootstrap = apart(&[])?;
    debootstrap.args(["debootstrap", "--variant=minbase", packages]);
    match &release.foreign {
        None => debootstrap.arg(release.suite).arg(root).args(mirror()),
        Some(Foreign { mirror, keyring, script }) => {
            debootstrap.arg(format!("--keyring={keyring}")).arg(release.suite).arg(root);
            debootstrap.args([mirror, script])
        }
    };
    run(&mut debootstrap)
}

/// Returns the URL of the package mirror that this machine uses; `None` if none is found. debootstrap then uses its
/// default.
pub(crate) fn mirror() -> Option<String> {
    let policy = output(&mut command("apt-cache", &["policy", "base-files"])).ok()?;
    policy
        .split_whitespace()
        .find(|word| word.starts_with("http") && word.ends_with("/debian"))
        .map(str::to_owned)
}

/// Tries the package. Runs inside the private namespaces. After each step, checks that a wrong password and a wrong
/// code are refused and the right ones are accepted.
pub(crate) fn inside(words: &[String]) -> Done<ExitCode> {
    let [deb, newer, root] = words else {
        return Err("The fresh system's inside takes two packages and a folder.".into());
    };
    apart::inside()?;
    let mut system = System::new(PathBuf::from(root));
    let mut furnish = command("sh", &["-eu", "-c", FURNISH]);
    furnish.env("root", root).env("deb", deb).env("newer", newer);
    output(furnish.env("password", login::PASSWORD))?;
    system.install()?;
    system.mount_ledger()?;
    system.enroll()?;
    for wiring in [Wiring::PublicKey, Wiring::Password] {
        system.wire(wiring)?;
        system.refuses_and_accepts()?;
    }
    system.upgrade()?;
    system.refuses_and_accepts()?;
    system.stays_newer()?;
    system.refuses_and_accepts()?;
    system.stays_while_named()?;
    system.refuses_and_accepts()?;
    system.goes_when_unwired()?;
    system.wrong_password_is_refused()?;
    system.stays_away_from_newer_records()?;
    system.comes_back()?;
    system.wire(Wiring::PublicKey)?;
    system.refuses_and_accepts()?;
    Ok(ExitCode::SUCCESS)
}
