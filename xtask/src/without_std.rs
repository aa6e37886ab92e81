//! Builds twinlock-core without Rust's standard library, to prove that neither it nor its dependencies need that
//! library.

use std::fs;
use std::path::Path;

use crate::command::{Done, cargo, command, output, run};
use crate::machine::target;

/// Starts of the names of those libraries of Rust that the build may use. They do not need std.
const REMAINS: [&str; 3] = ["libcore-", "liballoc-", "libcompiler_builtins-"];

/// Builds twinlock-core with a copy of the libraries of the installed target, from which std is left out. A target that
/// has no std would have to be downloaded.
pub(crate) fn check() -> Done {
    let host = output(&mut command("rustc", &["--print", "host-tuple"]))?;
    let full = output(&mut command("rustc", &["--print", "target-libdir"]))?;
    let sysroot = target().join("without-std/sysroot");
    let bare = sysroot.join("lib/rustlib").join(host.trim()).join("lib");
    bare_libraries(Path::new(full.trim()), &bare)
        .map_err(|error| format!("{} cannot be filled: {error}.", bare.display()))?;
    let flags = format!("--sysroot={}", sysroot.display());
    run(cargo(&["build", "--quiet", "--package", "twinlock-core", "--target", host.trim()])
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", target().join("without-std")))
}

fn bare_libraries(full: &Path, bare: &Path) -> std::io::Result<()> {
    if bare.exists() {
        fs::remove_dir_all(bare)?;
    }
    fs::create_dir_all(bare)?;
    for entry in fs::read_dir(full)? {
        let entry = entry?;
        let name = entry.file_name();
        if REMAINS.iter().any(|remains| name.to_string_lossy().starts_with(remains)) {
            fs::copy(entry.path(), bare.join(&name))?;
        }
    }
    Ok(())
}
