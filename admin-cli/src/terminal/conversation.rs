//! Lets the dialogues of a login talk to the user at the terminal of a command.

use std::cell::RefCell;

use twinlock_core::{
    base::secret::Typed,
    policy::Echo,
    ports::{Conversation, ConversationError},
};

use crate::{
    terminal::keyboard::{InputLine, Keyboard, tell},
    text::{columns, wrap},
};

/// Number of columns to which the texts of dialogues are wrapped.
const WRAPPED: usize = 76;

/// A conversation through a keyboard and the screen.
pub(crate) struct Terminal<'a>(RefCell<&'a mut Keyboard>);

impl<'a> Terminal<'a> {
    /// Creates a conversation through this keyboard.
    pub(crate) fn new(keyboard: &'a mut Keyboard) -> Self {
        Self(RefCell::new(keyboard))
    }
}

impl Conversation for Terminal<'_> {
    fn ask(&self, text: &str, _: Echo) -> Result<Typed, ConversationError> {
        match self.0.borrow_mut().ask(&fitted(text)) {
            Ok(InputLine::Typed(line)) => Ok(Typed::new(line.as_str().to_owned())),
            Ok(InputLine::End | InputLine::Interrupted) | Err(_) => Err(ConversationError),
        }
    }

    fn tell(&self, text: &str) {
        tell(&fitted(text));
        tell("\n");
    }
}

/// Returns a text of a dialogue for this terminal. The texts are wrapped to 76 columns. On a narrower terminal, their
/// paragraphs are wrapped anew. The text may contain secrets, so the caller must only show it and not store it.
pub(crate) fn fitted(text: &str) -> String {
    fitted_to(text, columns())
}

fn fitted_to(text: &str, width: usize) -> String {
    if width >= WRAPPED || text.lines().all(|line| line.chars().count() <= width) {
        return text.to_owned();
    }
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let first = line.split(' ').next().unwrap_or_default();
        let goes_on = |last: &&mut String| {
            let end = last.rsplit('\n').next().unwrap_or_default();
            let whole = end.chars().count() + 1 + first.chars().count();
            // A line continues the line before it if its first word did not fit there, or if it begins within a
            // sentence.
            let is_middle = first.starts_with(char::is_lowercase);
            !first.is_empty() && !end.trim().is_empty() && (whole > WRAPPED || is_middle)
        };
        match lines.last_mut().filter(goes_on) {
            Some(last) => {
                last.push('\n');
                last.push_str(line);
            }
            None => lines.push(line.to_owned()),
        }
    }
    let refit = |paragraph: &String| {
        let whole = paragraph.replace('\n', " ");
        let indent = whole.chars().take_while(|letter| *letter == ' ').count();
        let end = if whole.ends_with(' ') { " " } else { "" };
        // Wrapping drops the blank after a prompt.
        format!("{}{end}", wrap(whole.trim_end(), width, indent))
    };
    lines.iter().map(refit).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_again_and_lists_and_pictures_are_not() {
        let wide = "\nThat was your last backup code. Before it is used up, here is your new code:\n\n    \
                    RIXE-CAID-SZPC-OUSB-OTBT\n\nIt works once, without your phone, and is shown only now. Write it \
                    down\nand keep it somewhere safe, not on this computer.\n  1  New backup codes\n\
                    Type the last four letters of the code to show that you have it: ";
        let narrow = fitted_to(wide, 60);
        assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
        assert!(
            narrow.contains("shown only now.\nWrite it down and keep it somewhere safe"),
            "{narrow}"
        );
        assert!(narrow.contains("\n\n    RIXE-CAID-SZPC-OUSB-OTBT\n\n"), "{narrow}");
        assert!(narrow.contains("computer.\n  1  New backup codes\nType"), "{narrow}");
        assert!(narrow.ends_with(": "), "{narrow:?}");
        assert_eq!(fitted_to(wide, 80), wide);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&narrow), words(wide));
        let picture = "██ ▄▄ ██\n██▄██▄██\n";
        assert_eq!(fitted_to(picture, 60), picture);
    }
}
