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
    /// A ticket for new backup codes; what was typed as one is an answer like any other.
    Ticket(Answer),
    /// To sign in, and then to change something.
    Change,
    /// Nothing more.
    Stop,
    /// Something that is not offered.
    Nothing,
}

/// Shows the menu and takes one choice; what is none of them is asked again, as often as a code is.
///
/// # Errors
/// [`ConversationFault`] when no answer came.
pub fn choose(
    policy: &Policy,
    conversation: &dyn Conversation,
    ways: Ways,
) -> Result<Chosen, ConversationFault> {
    let menu = text::login(policy.language, &Message::OtherWays(ways));
    let mut question = menu.clone();
    for _ in 0..policy.tries {
        match conversation.ask(&question, Echo::Shown)?.text().trim() {
            "1" => return Ok(Chosen::App),
            "2" if matches!(ways, Ways::Everybodys | Ways::WithCodes) => {
                let prompt = text::login(policy.language, &Message::AskBackupCode);
                let typed = conversation.ask(&prompt, policy.backup_codes.echo)?;
                return Ok(Chosen::Backup(answer::read(&typed)));
            }
            "3" => return Ok(Chosen::Stop),
            "4" if ways != Ways::Everybodys => return Ok(Chosen::Change),
            "5" if ways == Ways::WithTicket => {
                let prompt = text::login(policy.language, &Message::AskTicket);
                let typed = conversation.ask(&prompt, Echo::Shown)?;
                return Ok(Chosen::Ticket(answer::read(&typed)));
            }
            _ => {
                let again = text::login(policy.language, &Message::NotAChoice);
                question = alloc::format!("{again}{menu}");
            }
        }
    }
    Ok(Chosen::Nothing)
}
