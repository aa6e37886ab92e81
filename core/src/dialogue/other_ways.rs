//! The menu behind `?`: other ways to sign in.

use crate::{
    answer::{self, Answer},
    message::{Message, Ways},
    policy::{Echo, Policy},
    ports::{Conversation, ConversationFault},
    text,
};

/// What was chosen.
#[derive(Debug)]
pub enum Chosen {
    /// A code from the app after all.
    App,
    /// A backup code; what was typed as one is an answer like any other.
    Backup(Answer),
    /// To sign in, and then to change something.
    Change,
    /// Nothing more.
    Stop,
    /// Something that is not offered.
    Nothing,
}

/// Shows the menu and takes one choice.
///
/// # Errors
/// [`ConversationFault`] when no answer came.
pub fn choose(
    policy: &Policy,
    conversation: &dyn Conversation,
    ways: Ways,
) -> Result<Chosen, ConversationFault> {
    let menu = text::login(policy.language, &Message::OtherWays(ways));
    let typed = conversation.ask(&menu, Echo::Shown)?;
    Ok(match typed.text().trim() {
        "1" => Chosen::App,
        "2" if ways != Ways::AppOnly => {
            let prompt = text::login(policy.language, &Message::AskBackupCode);
            Chosen::Backup(answer::read(&conversation.ask(&prompt, policy.echo)?))
        }
        "3" | "" => Chosen::Stop,
        "4" if ways != Ways::Everybodys => Chosen::Change,
        _ => Chosen::Nothing,
    })
}
