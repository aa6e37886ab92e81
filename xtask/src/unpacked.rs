//! Downloads packages that system tests unpack inside private machines (namespaces with files of their own). The
//! packages are not installed on this machine, because they could replace its mail server or start servers.

use std::fs;
use std::path::Path;

use crate::command::{Done, command, output, run};
use crate::machine::{becoming_root, debian, repository, target};

/// Words of the command that downloads packages, together with those dependencies that this machine does not have.
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

/// Downloads each set of packages that tests/unpacked.txt names, unless it is already there.
pub(crate) fn ready() -> Done {
    ready_where(|_| true)
}

/// Downloads one set of packages, unless it is already there. `first` is the first name in the set's line.
pub(crate) fn one_ready(first: &str) -> Done {
    ready_where(|name| name == first)
}

/// Downloads the sets of packages whose first name is `wanted`, unless they are already there.
fn ready_where(wanted: impl Fn(&str) -> bool) -> Done {
    if !debian() {
        return Ok(());
    }
    let list = repository().join("tests/unpacked.txt");
    let text = fs::read_to_string(&list)
        .map_err(|error| format!("{} cannot be read: {error}.", list.display()))?;
    for set in text.lines().filter(|line| !line.starts_with('#')) {
        let names: Vec<&str> = set.split_whitespace().collect();
        if let Some(first) = names.first().filter(|first| wanted(first)) {
            set_ready(first, &names)?;
        }
    }
    Ok(())
}

fn set_ready(first: &str, names: &[&str]) -> Done {
    let folder = target().join("unpacked").join(first);
    if missing(&folder, names).is_none() {
        return Ok(());
    }
    let partial = folder.join("partial");
    fs::create_dir_all(&partial)
        .map_err(|error| format!("{} cannot be made: {error}.", partial.display()))?;
    let into = format!("--option=Dir::Cache::Archives={}", folder.display());
    // Old package lists may name packages that the mirror no longer has.
    fetch(&into, names).or_else(|_| update().and_then(|()| fetch(&into, names)))?;
    missing(&folder, names).map_or(Ok(()), |name| Err(format!("apt-get has fetched no {name}.")))
}

/// Returns the first package of a set that is not in the folder; `None` if all are there.
fn missing<'set>(folder: &Path, names: &[&'set str]) -> Option<&'set str> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let is_there = |name: &str| {
        let start = format!("{name}_");
        files.iter().any(|file| file.starts_with(&start) && file.ends_with(".deb"))
    };
    names.iter().copied().find(|name| !is_there(name))
}

fn fetch(into: &str, names: &[&str]) -> Done {
    let [program, words @ ..] = FETCH;
    output(command(program, &words).arg(into).args(names)).map(drop)
}

fn update() -> Done {
    let line = [becoming_root()?, &["apt-get", "--quiet", "update"]].concat();
    let (program, words) = line.split_first().ok_or("Nothing to run.")?;
    run(&mut command(program, words))
}
