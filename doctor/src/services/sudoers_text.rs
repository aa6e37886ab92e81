//! Searches sudoers where `cvtsudoers` is missing, for the words with which sudo may not ask for a password. Does not
//! find out to which users they apply.
use std::io;

use crate::pam::stack::LinePlace;
use crate::sshd::config::Patterns;

/// A line with one of the words that change whether or how sudo asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspect {
    /// File and line of the word.
    pub place: LinePlace,
    /// The word that was found.
    pub word: &'static str,
}

/// Words of sudoers that can turn off the question, set how long a password counts, or choose another PAM service.
const WORDS: [&str; 6] =
    ["NOPASSWD", "authenticate", "exempt_group", "pam_service", "pam_login_service", "timestamp_t"];

/// The main file of sudo.
pub const FILE: &str = "/etc/sudoers";
/// The file that sudo-rs reads in place of /etc/sudoers, if it exists.
pub const FILE_RS: &str = "/etc/sudoers-rs";
/// Largest number of files that are read.
const FILES_MAX: usize = 500;

/// Finds the suspect lines in the file `main` and in the files that it includes.
///
/// # Errors
/// [`io::Error`] if one of the files cannot be read; the text names the file.
pub fn scan(machine: &dyn Patterns, main: &str) -> io::Result<Vec<Suspect>> {
    let mut found = Vec::new();
    let mut files = vec![main.to_owned()];
    let mut next = 0;
    while let Some(file) = files.get(next).cloned() {
        if next >= FILES_MAX {
            return Err(io::Error::other(format!("{main} includes too many files")));
        }
        let text = machine
            .text(&file)
            .map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))?;
        for (line, words) in (1..).zip(text.lines()) {
            files.extend(includes(machine, &file, words)?);
            let plain = words.split('#').next().unwrap_or_default();
            let place = || LinePlace { file: file.clone(), line };
            let words = WORDS.into_iter().filter(|word| plain.contains(word));
            found.extend(words.map(|word| Suspect { place: place(), word }));
        }
        next += 1;
    }
    Ok(found)
}

/// Returns the files that a line includes.
fn includes(machine: &dyn Patterns, file: &str, line: &str) -> io::Result<Vec<String>> {
    let line = line.trim();
    let Some((word, path)) =
        line.strip_prefix(['#', '@']).and_then(|rest| rest.split_once(char::is_whitespace))
    else {
        return Ok(Vec::new());
    };
    let path = path.trim().trim_matches('"');
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{}/{path}", file.rsplit_once('/').map_or("", |(folder, _)| folder)),
    };
    match word {
        "include" | "includedir" if path.contains('%') => {
            Err(io::Error::other(format!("{path}: its name depends on the host")))
        }
        "include" => Ok(vec![path]),
        "includedir" => {
            let all = machine.matching(&format!("{path}/*"));
            let all = all.map_err(|error| io::Error::other(error.to_string()))?.into_iter();
            let name = |file: &str| file.rsplit('/').next().unwrap_or_default().to_owned();
            Ok(all.filter(|file| !name(file).contains('.') && !file.ends_with('~')).collect())
        }
        _ => Ok(Vec::new()),
    }
}
