//! Last words: what a dialogue leaves to be said once its end stands in the log.

use alloc::{string::String, vec::Vec};
use core::cell::RefCell;

use crate::{message::Message, policy::Policy, ports::Conversation, text};

/// Words that wait for the end: whoever is killed at a question behind them has left a trace by then.
#[derive(Debug, Default)]
pub struct Parting(RefCell<Vec<String>>);

impl Parting {
    /// Leaves words for the end.
    pub fn leave(&self, words: String) {
        self.0.borrow_mut().push(words);
    }

    /// Tells somebody who got in.
    pub fn tell(&self, conversation: &dyn Conversation) {
        if let Some(words) = self.take() {
            conversation.tell(&words);
        }
    }

    /// Says them to somebody who did not, as the last words of the login.
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
