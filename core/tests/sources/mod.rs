//! Source files as the architecture test reads them: code without comments and literals, its imports, its functions.
#![allow(clippy::expect_used, reason = "a test that cannot go on must stop")]
#![allow(dead_code, reason = "shared by tests that each use a part of it")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A source file: its path in the repository, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Returns the code without comments and literals, and without unit tests, since these may use every folder.
    pub(crate) fn code(&self) -> String {
        let tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        if tests && self.path.contains("/src/") {
            return String::new();
        }
        stripped(self.text.lines().take_while(|line| *line != "#[cfg(test)]"))
    }

    /// Returns the code without comments and literals, unit tests included.
    pub(crate) fn whole_code(&self) -> String {
        stripped(self.text.lines())
    }

    /// Returns the name of the folder below `src` that contains the file or, for a file directly in `src`, its name
    /// without `.rs`.
    pub(crate) fn room(&self) -> &str {
        let below = self.path.split_once("/src/").map_or(self.path.as_str(), |(_, below)| below);
        below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
    }
}

fn stripped<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut code = String::new();
    for line in lines {
        code.push_str(&without_literals(line));
        code.push('\n');
    }
    code
}

/// Returns a line without its comment and without the content of its string literals.
fn without_literals(line: &str) -> String {
    let mut plain = String::new();
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => drop(letters.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && letters.peek() == Some(&'/') => break,
            _ if !quoted => plain.push(letter),
            _ => {}
        }
    }
    // Brackets and commas in character literals are removed, because they would be counted as those of the code.
    ["'{'", "'}'", "'('", "')'", "'<'", "'>'", "','"]
        .iter()
        .fold(plain, |plain, literal| plain.replace(literal, "' '"))
}

/// Returns the root folder of the checkout. Cargo runs a test in the folder of its package.
pub(crate) fn repository() -> PathBuf {
    let here = std::env::current_dir().expect("a current folder");
    let found = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    found.expect("the source tree of twinlock").to_owned()
}

/// Reads the source files below a folder of the checkout, sorted by path.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let repository = repository();
    let mut found = Vec::new();
    collect(&repository.join(folder), &mut found);
    found.sort();
    let source = |path: PathBuf| {
        let shown = path.strip_prefix(&repository).expect("a file of the repository");
        let text = std::fs::read_to_string(&path).expect("a source file in UTF-8");
        Source { path: shown.display().to_string(), text }
    };
    found.into_iter().map(source).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the modules that source code names after `crate::`, also in groups with braces.
pub(crate) fn used(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = code[at + start.len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend([word(rest)]),
        }
    }
    found
}

/// Returns each path that source code names after `crate::`. A group with braces gives a path for each member.
pub(crate) fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        take_apart("", &code[at + start.len()..], &mut found);
    }
    found
}

/// Parses one path at the start of `text`, possibly with a group in braces at its end. Appends each path that it
/// stands for to `found`, with `before` in front. Returns the length of the parsed text in bytes.
fn take_apart(before: &str, text: &str, found: &mut Vec<String>) -> usize {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let mut at = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    let path = format!("{before}{}", &text[..at]);
    if !text[at..].starts_with('{') {
        found.push(path);
        return at;
    }
    at += 1;
    while let Some(letter) = text[at..].chars().next().filter(|letter| *letter != '}') {
        at += if letter.is_alphabetic() {
            take_apart(&path, &text[at..], found)
        } else {
            letter.len_utf8()
        };
    }
    at + 1
}

/// Parses the members of a Rust path with braces, such as `base::{..}, ports` in `crate::{base::{..}, ports}`. `group`
/// is the text after the brace. Returns the first name of each member, up to the closing brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut found, mut fresh) = (1, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            letter if fresh && letter.is_alphabetic() => {
                found.push(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The name of a function and its parameters as they are written.
pub(crate) struct Function {
    pub(crate) name: String,
    parameters: String,
}

impl Function {
    /// Returns whether a parameter is a tuple, or a reference to one.
    pub(crate) fn takes_a_tuple(&self) -> bool {
        let mut depth = 0_i32;
        for (at, letter) in self.parameters.char_indices() {
            match letter {
                '(' | '[' | '{' | '<' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                '>' if !self.parameters[..at].ends_with('-') => depth -= 1,
                ':' if depth == 0 => {
                    let kind = self.parameters[at + 1..].trim_start();
                    let kind = kind.trim_start_matches(['&', ' ']);
                    let kind = match kind.strip_prefix('\'') {
                        Some(named) => named.split_once(' ').map_or("", |(_, kind)| kind),
                        None => kind,
                    };
                    let kind = kind.trim_start_matches("mut ");
                    if kind.starts_with('(') && !kind.starts_with("()") {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}

/// Returns all functions in source code, including functions of traits that have no body.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("fn ") {
        let fresh = code[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        let rest = &code[at + start.len()..];
        let name = word(rest);
        let Some(open) = rest.find('(').filter(|_| fresh && !name.is_empty()) else { continue };
        let Some(parameters) = enclosed(&rest[open..], '(', ')') else { continue };
        let inner = parameters.get(1..parameters.len().saturating_sub(1)).unwrap_or_default();
        found.push(Function { name, parameters: inner.to_owned() });
    }
    found
}

/// Returns the text from an opening bracket at its start to the matching closing bracket, both included; `None` if
/// there is no matching bracket.
fn enclosed(text: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 0_i32;
    for (at, letter) in text.char_indices() {
        depth += i32::from(letter == open) - i32::from(letter == close);
        if depth == 0 {
            return text.get(..=at);
        }
    }
    None
}

#[test]
fn paths_are_found_in_every_form() {
    let code = "use crate::{\n    a::{self, b},\n    c,\n    d::{e::{f}, g},\n};\nuse crate::h::i;\nlet x = crate::j::k();";
    let found: Vec<String> = used(code).into_iter().collect();
    assert_eq!(found, ["a", "c", "d", "h", "j"]);
    assert_eq!(without_literals(r#"a("\"crate::x", 'b'); // crate::y"#), "a(, 'b'); ");
}

#[test]
fn tuples_are_found_where_they_are_parameters() {
    let code = "fn a((x, y): (u8, u8)) {}\nfn b(x: &(u8, u8)) {}\nfn c(x: Option<(u8, u8)>, f: impl Fn((u8, u8)) -> u8) {}\nfn d<'a>(x: &'a str, y: ()) {}";
    let found: Vec<bool> = functions(code).iter().map(Function::takes_a_tuple).collect();
    assert_eq!(found, [true, true, false, false]);
}
