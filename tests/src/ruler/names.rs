//! Names of the kernel's system calls, from its own header.

use std::collections::BTreeMap;

/// Headers of Debian's linux-libc-dev, which every C compiler depends on.
const HEADERS: [&str; 2] =
    ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"];

/// Name of each number.
pub(super) type Names = BTreeMap<u64, String>;

/// Returns the name of a number, or the number.
pub(super) fn named(names: &Names, number: u64) -> String {
    names.get(&number).cloned().unwrap_or_else(|| number.to_string())
}

/// Reads all names.
pub(super) fn names() -> Names {
    let header = HEADERS.iter().find_map(|file| std::fs::read_to_string(file).ok());
    let header = header.expect("the kernel's header (package linux-libc-dev)");
    let lines = header.lines().filter_map(|line| line.strip_prefix("#define __NR_"));
    lines.filter_map(|line| line.split_once(' ')).filter_map(numbered).collect()
}

fn numbered((name, number): (&str, &str)) -> Option<(u64, String)> {
    Some((number.trim().parse().ok()?, name.to_owned()))
}
