//! The private machines in which logins are measured: namespaces with files of their own. The data of the modules is in
//! memory or on a disk.

use std::path::PathBuf;

use twinlock_tests::{Machine, built, shipped};

use super::contestants::{Contestant, ContestantApp, Ending, KEY, USER, users_line};
use crate::command::{Done, command, output};
use crate::machine::target;

/// Where the modules store their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Medium {
    /// The modules store their data in memory (tmpfs).
    Tmpfs,
    /// The modules store their data on the disk that contains the target folder. twinlock's ledger stays in memory, as
    /// on a real machine.
    Disk,
}

const MODULES: &str = "/usr/lib/x86_64-linux-gnu/security";
const IN_MEMORY: &str = "
mkdir -p /var/lib/twinlock /var/lib/oath
for folder in /var/lib/twinlock /var/lib/oath; do mount -t tmpfs -o mode=0700,size=90%,nr_inodes=0 state $folder; done
";
const ON_DISK: &str = "
rm -rf /disk/*
mkdir -m 0700 /disk/twinlock /disk/oath
mkdir -m 0755 /disk/home
mkdir -p /var/lib/twinlock /var/lib/oath
mount --bind /disk/twinlock /var/lib/twinlock
mount --bind /disk/oath /var/lib/oath
mount --bind /disk/home /home
";
/// Settings file of twinlock with twenty settings, at least one of each type.
const TWENTY_SETTINGS: &str = include_str!("../../../tests/tests/login/twenty_settings.toml");
/// Script that enrolls the user with google-authenticator, with the options that it recommends: a code is valid only
/// once, and three attempts are allowed in 30 seconds. The script then replaces the generated key by [`KEY`].
const GOOGLE: &str = "
setpriv --reuid=$user --regid=$user --init-groups env HOME=/home/$user google-authenticator \
    --time-based --disallow-reuse --rate-limit=3 --rate-time=30 --window-size=3 \
    --force --quiet --emergency-codes=5 >/dev/null
sed \"1s/.*/$key/\" /home/$user/.google_authenticator >/root/google
chown $user:$user /root/google
chmod 0400 /root/google
";

/// Creates a private machine with all modules and one user, whom it enrolls with each module.
pub(super) fn furnished(medium: Medium) -> Done<Machine> {
    let (m, script) = match medium {
        Medium::Tmpfs => (Machine::new(), IN_MEMORY),
        Medium::Disk => (Machine::with_disk(&disk()?), ON_DISK),
    };
    m.run(["sh", "-eu", "-c", script]).ok();
    m.twinlock().user(USER).enrolled(USER, KEY).settings_alone(&shipped("twinlock.toml"));
    m.file("/root/shipped").write(shipped("twinlock.toml"));
    m.file("/root/settings").write(TWENTY_SETTINGS);
    m.file(&module_of(Contestant::Floor)).write(built("pam_floor.so"));
    for contestant in Contestant::ALL {
        let stack =
            format!("auth required {}\naccount required pam_permit.so\n", contestant.line());
        m.pam(contestant.service(), &stack);
    }
    m.call(["sh", "-eu", "-c", GOOGLE]).env("user", USER).env("key", KEY).output().ok();
    m.file("/root/oath").write(users_line()).mode(0o600);
    for peer in Contestant::PEERS {
        peer.reset(&m);
    }
    let mut app = ContestantApp::new();
    // A login from a new source stores more data than later ones, so that login is done here.
    for contestant in [Contestant::Twinlock, Contestant::Google, Contestant::Oath] {
        let (user, code) = app.typed(Ending::Accepted);
        Ending::Accepted
            .expect(contestant, m.host(contestant.service()).login(user, &code).code)?;
    }
    Contestant::keep(&m);
    Ok(m)
}

/// Returns the folder on this machine's disk in which the data of the modules is stored. Creates it if it is missing.
fn disk() -> Done<PathBuf> {
    let folder = target().join("bench-disk");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
    Ok(folder)
}

/// Removes the files that the measurements have left on the disk.
pub(super) fn clear_disk() -> Done {
    let folder = disk()?;
    std::fs::remove_dir_all(&folder)
        .map_err(|error| format!("{} cannot be removed: {error}.", folder.display()))
}

/// Returns the type of the file system on the disk, such as `ext4`; `None` if the folder [`disk`] is in memory.
pub(super) fn kind_of_disk() -> Done<Option<String>> {
    let folder = disk()?;
    let mut find = command("findmnt", &["--noheadings", "--output", "FSTYPE", "--target"]);
    let kind = output(find.arg(folder))?.trim().to_owned();
    Ok(Some(kind).filter(|kind| kind != "tmpfs" && kind != "ramfs"))
}

/// Returns the path of the module of a stack inside the private machine.
pub(super) fn module_of(contestant: Contestant) -> String {
    format!("{MODULES}/{}", contestant.module())
}
