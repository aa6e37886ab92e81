//! Terminal conversation of a command, as the login dialogues expect it.

use std::cell::RefCell;

use twinlock_core::{
    policy::Echo,
    ports::{Conversation, ConversationFault},
    secret::Typed,
};

use crate::keyboard::{Keyboard, Line, tell};

/// The terminal.
pub struct Terminal<'a>(RefCell<&'a mut Keyboard>);

impl<'a> Terminal<'a> {
    /// Creates a conversation with the user of this keyboard.
    pub fn new(keyboard: &'a mut Keyboard) -> Self {
        Self(RefCell::new(keyboard))
    }
}

impl Conversation for Terminal<'_> {
    fn ask(&self, text: &str, _: Echo) -> Result<Typed, ConversationFault> {
        match self.0.borrow_mut().ask(text) {
            Ok(Line::Typed(line)) => Ok(Typed::new(line.as_str().to_owned())),
            Ok(Line::End | Line::Interrupted) | Err(_) => Err(ConversationFault),
        }
    }

    fn tell(&self, text: &str) {
        tell(text);
        tell("\n");
    }
}
