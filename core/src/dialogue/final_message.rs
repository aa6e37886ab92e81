//! Messages that a dialogue leaves until its end is logged.

use alloc::{string::String, vec::Vec};
use core::cell::RefCell;

use crate::{message::Message, policy::Policy, ports::Conversation, text};

/// Messages held back until the end. A user who kills the process at a later question has left a trace in the log by
/// then.
#[derive(Debug, Default)]
pub struct FinalMessage(RefCell<Vec<String>>);

impl FinalMessage {
    /// Holds a message back until the end.
    pub fn leave(&self, words: String) {
        self.0.borrow_mut().push(words);
    }

    /// Shows the messages after a granted login.
    pub fn tell(&self, conversation: &dyn Conversation) {
        if let Some(words) = self.take() {
            conversation.tell(&words);
        }
    }

    /// Shows the messages after a denied login, as the last words.
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
