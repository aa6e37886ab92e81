//! Searches the text of sudoers for words by which sudo may not ask for a password. doctor does this if `cvtsudoers` is
//! not installed. The search does not find out to which users the words apply.
use std::io;

use crate::pam::stack::LinePlace;
use crate::sshd::config::Patterns;

/// A line of sudoers with a word that may change whether or how sudo asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspect {
    /// File and number of the line.
    pub place: LinePlace,
    /// The word that the line contains.
    pub word: &'static str,
}

/// Words of sudoers by which sudo may not ask, may ask less often, or may call another PAM service.
const WORDS: [&str; 6] =
    ["NOPASSWD", "authenticate", "exempt_group", "pam_service", "pam_login_service", "timestamp_t"];

/// Path of sudo's main configuration file.
pub const FILE: &str = "/etc/sudoers";
/// Path of the file that sudo-rs reads in place of /etc/sudoers, if it exists.
pub const FILE_RS: &str = "/etc/sudoers-rs";
/// Maximum number of files that are searched. If there are more, the search fails.
const FILES_MAX: usize = 500;

/// Returns each line of the file `main`, and of the files that it includes, that contains one of the words. A line that
/// contains several of the words is returned once for each word.
///
/// # Errors
/// [`io::Error`] if a file cannot be read or too many are included; the text names the file.
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

/// Returns the paths of the files that the line `line` of the file `file` includes. A relative path begins at the
/// folder of `file`.
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
