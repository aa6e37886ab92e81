//! Tests that xtask works on a checkout that was copied or moved. It must not work on the checkout in which it was
//! compiled.

#![expect(clippy::expect_used, reason = "a panic is how a test says what went wrong")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A minimal checkout for a test. In place of cargo, it has a script that records the folder in which it is started,
/// and then fails.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str) -> Copy {
        let folder = std::env::temp_dir().join(format!("twinlock {name} {}", std::process::id()));
        for part in ["xtask/src", "pam-module", "tests", "bin", "packaging/debian"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        for file in
            ["Cargo.toml", "xtask/Cargo.toml", "pam-module/Cargo.toml", "tests/packages.txt"]
        {
            fs::write(folder.join(file), "").expect("a file");
        }
        // xtask does not build the package if there is no maintainer.
        let maintainer = "MAINTAINER=Ada Berg <ada@twinlock-tests.org>\n";
        fs::write(folder.join("packaging/debian/maintainer"), maintainer).expect("a file");
        let folder = fs::canonicalize(folder).expect("the folder");
        let cargo = folder.join("bin/cargo");
        let script = format!("#!/bin/sh\npwd >'{}/started'\nexit 1\n", folder.display());
        fs::write(&cargo, script).expect("a script");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("a mode");
        Copy(folder)
    }

    /// Runs `xtask package` in the folder `from`. `package` is the value of the variable CARGO_MANIFEST_DIR, which
    /// cargo would set. The PATH of the run contains no package manager.
    fn package(&self, from: &Path, package: Option<&Path>) -> Output {
        let mut xtask = Command::new(xtask());
        xtask.arg("package").current_dir(from).env("PATH", "/nonexistent");
        xtask.env("CARGO", self.0.join("bin/cargo"));
        match package {
            Some(folder) => xtask.env("CARGO_MANIFEST_DIR", folder),
            None => xtask.env_remove("CARGO_MANIFEST_DIR"),
        };
        xtask.output().expect("xtask runs")
    }

    fn started_in(&self) -> Option<PathBuf> {
        let said = fs::read_to_string(self.0.join("started")).ok()?;
        fs::remove_file(self.0.join("started")).expect("a file goes");
        Some(PathBuf::from(said.trim_end()))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the path of the program xtask. It is in the folder above the folder of this test program.
fn xtask() -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    this.parent().and_then(Path::parent).expect("target/debug").join("xtask")
}

#[test]
fn a_copy_builds_in_the_copy() {
    let copy = Copy::new("copy");
    copy.package(Path::new("/"), Some(&copy.0.join("xtask")));
    assert_eq!(copy.started_in().as_ref(), Some(&copy.0), "what cargo says");
    copy.package(&copy.0.join("xtask/src"), None);
    assert_eq!(copy.started_in().as_ref(), Some(&copy.0), "the current folder");
    copy.package(&copy.0, Some(Path::new("/usr/src")));
    assert_eq!(copy.started_in().as_ref(), Some(&copy.0), "another program's package");
}

#[test]
fn a_moved_checkout_builds_where_it_lies() {
    let copy = Copy::new("old");
    let moved = copy.0.with_file_name(format!("twinlock new {}", std::process::id()));
    fs::rename(&copy.0, &moved).expect("a move");
    fs::create_dir_all(&copy.0).expect("the old folder, for what cargo writes");
    let there = Copy(moved.clone());
    there.package(&moved, Some(&moved.join("xtask")));
    assert_eq!(copy.started_in(), Some(moved));
}

#[test]
fn outside_of_a_checkout_nothing_is_done() {
    let copy = Copy::new("outside");
    let refused = copy.package(Path::new("/"), None);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.starts_with("This is no checkout of twinlock") && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(copy.started_in(), None);
}
