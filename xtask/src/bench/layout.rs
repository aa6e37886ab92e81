//! Writes the order of the functions that a login runs, so that the linker places them on the same pages.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use twinlock_tests::Machine;

use super::contestants::{App, Contestant, Ending};
use super::write as write_file;
use crate::command::{Done, command, output};
use crate::machine::repository;

/// The linker input of the module's build.
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

/// Traces every kind of login and writes the functions that ran: those of the usual login first.
pub(super) fn write(m: &Machine, module: &Path) -> Done<ExitCode> {
    let (mut ran, mut app) = (Vec::new(), App::new());
    for contestant in [Contestant::Twinlock, Contestant::Follows] {
        for ending in Ending::ALL {
            contestant.reset(m);
            let (user, code) = app.typed(ending);
            let (_, profile) = m.host(contestant.name(), &[]).profiled(user, &[&code]);
            ran.push(profile.ran);
        }
    }
    let names = names(module, &ran)?;
    let lines = names.iter().map(|name| format!("    *(.text.{name} .text.unlikely.{name})\n"));
    write_file(&repository().join(FILE), &(BEGIN.to_owned() + &lines.collect::<String>() + END))?;
    println!("{} functions", names.len());
    Ok(ExitCode::SUCCESS)
}

/// Returns each function once, in the order of the logins that ran it.
fn names(module: &Path, ran: &[BTreeSet<u64>]) -> Done<Vec<String>> {
    let listing = output(command("nm", &["--defined-only"]).arg(module))?;
    let named = |line: &str| {
        let mut words = line.split(' ');
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let login = ran.iter().position(|of_login| of_login.contains(&address))?;
        Some((login, lasting(words.nth(1)?)))
    };
    let mut ordered: Vec<(usize, String)> = listing.lines().filter_map(named).collect();
    ordered.sort();
    let mut seen = BTreeSet::new();
    Ok(ordered.into_iter().map(|(_, name)| name).filter(|name| seen.insert(name.clone())).collect())
}

/// Returns a symbol pattern that matches every build: hashes of versions and folders are replaced.
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
    use super::lasting;

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
}
