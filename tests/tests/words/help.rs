//! Checks that help texts, manual page and completions list the same subcommands and options.

use twinlock_tests::Machine;

use crate::script;

const PAGE: &str = "/root/twinlock.1";
/// Options that every subcommand has.
const EVERYWHERE: [&str; 3] = ["--config", "--json", "--help"];
/// Commands that ask a shell for its completions. zsh offers none without a terminal.
const OFFERS: [(&str, &str); 2] = [
    (
        "bash",
        ". /root/offer; COMP_WORDS=(twinlock $1 --); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
         COMP_LINE=\"${COMP_WORDS[*]}\"; COMP_POINT=${#COMP_LINE}; \
         _twinlock twinlock -- \"${COMP_WORDS[COMP_CWORD - 1]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"\n",
    ),
    ("fish", "source /root/offer; complete --do-complete \"twinlock $argv[1] --\"\n"),
];

/// A subcommand as a user types it, and the options in its help text.
struct Known {
    verb: String,
    options: Vec<String>,
}

fn machine() -> Machine {
    let m = Machine::new();
    m.files();
    m
}

fn said(m: &Machine, words: &str) -> String {
    m.run(format!("twinlock {words}").split(' ')).ok().to_owned()
}

/// Returns every subcommand that can be run, with the options in its help text. Begins with the help of `above` and
/// follows the subcommands that it lists.
fn known(m: &Machine, above: &str) -> Vec<Known> {
    let help = said(m, format!("{above} --help").trim_start());
    let verbs = verbs(&help);
    if verbs.is_empty() {
        return vec![Known { verb: above.to_owned(), options: options(&help) }];
    }
    let below = |verb: &String| known(m, format!("{above} {verb}").trim_start());
    verbs.iter().flat_map(below).collect()
}

/// Returns the subcommands that a help text lists below `Commands:`, except `help`. Skips wrapped lines, which have a
/// deeper indent.
fn verbs(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let lines = list.lines().take_while(|line| !line.is_empty());
    let heads =
        lines.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let words = heads.filter_map(|line| line.split(' ').next());
    words.filter(|word| *word != "help").map(str::to_owned).collect()
}

fn options(help: &str) -> Vec<String> {
    let (_, list) = help.split_once("\nOptions:\n").expect("every verb has options");
    let heads = list.lines().filter(|line| line.trim_start().starts_with('-'));
    let words =
        heads.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    words.map(str::to_owned).collect()
}

#[test]
fn help() {
    let mut s = script("help");
    for words in
        ["--help", "settings --help", "invite --help", "forget --help", "import google --help"]
    {
        s.pipe(words, &[]);
    }
    for words in ["", "frobnicate", "lst", "reset", "status ada bob", "list --grup dev"] {
        s.pipe(words, &[]);
    }
    s.pipe("completions tcsh", &[]);
    s.finish();
}

#[test]
fn the_manual_page_has_every_verb_and_option_and_no_warning() {
    let m = machine();
    m.file(PAGE).write(said(&m, "man"));
    let read = ["man", "--warnings", "--encoding=UTF-8", "--local-file", PAGE];
    let read = m.call(read).env("MANWIDTH", "200").output();
    assert_eq!((read.code, read.stderr.as_str()), (Some(0), ""), "{read:?}");
    let sections: Vec<&str> = read.stdout.split("\n   twinlock ").collect();
    let verbs = known(&m, "");
    assert!(verbs.len() > 25, "{}", verbs.len());
    for Known { verb, options } in verbs {
        let own = |text: &&str| {
            text.split([' ', '\n']).take(2).collect::<Vec<_>>().join(" ").starts_with(&verb)
        };
        let at = sections.iter().rposition(own).unwrap_or_else(|| panic!("{verb} has no section"));
        for option in options {
            // The manual page describes the common options before all verbs.
            let page = if EVERYWHERE.contains(&option.as_str()) { 0 } else { at };
            assert!(sections[page].contains(&format!(" {option}")), "{verb} {option}");
        }
    }
    assert!(read.stdout.contains("twinlock qr"), "{}", read.stdout);
    assert_eq!(said(&m, "qr --help"), said(&m, "show-key --help"));
    assert_eq!(said(&m, "--version"), concat!("twinlock ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_can_be_read_by_their_shells() {
    let m = machine();
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&m, &format!("completions {shell}"));
        let file = format!("/root/{shell}");
        m.file(&file).write(&script);
        let read = m.run([shell, "-n", &file]);
        assert_eq!((read.code, read.stderr.as_str()), (Some(0), ""), "{shell}: {read:?}");
        m.file(&file).append("\n)\n");
        assert_ne!(m.run([shell, "-n", &file]).code, Some(0), "{shell} reads what it is given");
        for Known { verb, options } in known(&m, "") {
            let last = verb.split(' ').next_back().expect("a verb");
            // The script for fish has a long option without its dashes, and that for zsh has it in a pattern.
            let written =
                |option: &String| option.replace("--", if shell == "fish" { "-l " } else { "--" });
            for word in options.iter().map(written).chain([last.to_owned()]) {
                assert!(script.contains(&word), "{shell}: {verb} {word}");
            }
        }
    }
}

/// Checks the completions for a user who types a subcommand, two dashes, and Tab.
#[test]
fn completions_offer_what_a_verb_takes() {
    let m = machine();
    for (shell, offer) in OFFERS {
        m.file("/root/offer").write(said(&m, &format!("completions {shell}")));
        m.file("/root/ask").write(offer);
        for Known { verb, options } in known(&m, "") {
            let offered = m.run([shell, "/root/ask", &verb]);
            assert_eq!((offered.code, offered.stderr.as_str()), (Some(0), ""), "{shell} {verb}");
            for option in options {
                let mut heads = offered.stdout.lines().filter_map(|line| line.split('\t').next());
                assert!(heads.any(|head| head == option), "{shell} {verb} {option}: {offered:?}");
            }
        }
    }
}
