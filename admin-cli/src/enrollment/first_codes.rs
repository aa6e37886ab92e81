//! Shows the backup codes of a new user: at once to a user who enrolls at a terminal; otherwise the next login shows
//! them.

use std::io::IsTerminal;

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::StoreError,
        request::Source,
    },
    dialogue::{
        context::DialogueContext,
        final_message::FinalMessage,
        set_up::{self, CodesShown},
    },
    message::new_codes::Why,
    ports::{Ledger, LedgerKey},
    record::Generation,
};

use crate::{
    authorize::actor,
    context::Context,
    error::exit::CliError,
    terminal::{conversation::Terminal, keyboard::Keyboard},
};

/// Shows new backup codes to the user, who has just verified the new key. Returns whether they are valid now; if not,
/// the next login shows others. Without a terminal, none are shown now.
///
/// # Errors
/// [`CliError`] if the ledger cannot be opened. No codes were shown then, and the next login shows them.
pub(crate) fn show(
    context: &Context,
    account: &Account,
    generation: Generation,
    keyboard: &mut Keyboard,
) -> Result<CodesShown, CliError> {
    if context.json || !std::io::stdin().is_terminal() {
        return Ok(CodesShown::Owed);
    }
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    let user_ledger = context.machine.ledger.open(&LedgerKey::Account(folder.clone()))?;
    let terminal = Terminal::new(keyboard);
    let source = Source::Uid(account.uid).label();
    let ports = context.machine.ports(&terminal);
    let final_message = FinalMessage::default();
    let talk = DialogueContext {
        policy: &context.policy,
        ports,
        account,
        folder: &folder,
        user_ledger: user_ledger.as_ref(),
        service: "twinlock",
        source: &source,
        fingerprint: None,
        final_message: &final_message,
    };
    let host = ports.accounts.host_name();
    let why = Why::SetUp { user: account.name.clone(), host };
    let codes = set_up::codes_or_later(&talk, why, generation).codes;
    final_message.tell(&terminal);
    if codes == CodesShown::InForce {
        actor::log(context, "codes_renewed", &[("user", &account.name), ("shown", "owner")]);
    }
    Ok(codes)
}
