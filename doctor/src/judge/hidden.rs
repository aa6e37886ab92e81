//! Finds characters that editors do not show and that libpam reads as part of a word: carriage returns and unusual
//! blanks.
use crate::finding::{Finding, Level};
use crate::pam::stack::{Handler, StackError, StackKind};
use crate::pam::twinlock::is_twinlock;

/// The hidden characters that are searched for, and a name of each for messages.
const HIDDEN: [(char, &str); 8] = [
    ('\r', "a carriage return, as at the end of lines of Windows"),
    ('\u{a0}', "a no-break space"),
    ('\u{2007}', "a figure space"),
    ('\u{202f}', "a narrow no-break space"),
    ('\u{200b}', "a zero-width space"),
    ('\u{feff}', "a byte order mark"),
    ('\u{ad}', "a soft hyphen"),
    ('\u{3000}', "an ideographic space"),
];

fn name(text: &str) -> Option<&'static str> {
    HIDDEN.iter().find(|(letter, _)| text.contains(*letter)).map(|(_, name)| *name)
}

/// Returns the name of the first hidden character in the module or arguments of the line; `None` if there is none.
pub(super) fn of_line(line: &Handler) -> Option<&'static str> {
    let StackKind::Module { path, args } = &line.kind else { return None };
    name(path).or_else(|| args.iter().find_map(|arg| name(arg)))
}

/// Returns a finding about a line with a hidden character. twinlock refuses every login if its own line has such a
/// character.
pub(super) fn judge(line: &Handler) -> Option<Finding> {
    let hidden = of_line(line)?;
    let StackKind::Module { path, .. } = &line.kind else { return None };
    let visible: String =
        path.chars().filter(|letter| !HIDDEN.iter().any(|(hidden, _)| hidden == letter)).collect();
    let (level, so) = match is_twinlock(&visible) {
        true => (Level::LockOut, "so the module refuses every login"),
        false => (Level::Warning, "and libpam takes it for part of a word"),
    };
    Some(Finding {
        level,
        id: "hidden-character",
        place: line.place.to_string(),
        what: format!("The line contains {hidden}, {so}."),
        remedy: remedy(&line.place.file),
    })
}

/// Returns a finding about a line that libpam cannot read because of a hidden character.
pub(super) fn fault(fault: &StackError) -> Option<Finding> {
    let hidden = name(&fault.what)?;
    Some(Finding {
        level: Level::Warning,
        id: "hidden-character",
        place: fault.place.to_string(),
        what: format!("The line contains {hidden}, and libpam takes it for part of a word."),
        remedy: remedy(&fault.place.file),
    })
}

fn remedy(file: &str) -> String {
    format!(
        "Write the line again by hand; for carriage returns at the end of all lines: sed -i 's/\\r$//' {file}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pam::load::tests::{auth_stack, tree};

    #[test]
    fn each_is_named_where_it_is() {
        for (text, level, part) in [
            (
                "auth required pam_twinlock.so first_factor=stack\r\n",
                Level::LockOut,
                "carriage return",
            ),
            (
                "auth required pam_twinlock.so first_factor=stack\u{a0}\n",
                Level::LockOut,
                "no-break",
            ),
            ("auth required pam_unix.so\r\n", Level::Warning, "carriage return"),
        ] {
            let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
            let found = judge(stack.first().unwrap()).unwrap();
            assert!(found.level == level && found.what.contains(part), "{found:?}");
        }
        let clean =
            auth_stack(&tree(&[("/etc/pam.d/sshd", "auth required pam_unix.so\n")]), "sshd");
        assert_eq!(judge(clean.first().unwrap()), None);
    }
}
