//! Assigns the instructions of a login to objects and functions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

use super::steps::{Made, Steps};

/// The object on whose behalf other objects work.
const MODULE: &str = "pam_twinlock.so";

/// Instructions of one login by location.
#[derive(Debug, Default)]
pub struct Profile {
    /// By object: `libc.so.6`, `pam_twinlock.so`.
    pub objects: BTreeMap<String, u64>,
    /// By function of the module: its own instructions, and those of other objects on its behalf.
    pub functions: BTreeMap<String, Row>,
    /// File offsets of the module's functions that ran.
    pub ran: BTreeSet<u64>,
    /// By function of the other objects, as far as they have symbols.
    pub elsewhere: BTreeMap<String, u64>,
    /// The system calls, each with the object and function that made it.
    pub calls: Vec<(Made, String)>,
}

/// Instructions of one function of the module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    /// In the function itself, with inlined code.
    pub own: u64,
    /// In other objects, mainly libc, until they returned to it.
    pub called: u64,
}

struct Object {
    name: String,
    from: u64,
    to: u64,
    // Sorted by address.
    symbols: Vec<(u64, String)>,
}

impl Profile {
    /// Assigns the instructions; `root` is the host's root folder with the objects.
    pub(crate) fn of(steps: &Steps, root: &Path) -> Profile {
        let objects = objects(&steps.maps, root);
        let mut found = HashMap::new();
        let mut profile = Profile::default();
        let mut calls = steps.made.iter().peekable();
        let mut behalf = String::new();
        for (at, address) in steps.trail.iter().enumerate() {
            let (object, function, begin) =
                found.entry(*address).or_insert_with(|| place(&objects, *address));
            *profile.objects.entry(object.clone()).or_default() += 1;
            if object == MODULE {
                profile.functions.entry(function.clone()).or_default().own += 1;
                profile.ran.insert(*begin);
                behalf.clone_from(function);
            } else {
                *profile.elsewhere.entry(format!("{object} {function}")).or_default() += 1;
                if object.starts_with("libpam.so") || object == "pam_host" {
                    behalf.clear();
                } else if !behalf.is_empty() {
                    profile.functions.entry(behalf.clone()).or_default().called += 1;
                }
            }
            while let Some(made) = calls.next_if(|made| made.at == at + 1) {
                let whose = if behalf.is_empty() { "libpam" } else { &behalf };
                profile.calls.push((made.clone(), format!("{whose} ({object} {function})")));
            }
        }
        profile
    }
}

fn place(objects: &[Object], address: u64) -> (String, String, u64) {
    let Some(object) = objects.iter().find(|object| (object.from..object.to).contains(&address))
    else {
        return ("?".to_owned(), String::new(), 0);
    };
    let offset = address - object.from;
    let after = object.symbols.partition_point(|(start, _)| *start <= offset);
    let symbol = after.checked_sub(1).and_then(|last| object.symbols.get(last));
    let (begin, name) = symbol.cloned().unwrap_or_default();
    (object.name.clone(), name, begin)
}

fn objects(maps: &str, root: &Path) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(path)) = (words.next(), words.nth(4)) else { continue };
        let Some((from, to)) = range.split_once('-') else { continue };
        let parse = |text| u64::from_str_radix(text, 16).expect("an address");
        let (from, to) = (parse(from), parse(to));
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        match objects.iter_mut().find(|object| object.name == name) {
            Some(object) => object.to = to,
            None => objects.push(Object { name, from, to, symbols: symbols(root, path) }),
        }
    }
    objects
}

fn symbols(root: &Path, path: &str) -> Vec<(u64, String)> {
    let mut symbols = Vec::new();
    let file = root.join(path.trim_start_matches('/'));
    for table in ["--defined-only", "--dynamic"] {
        if !path.starts_with('/') || !symbols.is_empty() {
            break;
        }
        let listing = Command::new("nm")
            .args(["--demangle", "--defined-only", table])
            .arg(&file)
            .output()
            .expect("nm (package binutils) cannot be started");
        let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
        symbols.extend(listing.lines().filter_map(|line| {
            let (address, rest) = line.split_once(' ')?;
            let (kind, name) = rest.split_once(' ')?;
            let code = matches!(kind, "t" | "T" | "w" | "W" | "i");
            code.then(|| Some((u64::from_str_radix(address, 16).ok()?, name.to_owned())))?
        }));
    }
    symbols.sort();
    symbols
}
