//! Writes the file that orders the functions of the module. The linker then places those that run at a login next to
//! each other, so that a login needs few pages of memory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::contestants::{Contestant, ContestantApp, Ending};
use super::room::{Medium, furnished, module_of};
use crate::command::{Done, cargo, run};
use crate::machine::{repository, target};

/// File that the linker reads when it builds the module.
const FILE: &str = "pam-module/layout.ld";
const BEGIN: &str = "\
/* Made by `cargo xtask bench --layout`; not written by hand. The functions that logins run lie side by side, so that few
   pages of the module are brought in. One that is renamed only lies elsewhere. */
SECTIONS
{
  .text.login :
  {
    *crtbeginS.o(.text)
    *(.text.*ARGV_INIT_ARRAY*)
";
const END: &str = "  }
}
INSERT BEFORE .text;
";

/// Builds the module with symbols in a separate folder, and returns its path. The module that is shipped stays
/// unchanged.
pub(super) fn with_symbols() -> Done<PathBuf> {
    let folder = target().join("symbols");
    let mut build = cargo(&["build", "--release", "--locked", "--package", "pam_twinlock"]);
    build.arg("--target-dir").arg(&folder).env("CARGO_PROFILE_RELEASE_STRIP", "none");
    build.env("TWINLOCK_WITHOUT_LAYOUT", "1");
    run(&mut build)?;
    Ok(folder.join("release/libpam_twinlock.so"))
}

/// Profiles each kind of login and writes the functions that ran. Those of the most frequent kind of login come first.
/// `module` is the path of a module with symbols.
pub(super) fn write(module: &Path) -> Done<ExitCode> {
    let m = furnished(Medium::Tmpfs)?;
    m.file(&module_of(Contestant::Twinlock)).write(super::read(module)?);
    let (mut functions, mut app) = (Vec::new(), ContestantApp::new());
    for contestant in [Contestant::Twinlock, Contestant::Follows] {
        for ending in Ending::ALL {
            contestant.reset(&m);
            let (user, code) = app.typed(ending);
            let options = ["--demangle=no", "--compress-strings=no"];
            let mut host = m.counted_host(contestant.service(), &options);
            host.login(user, &code);
            for name in ran(&host.dump()) {
                if !functions.contains(&name) {
                    functions.push(name);
                }
            }
        }
    }
    let lines = functions.iter().map(|name| format!("    *(.text.{name} .text.unlikely.{name})\n"));
    let text = BEGIN.to_owned() + &lines.collect::<String>() + END;
    super::write(&repository().join(FILE), text.as_bytes())?;
    println!("{} functions", functions.len());
    Ok(ExitCode::SUCCESS)
}

/// Returns the names of the module's functions in the callgrind output `dump`, in alphabetic order.
fn ran(dump: &str) -> Vec<String> {
    let (mut functions, mut ours) = (Vec::new(), false);
    for line in dump.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            ours = object.ends_with("/pam_twinlock.so");
        } else if let Some(name) = line.strip_prefix("fn=").filter(|_| ours) {
            functions.push(lasting(name));
        }
    }
    functions.sort();
    functions
}

/// Returns a linker pattern that matches the symbol in every build. Hashes of versions and folders, which differ
/// between builds, become wildcards.
fn lasting(symbol: &str) -> String {
    if let Some((name, _)) = symbol.split_once("17h") {
        return format!("{name}17h*");
    }
    let mut parts = symbol.split("Cs");
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        name += "Cs";
        name +=
            part.split_once('_').map_or(part.to_owned(), |(_, rest)| format!("*_{rest}")).as_str();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{lasting, ran};

    #[test]
    fn what_differs_from_build_to_build_is_left_open() {
        for (symbol, name) in [
            (
                "_ZN13twinlock_core5login5login17h0123456789abcdefE",
                "_ZN13twinlock_core5login5login17h*",
            ),
            ("_RNvNtCslNYArtu3iFV_5alloc3str4joinCsb_4core", "_RNvNtCs*_5alloc3str4joinCs*_4core"),
            ("memcpy", "memcpy"),
        ] {
            assert_eq!(lasting(symbol), name);
        }
    }

    #[test]
    fn functions_of_the_module_are_found() {
        let dump = "ob=/lib/libc.so.6\nfn=free\n1 2\nob=/lib/security/pam_twinlock.so\nfn=b\n\
                    cob=/lib/libc.so.6\ncfn=malloc\nfn=a\n";
        assert_eq!(ran(dump), ["a", "b"]);
    }
}
