//! Checks the crates in Cargo.lock with cargo-deny, by the rules of `deny.toml`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::command::{Done, command, run};
use crate::machine::{repository, target};
use crate::tally::Counts;
use crate::tools;

const VERSION: &str = "0.20.2";
/// Name of the folder in which cargo-deny expects a copy of the database <https://github.com/rustsec/advisory-db>.
const COPY: &str = "advisory-db-3157b0e258782691";

/// Checks the licences and the sources of the crates, and that none of them is banned. Does not use the network.
pub(crate) fn check() -> Done {
    let mut deny = deny(&repository().join("deny.toml"))?;
    run(deny.args(["licenses", "bans", "sources"]))
}

/// Checks the crates for known vulnerabilities. `database` is the folder of a copy of the RustSec database, a git
/// repository. With `None`, checks nothing and returns zero tests.
pub(crate) fn advisories(database: Option<&Path>) -> Done<Counts> {
    let Some(database) = database else {
        eprintln!("No --advisory-db DIR was given.");
        return Ok(Counts::default());
    };
    let database = fs::canonicalize(database)
        .map_err(|error| format!("{} cannot be opened: {error}.", database.display()))?;
    // cargo-deny expects the copy of each database in a folder with a fixed name below `db-path`.
    let copies = target().join("advisories");
    let copy = copies.join(COPY);
    let failed = |error: std::io::Error| format!("{} cannot be made: {error}.", copy.display());
    fs::create_dir_all(&copies).map_err(failed)?;
    let _ = fs::remove_file(&copy);
    symlink(database, &copy).map_err(failed)?;
    let settings = fs::read_to_string(repository().join("deny.toml"));
    let settings = settings.map_err(|error| format!("deny.toml cannot be read: {error}."))?;
    let place = format!("[advisories]\ndb-path = \"{}\"\n", copies.display());
    let file = target().join("deny.toml");
    fs::write(&file, settings.replacen("[advisories]\n", &place, 1))
        .map_err(|error| format!("{} cannot be written: {error}.", file.display()))?;
    run(deny(&file)?.arg("advisories")).map(|()| Counts { passed: 1, failed: 0 })
}

fn deny(settings: &Path) -> Done<Command> {
    let program = tools::folder_of("cargo-deny", VERSION)?.join("cargo-deny");
    let mut deny = command(&program.to_string_lossy(), &["--offline", "--locked", "--config"]);
    deny.current_dir(repository()).arg(settings).args(["check", "--hide-inclusion-graph"]);
    Ok(deny)
}
