//! Links the unwinder statically, so that the module loads no further library into the calling program. Also orders the
//! functions that a login runs, so that they are next to each other in the module, and folds functions with the same code
//! if the linker can.

use std::{env, error::Error, fs, path::Path, process::Command};

/// Makes the linker keep one of several functions with the same code. Rust promises no function an address of its own.
const FOLD: &str = "-Wl,--icf=all";

fn main() -> Result<(), Box<dyn Error>> {
    // std tells the linker to link libgcc_s. A linker script with that name selects the static library.
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo::rustc-link-search=native={folder}");
    let layout = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("layout.ld");
    // callgrind finds functions only in .text. `cargo xtask bench --layout` therefore measures a module without this
    // order.
    if env::var_os("TWINLOCK_WITHOUT_LAYOUT").is_none() {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-T,{}", layout.display());
    }
    if folds(&folder)? {
        println!("cargo::rustc-cdylib-link-arg={FOLD}");
    }
    println!("cargo::rerun-if-env-changed=TWINLOCK_WITHOUT_LAYOUT");
    println!("cargo::rerun-if-changed=layout.ld");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// Returns whether the linker of this build can fold functions, by linking a library without content. rust-lld, which
/// Rust uses on x86_64 since 1.90, and mold can; GNU ld cannot.
fn folds(folder: &str) -> Result<bool, Box<dyn Error>> {
    let source = Path::new(folder).join("empty.rs");
    fs::write(&source, "")?;
    let mut probe = Command::new(env::var("RUSTC")?);
    probe.args(["--crate-type=cdylib", "--target"]);
    probe.arg(env::var("TARGET")?).arg(format!("-Clink-arg={FOLD}")).arg("--out-dir").arg(folder);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        probe.arg(format!("-Clinker={linker}"));
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    probe.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    Ok(probe.arg(source).output()?.status.success())
}
