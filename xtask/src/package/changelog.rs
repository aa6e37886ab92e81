//! Converts CHANGELOG.md to the changelog format of Debian packages.

use crate::command::{Done, command, output};
use crate::package::Release;

/// Maximum length of a line in characters. Debian's tools require at most 80.
const WIDTH: usize = 78;

/// Returns the last line of each entry, which contains the maintainer and a date. `seconds` is that date as Unix time.
/// It is the same for all versions.
pub(crate) fn signature(maintainer: &str, seconds: &str) -> Done<String> {
    let at = format!("--date=@{seconds}");
    let date = output(command("date", &["--utc", "--rfc-email", &at]).env("LC_ALL", "C"))?;
    Ok(format!(" -- {maintainer}  {}", date.trim()))
}

/// Returns Debian's changelog of the package for `release`. `markdown` is the text of CHANGELOG.md.
pub(crate) fn debian(markdown: &str, release: &Release, signature: &str) -> Done<String> {
    let text = entries(markdown, release, signature);
    if text.is_empty() { Err("CHANGELOG.md has no version.".into()) } else { Ok(text) }
}

/// Returns Debian's changelog: one entry for each heading of `markdown` that names a version.
fn entries(markdown: &str, release: &Release, signature: &str) -> String {
    let mut text = String::new();
    for section in markdown.split("\n## ").skip(1) {
        let (version, body) = section.split_once('\n').unwrap_or((section, ""));
        let (version, suite) = (format!("{}{}", version.trim(), release.suffix), release.suite);
        text.push_str(&format!("twinlock ({version}) {suite}; urgency=medium\n\n"));
        for item in body.trim().split("\n- ").flat_map(|part| part.split("\n\n")) {
            let words = item.trim_start_matches("- ").split_whitespace();
            text.push_str(&wrapped(words));
        }
        text.push_str(&format!("\n{signature}\n\n"));
    }
    text.trim_end().to_owned() + if text.is_empty() { "" } else { "\n" }
}

fn wrapped<'word>(words: impl Iterator<Item = &'word str>) -> String {
    let (mut text, mut line) = (String::new(), String::from("  *"));
    for word in words {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line == "  *" { text } else { text + &line + "\n" }
}

#[cfg(test)]
mod tests {
    use super::entries;
    use crate::package::RELEASES;

    #[test]
    fn each_version_is_an_entry() {
        let markdown = "# Changelog\n\n## 0.2.0\n\n- Second.\n\n## 0.1.0\n\nThe first: a\ncode.\n\n- `One` of\n  two.\n";
        let expected = "twinlock (0.2.0~deb12u1) bookworm; urgency=medium\n\n  * Second.\n\n -- A\n\n\
                        twinlock (0.1.0~deb12u1) bookworm; urgency=medium\n\n  * The first: a code.\n  * `One` of two.\n\n -- A\n";
        assert_eq!(entries(markdown, &RELEASES[0], " -- A"), expected);
        assert_eq!(entries("# Changelog\n", &RELEASES[0], " -- A"), "");
    }

    #[test]
    fn no_line_is_longer_than_debian_takes() {
        let item = "word ".repeat(90);
        let text = entries(&format!("\n## 1\n\n- {item}\n- {item}"), &RELEASES[0], " -- A");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(text.matches("word").count(), 180);
        assert_eq!(text.matches("  * ").count(), 2);
    }
}
