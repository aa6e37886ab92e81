//! Transcripts in `tests/vectors/dialogues`: expected outputs of dialogues, which are compared exactly.

use crate::dialogue::TypedAnswer;
use crate::golden::golden;
use crate::picture::is_square;
use crate::reader::{bare, is_code, is_key};

const HEAD: &str = "\
# What a terminal shows, held against a real login by the tests. Written anew by
#   TWINLOCK_WRITE_GOLDEN=1 cargo nextest run -p twinlock-tests --test dialogues
# In place of what differs each time: N a digit and X a letter of a code or key, [square] a
# QR code, YYYY-MM-DD, HH:MM:SS, (N s); [typed: ...] was typed and is not shown. The
# machine's own greeting is left out.
";

/// Compares a text with the transcript `name`, an expected output in `tests/vectors/dialogues`. Panics if they differ.
#[track_caller]
pub(crate) fn compare(name: &str, text: &str) {
    golden(&format!("vectors/dialogues/{name}.txt"), &format!("{HEAD}\n{text}"));
}

/// Returns the transcript of a dialogue: the terminal's output with the typed answers, and with placeholders for what
/// varies.
pub(crate) fn written(screen: &str, typed: &[TypedAnswer]) -> String {
    let mut text = String::new();
    let mut done = 0;
    for one in typed {
        text.push_str(&screen[done..one.at]);
        let echoed = screen[one.at..].starts_with(&one.text);
        let written =
            if is_typed_code(&one.written) { letters(&one.written) } else { one.written.clone() };
        match (echoed, written.as_str()) {
            (true, written) => text.push_str(written),
            (false, "") => {}
            (false, written) => text.push_str(&format!("[typed: {written}]")),
        }
        done = if echoed { one.at + one.text.len() } else { one.at };
    }
    text.push_str(&screen[done..]);
    let mut lines: Vec<String> = Vec::new();
    for line in text.replace("\r\n", "\n").split('\n') {
        let square = is_square(line.strip_prefix("| ").unwrap_or(line));
        let line = if square { "[square]".to_owned() } else { placed(line) };
        let again = square && lines.last() == Some(&line);
        // The machine's greeting after a login, which varies.
        let greeting = ["Linux ", "Last login: "].iter().any(|begin| line.starts_with(begin));
        if !again && !greeting {
            lines.push(line);
        }
    }
    lines_without_broken_squares(&mut lines);
    lines.join("\n").trim_end_matches('\n').to_owned() + "\n"
}

/// Replaces the remains of a QR code by one line, if the ssh client has removed half blocks from the QR code. These
/// remains differ between runs.
fn lines_without_broken_squares(lines: &mut Vec<String>) {
    let mut from = 0;
    while let Some(begin) = place(lines, from, "scan this QR code:") {
        let Some(end) = place(lines, begin, "If you cannot scan it") else { return };
        if lines[begin + 1..end].iter().any(|line| !line.ends_with("[square]")) {
            lines.splice(begin + 1..end, ["[square: its blocks are dropped]".to_owned()]);
        }
        from = begin + 2;
    }
}

fn place(lines: &[String], from: usize, text: &str) -> Option<usize> {
    let found = lines.iter().skip(from).position(|line| line.contains(text));
    found.map(|at| at + from)
}

fn placed(line: &str) -> String {
    let key = bare(line);
    if is_key(key) {
        return line.replace(key, &letters(key));
    }
    let words: Vec<String> = line.split(' ').map(word).collect();
    waits(&words.join(" "))
}

fn word(word: &str) -> String {
    if is_code(word.trim_end_matches(']')) {
        return letters(word);
    }
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    if shape.contains("9999-99-99") {
        return shape.replace("9999-99-99", "YYYY-MM-DD");
    }
    if shape.contains("99:99") {
        return shape.replace("99:99:99", "HH:MM:SS").replace("99:99", "HH:MM");
    }
    if shape.contains("999999") {
        return shape.replace('9', "N");
    }
    word.to_owned()
}

/// Returns whether the text is a backup code, in any form in which a user may type it.
fn is_typed_code(text: &str) -> bool {
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    letters == 20 && text.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '-'))
}

fn letters(text: &str) -> String {
    let hidden = |c: char| match c {
        'A'..='Z' | '0'..='9' => 'X',
        'a'..='z' => 'x',
        other => other,
    };
    text.chars().map(hidden).collect()
}

/// Replaces waiting times in parentheses by `(N s)`, because they depend on the time at which the test runs.
fn waits(line: &str) -> String {
    let Some((before, rest)) = line.split_once('(') else { return line.to_owned() };
    let Some((inside, after)) = rest.split_once(')') else { return line.to_owned() };
    let is_wait = |word: &str| matches!(word, "s" | "min" | "in" | "om") || is_number(word);
    let all = inside.split(' ').all(is_wait) && inside.split(' ').any(is_number);
    let said = if inside.starts_with(|c: char| c.is_ascii_digit()) {
        ""
    } else {
        inside.get(..3).unwrap_or_default()
    };
    let inside = if all { format!("{said}N s") } else { inside.to_owned() };
    format!("{before}({inside}){}", waits(after))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}
