//! Splits the text of a line of sshd_config into words, as sshd does.

/// Splits a text into words. Blanks separate words. A part in quotes belongs to one word, even if it contains blanks. A
/// backslash before a quote, a backslash, or a blank makes that letter a part of the word. A `#` at the start of a word
/// begins a comment. `also_blank` is a further letter that separates words.
#[must_use]
pub fn words(text: &str, also_blank: Option<char>) -> Vec<String> {
    let mut all = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_blank = |one: char| one.is_ascii_whitespace() || Some(one) == also_blank;
        match (quote, letter) {
            (None, '#') if word.is_none() => break,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == letter => quote = None,
            (_, '\\') => {
                let next = letters.peek().copied();
                let is_escape = |one: &char| {
                    ['"', '\'', '\\'].contains(one) || quote.is_none() && one.is_ascii_whitespace()
                };
                let escaped = next.filter(is_escape);
                if escaped.is_some() {
                    letters.next();
                }
                word.get_or_insert_default().push(escaped.unwrap_or(letter));
            }
            (None, _) if is_blank(letter) => all.extend(word.take()),
            (_, _) => word.get_or_insert_default().push(letter),
        }
    }
    all.extend(word);
    all
}

/// Returns the text without a comment at its end. A `#` inside a word or in quotes begins no comment.
#[must_use]
pub fn without_comment(text: &str) -> &str {
    let (mut quote, mut in_word, mut escaped) = (None, false, false);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (None, '#') if !in_word => return text.get(..at).unwrap_or(text),
            (_, '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (_, _) => (),
        }
        in_word = quote.is_some() || !letter.is_ascii_whitespace();
    }
    text
}

/// Returns the word in quotes if it contains a blank, so that sshd reads it as one word.
#[must_use]
pub fn quoted(word: &str) -> String {
    match word.contains([' ', '\t']) {
        true => format!("\"{word}\""),
        false => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_word_together() {
        for (text, expected) in [
            ("User ada", &["User", "ada"][..]),
            ("Group \"domain users\",crew", &["Group", "domain users,crew"]),
            ("Group 'domain users' # x", &["Group", "domain users"]),
            ("Group domain\\ users", &["Group", "domain users"]),
            ("User a#b #c", &["User", "a#b"]),
            ("User \"a \\\" #b\"", &["User", "a \" #b"]),
            ("User \"\"", &["User", ""]),
            ("", &[]),
        ] {
            assert_eq!(words(text, None), expected, "{text}");
        }
        assert_eq!(words("User=ada Group = x", Some('=')), ["User", "ada", "Group", "x"]);
        assert_eq!(quoted("domain users"), "\"domain users\"");
        assert_eq!(quoted("crew"), "crew");
    }

    #[test]
    fn comments_begin_outside_of_words_and_quotes() {
        for (text, expected) in [
            ("yes # all", "yes "),
            ("yes\t#all", "yes\t"),
            ("a#b", "a#b"),
            ("\"a #b\" #c", "\"a #b\" "),
            ("#", ""),
        ] {
            assert_eq!(without_comment(text), expected, "{text}");
        }
    }
}
