//! Checks that the demo prints the transcript (the example of a session) in README.md, and that the demo of a fleet
//! succeeds.

use std::fs;

use crate::command::{Done, command, judged, watched};
use crate::machine::repository;

/// Runs the automatic demo. Checks that its output contains the lines of the transcript in README.md, in the same
/// order. Codes, ports and seconds may differ.
pub(crate) fn check() -> Done {
    let shown = shown_by(&["demo", "--auto", "--yes"])?;
    let readme = fs::read_to_string(repository().join("README.md"))
        .map_err(|error| format!("README.md cannot be read: {error}."))?;
    let transcript = transcript_in(&readme)
        .ok_or("README.md has no transcript under \"What it looks like\".")?;
    found_in_order(transcript, &shown)
}

/// Runs the automatic demo of a fleet. The demo checks that each of its commands prints what its step expects.
pub(crate) fn fleet() -> Done {
    shown_by(&["demo", "--fleet", "--auto", "--yes"]).map(drop)
}

/// Runs this program with these words and returns its output.
fn shown_by(words: &[&str]) -> Done<String> {
    let this = crate::machine::this_program()?;
    let mut demo = command(&this.to_string_lossy(), words);
    let (status, shown) = watched(&mut demo)?;
    judged(&demo, status).map(|()| shown)
}

/// Returns the first code block below the heading "What it looks like" of README.md; `None` if there is none.
fn transcript_in(readme: &str) -> Option<&str> {
    let (_, section) = readme.split_once("## What it looks like\n")?;
    section.split("```\n").nth(1)
}

fn found_in_order(transcript: &str, shown: &str) -> Done {
    let mut lines = shown.lines().map(regardless_of_numbers);
    for line in transcript.lines().filter(|line| !line.trim().is_empty()) {
        let wanted = regardless_of_numbers(line);
        if !lines.any(|line| line == wanted) {
            return Err(format!(
                "README.md shows this, and the demo does not at that place:\n  {line}"
            ));
        }
    }
    Ok(())
}

fn regardless_of_numbers(line: &str) -> String {
    let mut text = String::new();
    for letter in line.trim_end().chars() {
        if !letter.is_ascii_digit() {
            text.push(letter);
        } else if !text.ends_with('0') {
            text.push('0');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{found_in_order, transcript_in};

    #[test]
    fn numbers_may_differ_and_words_may_not() {
        let shown = "$ ssh -p 40000 ada\ncode: [123456]\nin 7 s\n";
        assert_eq!(found_in_order("$ ssh -p 5 ada\nin 12 s\n", shown), Ok(()));
        assert!(found_in_order("in 12 s\n$ ssh -p 5 ada\n", shown).is_err());
        assert!(found_in_order("in 12 minutes\n", shown).is_err());
    }

    #[test]
    fn the_block_under_the_heading_is_the_transcript() {
        let readme =
            "```\nno\n```\n## What it looks like\n\nText:\n\n```\n$ ssh\n```\n\n```\nno\n```\n";
        assert_eq!(transcript_in(readme), Some("$ ssh\n"));
    }
}
