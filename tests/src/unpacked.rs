//! Programs of Debian packages that are unpacked in the machine only.

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
    /// Unpacks a set of packages of `tests/unpacked.txt`, which `cargo xtask test` has downloaded. No script of a
    /// package runs. `first` is the first name of the set.
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

/// Returns the package files of a set.
#[track_caller]
fn packages(first: &str) -> Vec<PathBuf> {
    let folder = target().join("unpacked").join(first);
    let entries = std::fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|e| {
        panic!("{} is missing ({e}): run `cargo xtask test`", folder.display())
    });
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}
