//! Messages that are shown only after the end of the login is logged.

use alloc::{string::String, vec::Vec};
use core::cell::RefCell;

use crate::{message::Message, policy::Policy, ports::Conversation, text};

/// Messages that are held back until the end of the login is logged. A client may show such a message as a question and
/// wait for Enter. If the log line were written only after that, the user could kill the process at the question, and
/// nothing would be logged.
#[derive(Debug, Default)]
pub struct FinalMessage(RefCell<Vec<String>>);

impl FinalMessage {
    /// Holds a message back until the login is logged.
    pub fn leave(&self, words: String) {
        self.0.borrow_mut().push(words);
    }

    /// Shows the held-back messages after a granted login.
    pub fn tell(&self, conversation: &dyn Conversation) {
        if let Some(words) = self.take() {
            conversation.tell(&words);
        }
    }

    /// Shows the held-back messages as the last messages of a denied login.
    pub fn say(&self, policy: &Policy, conversation: &dyn Conversation) {
        if let Some(words) = self.take() {
            conversation.say_last(&words, &text::login(policy.language, &Message::PressEnter));
        }
    }

    fn take(&self) -> Option<String> {
        let all = self.0.take();
        (!all.is_empty()).then(|| all.join("\n"))
    }
}
