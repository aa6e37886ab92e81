//! Finds polkit files that may permit an action without a password, and thereby without a code. doctor searches the
//! text of the files for words, and does not run their JavaScript.
use std::io;

use crate::finding::{Finding, Level};
use crate::sshd::config::Patterns;

/// One kind of polkit files: patterns of their paths, and words by which a file may permit an action without asking the
/// user.
struct PolkitFileKind {
    files: &'static [&'static str],
    words: &'static [&'static str],
}

const KINDS: [PolkitFileKind; 3] = [
    PolkitFileKind {
        files: &[
            "/etc/polkit-1/rules.d/*.rules",
            "/run/polkit-1/rules.d/*.rules",
            "/usr/local/share/polkit-1/rules.d/*.rules",
            "/usr/share/polkit-1/rules.d/*.rules",
        ],
        words: &["yes", "spawn", "result[", "eval"],
    },
    PolkitFileKind {
        files: &[
            "/etc/polkit-1/localauthority/*/*.pkla",
            "/var/lib/polkit-1/localauthority/*/*.pkla",
        ],
        words: &["=yes", "= yes"],
    },
    // The `.policy` files that packages install in /usr/share are not searched: they do not give rights of root without
    // asking the user.
    PolkitFileKind {
        files: &[
            "/etc/polkit-1/actions/*.policy",
            "/run/polkit-1/actions/*.policy",
            "/usr/local/share/polkit-1/actions/*.policy",
        ],
        words: &[">yes<"],
    },
];

/// Rule files of packages that permit actions only to a system account. doctor does not search them.
const HARMLESS: [&str; 2] = [
    "/usr/share/polkit-1/rules.d/systemd-networkd.rules",
    "/usr/share/polkit-1/rules.d/60-systemd-networkd.rules",
];

/// Returns a finding for each file that may permit an action without asking the user, and for each file that cannot be
/// read.
#[must_use]
pub fn judge(machine: &dyn Patterns) -> Vec<Finding> {
    let mut found = Vec::new();
    for (kind, pattern) in
        KINDS.iter().flat_map(|kind| kind.files.iter().map(move |one| (kind, one)))
    {
        let files = match machine.matching(pattern) {
            Ok(files) => files,
            Err(error) => {
                found.push(unread(&error.path, &error.error));
                continue;
            }
        };
        for file in files.iter().filter(|file| !HARMLESS.contains(&file.as_str())) {
            match machine.text(file) {
                Ok(text) => found.extend(permitting(file, &text, kind.words)),
                Err(error) => found.push(unread(file, &error)),
            }
        }
    }
    found
}

/// Returns a finding about the first line of the file that contains one of the words, in upper or lower case; `None` if
/// no line does. Lines that begin with `//` are skipped.
fn permitting(file: &str, text: &str, words: &[&str]) -> Option<Finding> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    let has = |line: &str| words.iter().find(|word| line.to_ascii_lowercase().contains(**word));
    let (number, word) = lines.filter_map(|(number, line)| Some((number, has(line)?))).next()?;
    Some(Finding {
        level: Level::Unknown,
        id: "polkit-rule",
        place: format!("{file}:{number}"),
        what: format!(
            "{file} may permit actions of root without a password or a code: it contains `{word}`, and what it does is not known."
        ),
        remedy: "Read it. Remove what permits an action of root, or accept the file in /etc/twinlock/accepted.toml."
            .to_owned(),
    })
}

fn unread(path: &str, error: &io::Error) -> Finding {
    Finding {
        level: Level::Unknown,
        id: "polkit-unread",
        place: path.to_owned(),
        what: format!("It is not known what polkit permits without a question: {error}."),
        remedy: "Run `twinlock doctor polkit-1` as root.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, kind: usize) -> bool {
        permitting("/etc/x", text, KINDS.get(kind).unwrap().words).is_some()
    }

    #[test]
    fn files_that_may_permit_are_named() {
        let rule = |result: &str| {
            format!(
                "polkit.addRule(function(action, subject) {{\n  if (x) return {result};\n}});\n"
            )
        };
        for result in
            ["polkit.Result.YES", "\"yes\"", "polkit.Result[word]", "polkit.spawn([\"/bin/x\"])"]
        {
            assert!(says(&rule(result), 0), "{result}");
        }
        for result in ["polkit.Result.AUTH_ADMIN", "polkit.Result.NO", "null"] {
            assert!(!says(&rule(result), 0), "{result}");
        }
        assert!(!says("// return polkit.Result.YES;\n", 0));
        assert!(says("ResultActive=yes\n", 1) && !says("ResultActive=auth_admin\n", 1));
        assert!(says("<allow_any>yes</allow_any>\n", 2) && !says("<allow_any>no</allow_any>\n", 2));
    }
}
