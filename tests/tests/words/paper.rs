//! A transcript with placeholders for texts that vary, compared with a file.

use twinlock_tests::{golden, placed};

/// Patterns of texts that vary, each with the placeholder that replaces it. [`placed`] explains the patterns.
const PLACEHOLDERS: [(&str, &str); 12] = [
    ("9999-99-99 99:99:99 UTC", "<INSTANT>"),
    ("9999-99-99T99:99:99Z", "<STAMP>"),
    // For a line that is wrapped before the last word, `UTC`.
    ("9999-99-99 99:99:99", "<INSTANT>"),
    ("9999-99-99 99:99", "<MINUTE>"),
    ("9999-99-99", "<DATE>"),
    ("99:99:99 UTC", "<CLOCK>"),
    ("AAAA-AAAA-AAAA-AAAA-AAAA", "<BACKUP CODE>"),
    ("AAAA-AAAA-AAAA", "<TICKET>"),
    ("999 999 999", "<BYPASS>"),
    ("1999999999", "<TIME>"),
    ("(99 s)", "(<WAIT>)"),
    ("(9 s)", "(<WAIT>)"),
];

/// A transcript of commands and their output, to be compared with the golden file.
pub struct Paper {
    name: String,
    text: String,
}

impl Paper {
    /// Creates an empty transcript.
    pub fn new(name: &str) -> Paper {
        Paper { name: name.to_owned(), text: String::new() }
    }

    /// Adds a command line and its input `typed` to the transcript. `how` says where the command runs, such as
    /// `terminal`.
    pub fn command(&mut self, how: &str, words: &str, typed: &[&str]) {
        let bare = |line: &&str| line.trim_start_matches('<').trim_end_matches('>').to_owned();
        let typed = typed.iter().map(|line| format!(" <{}>", bare(line))).collect::<String>();
        let words = format!("twinlock {words}");
        self.text += &format!("$ {}    # on a {how}{typed}\n", words.trim_end());
    }

    /// Adds output of the command to the transcript. `where_to` names the stream or terminal. Codes in `typed` are
    /// replaced.
    pub fn said(&mut self, where_to: &str, text: &str, typed: &[String]) {
        let mut text = left_standing(text);
        let codes = typed.iter().filter(|line| line.len() == 6 && line.parse::<u32>().is_ok());
        for code in codes {
            text = text.replace(code, "<CODE>");
        }
        for line in placed(&text, &PLACEHOLDERS).lines() {
            self.text += &format!("{where_to}|{line}\n");
        }
    }

    /// Adds the exit status of the command.
    pub fn exit(&mut self, code: Option<i32>) {
        self.text += &format!("exit {}\n\n", code.unwrap_or(-1));
    }

    /// Compares the transcript with its file.
    #[track_caller]
    pub fn compare(self) {
        golden(&format!("vectors/verbs/{}.txt", self.name), &self.text);
    }
}

/// Returns the text that a terminal finally shows. Text after a carriage return overwrites the line before it.
fn left_standing(text: &str) -> String {
    let line = |line: &str| {
        let mut shown: Vec<char> = Vec::new();
        for part in line.trim_end_matches('\r').split('\r') {
            let erased = part.strip_prefix("\x1b[K");
            if erased.is_some() {
                shown.clear();
            }
            let part: Vec<char> = erased.unwrap_or(part).chars().collect();
            let rest = shown.iter().skip(part.len()).copied().collect::<Vec<_>>();
            shown = [part, rest].concat();
        }
        shown.into_iter().collect::<String>()
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
