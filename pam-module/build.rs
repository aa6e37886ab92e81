//! Links the unwinder into the module, so that no further library is loaded into the program that asks, and lays out what
//! a login runs.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    // std asks the linker for libgcc_s; what answers to that name is a linker script that gives the static one.
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo::rustc-link-search=native={folder}");
    let layout = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("layout.ld");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-T,{}", layout.display());
    println!("cargo::rerun-if-changed=layout.ld");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
