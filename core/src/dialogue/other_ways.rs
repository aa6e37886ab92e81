//! The menu of other ways to sign in, which the user opens with `?`.

use crate::{
    answer::{self, Answer},
    message::{Message, Ways},
    policy::{Echo, Policy},
    ports::{Conversation, ConversationError},
    text,
};

/// The user's choice from the menu of other ways to sign in.
#[derive(Debug)]
pub enum Chosen {
    /// The user wants to enter a code from the app.
    App,
    /// The user wants to use a backup code. Holds the answer to the prompt for it.
    Backup(Answer),
    /// The user wants to use a ticket for new backup codes. Holds the answer to the prompt for it.
    Ticket(Answer),
    /// The user wants to log in, and then to change backup codes or authenticators.
    Change,
    /// The user wants to cancel.
    Stop,
    /// The user made too many invalid choices.
    Nothing,
}

/// Shows the menu and reads one choice. After an invalid choice, shows the menu again, up to `tries` times in all.
///
/// # Errors
/// [`ConversationError`] if the user gives no answer.
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
