//! Builds a Debian system that can boot, and stores it as a tar file. Tests boot the system in memory.

use std::fs;
use std::path::Path;

use crate::apart::apart;
use crate::command::{Done, run};
use crate::fresh::mirror;
use crate::machine::target;

/// Option of debootstrap that adds packages to a minimal Debian.
const INCLUDE: &str = "--include=systemd-sysv,libpam-systemd,dbus,openssh-server,openssh-client,\
                       sudo,cron,systemd-container,procps,iproute2";

/// Script that builds the system in memory and packs it. Building it on a disk would be slow, because dpkg syncs after
/// each package.
const MAKE: &str = r#"
tar=$1
shift
mount -t tmpfs -o mode=0755 system /mnt
debootstrap --variant=minbase "$@"
rm -rf /mnt/var/cache/apt /mnt/var/lib/apt/lists /mnt/usr/share/doc /mnt/usr/share/locale
tar --directory=/mnt --create --numeric-owner --file="$tar.new" .
mv "$tar.new" "$tar"
"#;

/// Builds and packs the system, unless there already is a tar file with the packages of [`INCLUDE`].
pub(crate) fn ready() -> Done {
    let (tar, made_of) = (target().join("booted.tar"), target().join("booted.txt"));
    let as_wanted = fs::read_to_string(&made_of).is_ok_and(|text| text == INCLUDE);
    if as_wanted && tar.exists() {
        return Ok(());
    }
    make(&tar)?;
    let noted = fs::write(&made_of, INCLUDE);
    noted.map_err(|error| format!("{} cannot be written: {error}.", made_of.display()))
}

fn make(tar: &Path) -> Done {
    let mut command = apart(&[])?;
    command.args(["sh", "-euc", MAKE, "sh"]).arg(tar).args([INCLUDE, "bookworm", "/mnt"]);
    run(command.args(mirror()))
}
