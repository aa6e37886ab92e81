//! Lets the dialogues of a login talk to the user at the terminal of a command.

use std::cell::RefCell;

use twinlock_core::{
    base::secret::Typed,
    policy::Echo,
    ports::{Conversation, ConversationError},
};

use crate::terminal::keyboard::{InputLine, Keyboard, tell};

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
        match self.0.borrow_mut().ask(text) {
            Ok(InputLine::Typed(line)) => Ok(Typed::new(line.as_str().to_owned())),
            Ok(InputLine::End | InputLine::Interrupted) | Err(_) => Err(ConversationError),
        }
    }

    fn tell(&self, text: &str) {
        tell(text);
        tell("\n");
    }
}
