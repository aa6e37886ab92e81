//! `twinlock invite USER`: a ticket with which somebody sets up an app at a login, so that nobody else sees the key.

use serde_json::json;
use twinlock_core::{
    account::Account,
    beside::{Purpose, Trace},
    enrolment,
    ports::{Records, Snapshot},
};
use twinlock_host::prepare;

use crate::{
    acting,
    actor::{self, Who},
    desk::Desk,
    exit::{Exit, Failure},
    successor::{active, put},
    ticket::{Drawn, Message},
    verbs::Invite,
    wording::plain,
};

/// The longest address (RFC 5321 section 4.5.3.1.3).
const ADDRESS_MAX: usize = 254;

/// Gives a ticket to somebody who has no authenticator.
pub fn run(desk: &Desk, wanted: &Invite) -> Result<(), Failure> {
    desk.need_root("invite people")?;
    let reason = wanted.reason.as_deref();
    let reason = reason.map(|text| acting::sentence("--reason", text)).transpose()?;
    wanted.mail.as_deref().map(check_address).transpose()?;
    let account = desk.account(&wanted.user)?;
    if account.uid == 0 {
        return Err(root_has_no_ticket());
    }
    prepare::prepare_store(&desk.machine)?;
    if active(desk.machine.records.newest(&account)?).is_some() {
        return Err(set_up_already(&account.name));
    }
    let drawn = invite(desk, &account, wanted.mail.as_deref())?;
    let mut pairs = vec![("user", account.name.as_str())];
    pairs.extend(reason.as_deref().map(|reason| ("reason", reason)));
    actor::log(desk, "invited", &pairs);
    let user = plain(&account.name);
    let message = Message {
        done: &format!("{user} is invited."),
        todo: &format!(
            "{user} logs in as usual, types it where a code is asked for, and sets up an app."
        ),
        object: json!({ "user": account.name, "state": "pending" }),
    };
    drawn.deliver(desk, &account, message)
}

fn invite(desk: &Desk, account: &Account, mail: Option<&str>) -> Result<Drawn, Failure> {
    let stamp = desk.stamp()?;
    let trace = Trace { by: acting::name_of(desk, Who::acts()), at: stamp.1 };
    let drawn = Drawn::new(Purpose::SetUp, trace)?;
    let mut decide = |found: Option<Snapshot>| {
        let before = found.map(|found| found.record);
        let mut record = enrolment::begun(account, before, stamp);
        if record.generation != stamp.0 {
            return Err(set_up_already(&account.name));
        }
        if let Some(mail) = mail {
            record.beside.mail = Some(mail.to_owned());
        }
        drawn.give(&mut record.beside);
        Ok(record)
    };
    put(desk, account, &mut decide, &|record| drawn.is_in(record))?;
    Ok(drawn)
}

/// Whether an address can be written to: what is odd in it would be a mail header's, or a program's, to misread.
pub fn check_address(address: &str) -> Result<(), Failure> {
    let part = |part: &str| {
        let odd = |letter: char| !letter.is_ascii_graphic() || "()<>[]:;,\\\"".contains(letter);
        !part.is_empty() && !part.contains(odd)
    };
    let fits = address.len() <= ADDRESS_MAX && !address.starts_with('-');
    match address.split_once('@') {
        Some((name, domain)) if fits && part(name) && part(domain) && !domain.contains('@') => {
            Ok(())
        }
        _ => Err(Failure::new(
            Exit::Usage,
            format!("{} is no mail address", plain(address)),
            "Give one like ada@example.com.",
        )),
    }
}

fn set_up_already(user: &str) -> Failure {
    let user = plain(user);
    Failure::new(
        Exit::NotInState,
        format!("{user} is set up already"),
        format!("Where the phone is lost: twinlock reset {user}"),
    )
}

fn root_has_no_ticket() -> Failure {
    Failure::new(
        Exit::NotInState,
        "root is never set up at a login, so a ticket would open nothing",
        "Set root up here: twinlock enroll root",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_taken() {
        for address in ["ada@example.com", "a.b+c@x", "ada@localhost"] {
            assert!(check_address(address).is_ok(), "{address}");
        }
        for address in [
            "ada",
            "@x",
            "ada@",
            "a@b@c",
            "a b@c",
            "-t@x",
            "a@b\nBcc: c@d",
            "<a@b>",
            "a,b@c",
            "å@b",
        ] {
            assert!(check_address(address).is_err(), "{address}");
        }
    }
}
