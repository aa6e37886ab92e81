//! Patterns of file names as in glob(3): `*`, `?` and `[...]`.

/// Returns whether the name, one component of a path, is a pattern: it contains `*`, `?` or `[`.
pub(super) fn is_pattern(part: &str) -> bool {
    part.contains(['*', '?', '['])
}

/// Returns whether the file name matches the pattern. A leading dot of the name is matched only by a dot of the
/// pattern.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let hidden = name.first() == Some(&'.') && pattern.first() != Some(&'.');
    !hidden && rest_fits(&pattern, &name)
}

/// Returns whether the absolute path matches the absolute pattern, each component by itself.
pub(super) fn fits_path(pattern: &str, path: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (pattern, path) = (parts(pattern), parts(path));
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(one, name)| fits(one, name))
}

fn rest_fits(pattern: &[char], name: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match (first, name.split_first()) {
        ('*', _) => {
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|tail| rest_fits(rest, tail)))
        }
        (_, None) => false,
        ('?', Some((_, tail))) => rest_fits(rest, tail),
        ('[', Some((letter, tail))) => match set(rest) {
            Some((set, after)) => in_set(set, *letter) && rest_fits(after, tail),
            None => *letter == '[' && rest_fits(rest, tail),
        },
        (_, Some((letter, tail))) => first == letter && rest_fits(rest, tail),
    }
}

/// Splits the text after `[` into the set and the text after the matching `]`. A `]` at the start belongs to the set.
fn set(text: &[char]) -> Option<(&[char], &[char])> {
    let begin = usize::from(matches!(text.first(), Some('!' | '^'))) + 1;
    let end = begin + text.get(begin..)?.iter().position(|letter| *letter == ']')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn in_set(set: &[char], letter: char) -> bool {
    let (negated, set) = match set.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut rest = set;
    let mut found = false;
    while let Some((first, after)) = rest.split_first() {
        let (last, after) = match after {
            ['-', last, after @ ..] => (last, after),
            _ => (first, after),
        };
        found |= (*first..=*last).contains(&letter);
        rest = after;
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_part_by_part() {
        for (pattern, path, expected) in [
            ("/etc/ssh/sshd_config.d/*.conf", "/etc/ssh/sshd_config.d/10-a.conf", true),
            ("/etc/ssh//sshd_config.d/*.conf", "/etc/ssh/sshd_config.d/10-a.conf", true),
            ("/etc/ssh/*.conf", "/etc/ssh/sshd_config.d/10-a.conf", false),
            ("/etc/*/*/*.conf", "/etc/ssh/sshd_config.d/10-a.conf", true),
            ("/etc/ssh/sshd_config.d/*.conf", "/etc/ssh/sshd_config.d/.a.conf", false),
        ] {
            assert_eq!(fits_path(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn names_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.conf", "10-a.conf", true),
            ("*.conf", ".a.conf", false),
            (".*", ".a.conf", true),
            ("[0-9]*", "10-a", true),
            ("[!0-9]*", "10-a", false),
            ("[^a]x", "bx", true),
            ("[]a]x", "]x", true),
            ("[ab", "[ab", true),
            ("??", "a", false),
            ("a-[xz-]", "a--", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
