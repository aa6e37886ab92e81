//! Downloads the mail server of the system tests. The package is not installed, because it would replace this machine's
//! own mail server.

use std::fs;
use std::path::Path;

use crate::command::{Done, command, output, run};
use crate::machine::{becoming_root, debian, target};

/// Command that downloads a package and the dependencies that this machine lacks.
const FETCH: [&str; 8] = [
    "apt-get",
    "--quiet",
    "--yes",
    "--no-install-recommends",
    "--reinstall",
    "--download-only",
    "--option=Debug::NoLocking=1",
    "install",
];

/// Downloads the packages, unless they exist.
pub(crate) fn ready() -> Done {
    let folder = target().join("mail-server");
    if !debian() || fetched(&folder) {
        return Ok(());
    }
    let partial = folder.join("partial");
    fs::create_dir_all(&partial)
        .map_err(|error| format!("{} cannot be made: {error}.", partial.display()))?;
    let into = format!("--option=Dir::Cache::Archives={}", folder.display());
    // Old package lists name packages that were removed.
    fetch(&into).or_else(|_| update().and_then(|()| fetch(&into)))?;
    if fetched(&folder) { Ok(()) } else { Err("apt-get has fetched no postfix.".into()) }
}

fn fetched(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| {
        let name = name.to_string_lossy();
        name.starts_with("postfix_") && name.ends_with(".deb")
    })
}

fn fetch(into: &str) -> Done {
    let [program, words @ ..] = FETCH;
    output(command(program, &words).args([into, "postfix"])).map(drop)
}

fn update() -> Done {
    let line = [becoming_root()?, &["apt-get", "--quiet", "update"]].concat();
    let (program, words) = line.split_first().ok_or("Nothing to run.")?;
    run(&mut command(program, words))
}
