//! Checks the `--json` output of every command against the table of docs/json.md, key by key. Also checks that
//! everything in the table occurs in some output.

mod about;
mod fleet;
mod given;
mod machine;
mod many;
mod outline;
mod page;
mod roles;
mod setup;

use std::collections::BTreeSet;

use twinlock_tests::{Machine, Scratch};

use page::Page;

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOB: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";

/// Subcommands with JSON output that a search through the help texts does not find. Most of them are hidden; the help
/// shows `ssh` in `doctor ssh` as a value, and `setup` has subcommands of its own. Two other hidden subcommands print
/// a script and a manual page, never JSON.
const HIDDEN: [&str; 5] = ["deliver", "doctor ssh", "epoch sweep", "setup", "setup undo"];

/// Creates a machine on which ada is enrolled with backup codes, and bob has an account.
fn people() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob").enrolled("ada", ADA).scratch("ada", Scratch::FEW);
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

/// Tries to log ada in with the answer `typed`.
fn login(m: &Machine, typed: &str) {
    m.pamtester("probe", "ada").input(format!("{typed}\n\n")).output();
}

/// Returns the subcommands that the help of `twinlock WORDS` lists, each with `words` in front.
fn below(m: &Machine, words: &str) -> Vec<String> {
    let help = m.run(format!("twinlock {words} --help").split_whitespace()).ok().to_owned();
    let Some((_, commands)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(|name| format!("{words} {name}").trim().to_owned())
        .collect()
}

/// Returns the command that a row of docs/json.md names, without placeholders and options.
fn verb(row: &str) -> String {
    let words = row.split(' ').filter(|word| !word.chars().all(|one| !one.is_lowercase()));
    words.filter(|word| !word.starts_with("--")).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_verb_has_its_row_and_every_row_its_test() {
    let m = Machine::new();
    m.files();
    let mut verbs = BTreeSet::from(HIDDEN.map(str::to_owned));
    for name in below(&m, "") {
        let more = below(&m, &name);
        verbs.extend(if more.is_empty() { vec![name] } else { more });
    }
    let rows: BTreeSet<String> = page::commands().iter().map(|row| verb(row)).collect();
    assert_eq!(rows, verbs);
    let mut tested = [
        about::ROWS,
        fleet::ROWS,
        given::ROWS,
        many::ROWS,
        machine::ROWS,
        roles::ROWS,
        setup::ROWS,
    ]
    .concat();
    tested.sort_unstable();
    let mut rows = page::commands();
    rows.sort_unstable();
    assert_eq!(tested, rows);
}
