//! Links the unwinder into the module, so that no further library is loaded into the program that asks.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    // std asks the linker for libgcc_s; what answers to that name is a linker script that gives the static one.
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo::rustc-link-search=native={folder}");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
