//! Programs of Debian packages that are unpacked, in a machine or in cargo's target folder, and not installed on the
//! host.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::artefacts::target;
use crate::holder::PATH;
use crate::machine::Machine;

const UNPACK: &str = "\
for deb in \"$0\"/*.deb; do
    dpkg-deb --fsys-tarfile \"$deb\" | tar --extract --directory=/ --keep-directory-symlink
done
ldconfig
";

/// Unpacks the packages in the folder `$0` into its folder `files`. Another test may do the same at the same time. The
/// files belong to the owner of the target folder, so that `cargo clean` can remove them.
const UNPACK_HERE: &str = "\
new=$(mktemp -d \"$0/partial.XXXXXX\")
for deb in \"$0\"/*.deb; do dpkg-deb --extract \"$deb\" \"$new\"; done
chmod 755 \"$new\"
chown -R --reference=\"$0\" \"$new\"
mv --no-target-directory \"$new\" \"$0/files\" 2>/dev/null || rm -r \"$new\"
";

impl Machine {
    /// Unpacks a set of packages from `tests/unpacked.txt`, which `cargo xtask test` has downloaded. Their install
    /// scripts do not run. `first` is the first name in the set's line.
    #[track_caller]
    pub fn unpacked(&self, first: &str) -> &Self {
        let inside = format!("/root/unpacked-{first}");
        self.file(&inside).make_folder();
        for path in packages(first) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = std::fs::read(&path).expect("a package");
            self.file(&format!("{inside}/{name}")).write(bytes);
        }
        self.run(["sh", "-euc", UNPACK, &inside]).ok();
        self
    }
}

/// Returns the path of a program of a set of packages, such as `usr/bin/etcd`, unpacked in cargo's target folder. The
/// program must run with the libraries of the host. `first` is the first name in the set's line in
/// `tests/unpacked.txt`.
#[track_caller]
pub(crate) fn unpacked_program(first: &str, path: &str) -> PathBuf {
    let folder = target().join("unpacked").join(first);
    let file = folder.join("files").join(path);
    if !file.exists() {
        assert_ne!(packages(first), Vec::<PathBuf>::new(), "run `cargo xtask test`");
        unpack(&folder);
    }
    std::path::absolute(&file).expect("a path")
}

fn unpack(folder: &Path) {
    let mut shell = Command::new("sh");
    shell.args(["-euc", UNPACK_HERE]).arg(folder).env("PATH", PATH);
    let done = shell.output().expect("a shell");
    assert!(done.status.success(), "{done:?}");
}

/// Returns the paths of the downloaded packages of the set whose first name is `first`.
#[track_caller]
fn packages(first: &str) -> Vec<PathBuf> {
    let folder = target().join("unpacked").join(first);
    let entries = std::fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|e| {
        panic!("{} is missing ({e}): run `cargo xtask test`", folder.display())
    });
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}
