//! Patterns of file names, with the rules of glob(3) of the C library: `*`, `?`, `[...]` and a backslash before a
//! letter. sshd finds the files of an Include line by these rules.
//!
//! No crate follows the same rules. `glob` and `globset` give `**` a meaning, do not know `[[:digit:]]`, and refuse a
//! `[` without `]`, which glob(3) takes for a letter. If doctor missed a file because of that, the file could let users
//! in without a code. doctor cannot call glob(3) itself, because candidates and the files below `--root` are not at the
//! path that the pattern names.

/// Returns whether the name, one component of a path, is a pattern: it contains `*`, `?`, `[` or
/// a backslash.
pub(super) fn is_pattern(part: &str) -> bool {
    part.contains(['*', '?', '[', '\\'])
}

/// Returns whether the file name `name` matches `pattern`. Only a dot at the start of the pattern matches a dot at the
/// start of the name.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let hidden = name.first() == Some(&'.') && pattern.first() != Some(&'.');
    !hidden && rest_fits(&pattern, &name)
}

/// Returns whether the absolute path `path` matches the absolute pattern. Each component is compared by itself.
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
        ('[', Some((letter, tail))) => match Set::read(rest) {
            Some(set) => set.holds(*letter) && rest_fits(set.rest, tail),
            None => *letter == '[' && rest_fits(rest, tail),
        },
        (_, Some((letter, tail))) => {
            let (wanted, rest) = literal(pattern).unwrap_or((*first, rest));
            wanted == *letter && rest_fits(rest, tail)
        }
    }
}

/// Returns the first letter of a pattern, without the backslash that quotes it, and the pattern after it. `None` if the
/// pattern is empty.
fn literal(pattern: &[char]) -> Option<(char, &[char])> {
    match pattern {
        ['\\', quoted, rest @ ..] => Some((*quoted, rest)),
        [letter, rest @ ..] => Some((*letter, rest)),
        [] => None,
    }
}

/// A set of letters in brackets, such as `[a-z]`, `[!a-z]` or `[[:digit:]_]`.
struct Set<'a> {
    negated: bool,
    parts: Vec<GlobPart>,
    /// The pattern after the set.
    rest: &'a [char],
}

/// A part of a set.
enum GlobPart {
    /// All letters from the first letter to the second.
    Range(char, char),
    /// The letters of a POSIX character class. Holds the name of the class, such as `digit`.
    Class(String),
}

impl<'a> Set<'a> {
    /// Parses the text after `[`; `None` if no `]` ends the set. A `]` at the start is a letter of the set and does not
    /// end it.
    fn read(text: &'a [char]) -> Option<Self> {
        let (negated, mut rest) = match text {
            ['!' | '^', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let mut parts = Vec::new();
        loop {
            rest = match rest {
                [']', rest @ ..] if !parts.is_empty() => {
                    return Some(Self { negated, parts, rest });
                }
                ['[', ':', tail @ ..] if tail.windows(2).any(|pair| pair == [':', ']']) => {
                    let end = tail.windows(2).position(|pair| pair == [':', ']'])?;
                    parts.push(GlobPart::Class(tail.get(..end)?.iter().collect()));
                    tail.get(end + 2..)?
                }
                _ => {
                    let (first, after) = literal(rest)?;
                    let (last, after) = match after {
                        ['-', end @ ..] if end.first() != Some(&']') => literal(end)?,
                        _ => (first, after),
                    };
                    parts.push(GlobPart::Range(first, last));
                    after
                }
            };
        }
    }

    fn holds(&self, letter: char) -> bool {
        self.parts.iter().any(|part| part.holds(letter)) != self.negated
    }
}

impl GlobPart {
    fn holds(&self, letter: char) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&letter),
            Self::Class(name) => match name.as_str() {
                "alnum" => letter.is_ascii_alphanumeric(),
                "alpha" => letter.is_ascii_alphabetic(),
                "blank" => [' ', '\t'].contains(&letter),
                "cntrl" => letter.is_ascii_control(),
                "digit" => letter.is_ascii_digit(),
                "graph" => letter.is_ascii_graphic(),
                "lower" => letter.is_ascii_lowercase(),
                "print" => letter == ' ' || letter.is_ascii_graphic(),
                "punct" => letter.is_ascii_punctuation(),
                "space" => letter.is_ascii_whitespace() || letter == '\u{b}',
                "upper" => letter.is_ascii_uppercase(),
                "xdigit" => letter.is_ascii_hexdigit(),
                _ => false,
            },
        }
    }
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
            (r"\*.conf", "*.conf", true),
            (r"\*.conf", "a.conf", false),
            (r"a\[b]", "a[b]", true),
            (r"[\]a]x", "]x", true),
            (r"[a\-z]x", "mx", false),
            ("[[:digit:]_]*", "10-a", true),
            ("[[:digit:]_]*", "_a", true),
            ("[![:digit:]]*", "10-a", false),
            ("[[:upper:]-]x", "-x", true),
            ("[[:what:]]x", "wx", false),
            ("[[:a]x", ":x", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
