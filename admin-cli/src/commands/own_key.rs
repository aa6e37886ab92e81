//! `twinlock change`: replaces the acting user's own authenticator after two codes; the old one stays valid until the
//! new one is proven.

use serde_json::json;
use twinlock_core::{
    dialogue::self_service::{self, Served},
    ports::Records,
};

use crate::{
    acting::Acting,
    actor,
    commands::own_codes,
    desk::Desk,
    exit::{Exit, Failure},
    own_code::Ways,
    successor::active,
    verbs::Change,
    wording::plain,
};

/// Replaces an authenticator of the acting user.
pub fn run(desk: &Desk, wanted: &Change) -> Result<(), Failure> {
    desk.need_root("change authenticators")?;
    let mut acting = Acting::of(desk)?;
    let account = desk.account(&wanted.user)?;
    let found = desk.machine.records.newest(&account)?;
    if active(found).is_none() {
        return Err(not_set_up(&account.name));
    }
    let Some(oneself) = acting.oneself(&account.name) else {
        return Err(of_another(&account.name));
    };
    let served = own_codes::talk_about_oneself(desk, oneself, (Ways::All, &mut self_service::key))?;
    let user = plain(&account.name);
    if served == Served::Nothing {
        desk.say("Nothing was changed.", json!({ "user": account.name, "changed": false }));
        return Ok(());
    }
    actor::log(desk, "key_changed", &[("user", &account.name)]);
    let said = format!("The old authenticator of {user} works no more.");
    desk.say(&said, json!({ "user": account.name, "changed": true }));
    Ok(())
}

fn not_set_up(user: &str) -> Failure {
    let user = plain(user);
    Failure::new(
        Exit::NotInState,
        format!("{user} is not enrolled: there is nothing to change"),
        format!("To enroll: twinlock enroll {user}"),
    )
}

/// Refuses to change another user's key: the caller would then have both factors of that user.
fn of_another(user: &str) -> Failure {
    let user = plain(user);
    Failure::new(
        Exit::NotAllowed,
        format!("only {user} changes the authenticator of {user}"),
        format!("At the login: ? and then 4. Is the phone lost? twinlock reset {user}"),
    )
}
