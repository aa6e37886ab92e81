//! Links the unwinder statically, so that the module loads no further library into the calling program. Also orders the
//! functions that a login runs, so that they are next to each other in the module.

use std::{env, error::Error, fs, path::Path};

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
    println!("cargo::rerun-if-env-changed=TWINLOCK_WITHOUT_LAYOUT");
    println!("cargo::rerun-if-changed=layout.ld");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
