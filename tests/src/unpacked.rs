//! Programs of Debian packages that are unpacked in a machine and not installed on the host.

use std::path::PathBuf;

use crate::artefacts::target;
use crate::machine::Machine;

const UNPACK: &str = "\
for deb in \"$0\"/*.deb; do
    dpkg-deb --fsys-tarfile \"$deb\" | tar --extract --directory=/ --keep-directory-symlink
done
ldconfig
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
