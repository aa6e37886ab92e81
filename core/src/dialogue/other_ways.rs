//! The menu behind `?`: other ways to sign in.

use crate::{
    answer::{self, Answer},
    message::{Message, Ways},
    policy::{Echo, Policy},
    ports::{Conversation, ConversationError},
    text,
};

/// The choice from the menu.
#[derive(Debug)]
pub enum Chosen {
    /// A code from the app.
    App,
    /// A backup code, with the answer as it was typed.
    Backup(Answer),
    /// A ticket for new backup codes, with the answer as it was typed.
    Ticket(Answer),
    /// Log in, then change something.
    Change,
    /// Stop.
    Stop,
    /// Not in the menu.
    Nothing,
}

/// Shows the menu and reads one choice. After an invalid choice the menu is shown again, up to `tries` times in all.
///
/// # Errors
/// [`ConversationError`] if there is no answer.
pub fn choose(
    policy: &Policy,
    conversation: &dyn Conversation,
    ways: Ways,
) -> Result<Chosen, ConversationError> {
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
