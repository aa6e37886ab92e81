//! Backup codes of a new user: shown if users enroll themselves, otherwise owed at the next login.

use std::io::IsTerminal;

use twinlock_core::{
    account::{Account, Folder},
    dialogue::{
        parting::Parting,
        set_up::{self, CodesShown},
        talk::Talk,
    },
    fault::StoreFault,
    message::new_codes::Why,
    ports::{Ledger, Seat},
    record::Generation,
    request::Source,
};

use crate::{actor, desk::Desk, exit::Failure, keyboard::Keyboard, terminal::Terminal};

/// Shows the codes to their owner, who has just proven the key; returns whether they are in force.
///
/// # Errors
/// [`Failure`] if nothing was shown: the codes are then owed at the next login.
pub fn show(
    desk: &Desk,
    account: &Account,
    generation: Generation,
    keyboard: &mut Keyboard,
) -> Result<CodesShown, Failure> {
    if desk.json || !std::io::stdin().is_terminal() {
        return Ok(CodesShown::Owed);
    }
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    let shelf = desk.machine.ledger.open(&Seat::Account(folder.clone()))?;
    let terminal = Terminal::new(keyboard);
    let source = Source::Uid(account.uid).label();
    let ports = desk.machine.ports(&terminal);
    let parting = Parting::default();
    let talk = Talk {
        policy: &desk.policy,
        ports,
        account,
        folder: &folder,
        shelf: shelf.as_ref(),
        service: "twinlock",
        source: &source,
        fingerprint: None,
        parting: &parting,
    };
    let host = ports.accounts.host_name();
    let why = Why::SetUp { user: account.name.clone(), host };
    let codes = set_up::codes_or_later(&talk, why, generation).codes;
    parting.tell(&terminal);
    if codes == CodesShown::InForce {
        actor::log(desk, "codes_renewed", &[("user", &account.name), ("shown", "owner")]);
    }
    Ok(codes)
}
