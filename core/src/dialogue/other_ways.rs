//! The menu behind `?`: other ways to sign in.

use crate::{
    answer::{self, Answer},
    message::{Message, Ways},
    policy::{Echo, Policy},
    ports::{Conversation, ConversationFault},
    request::Standing,
    text,
};

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// A code from the app after all.
    App,
    /// Nothing more.
    Stop,
    /// Something that is not offered.
    Nothing,
}

/// Shows the menu and takes one choice. Before a first factor is proven it offers all ways to everybody.
///
/// # Errors
/// [`ConversationFault`] when no answer came.
pub fn choose(
    policy: &Policy,
    conversation: &dyn Conversation,
    standing: Standing,
) -> Result<Chosen, ConversationFault> {
    let ways = match standing {
        Standing::Proven => Ways::AppOnly,
        Standing::Ahead | Standing::Decoy => Ways::All,
    };
    let menu = text::login(policy.language, &Message::OtherWays(ways));
    let typed = conversation.ask(&menu, Echo::Shown)?;
    Ok(match typed.text().trim() {
        "1" => Chosen::App,
        "2" if ways == Ways::All => backup_code(policy, conversation)?,
        "3" | "" => Chosen::Stop,
        _ => Chosen::Nothing,
    })
}

/// Asks for a backup code that nobody here can hold, as it asks those who may.
fn backup_code(
    policy: &Policy,
    conversation: &dyn Conversation,
) -> Result<Chosen, ConversationFault> {
    let prompt = text::login(policy.language, &Message::AskBackupCode);
    let typed = conversation.ask(&prompt, policy.echo)?;
    Ok(match answer::read(&typed) {
        Answer::Stop => Chosen::Stop,
        Answer::Help | Answer::Code(_) | Answer::Other => Chosen::Nothing,
    })
}
