//! `twinlock explain USER@ADDRESS`: explains what a login would do, step by step, and which rules have no effect.

mod door;
mod line;
mod robots;
mod rules;

use std::net::IpAddr;

use serde_json::{Value, json};
use twinlock_core::{
    account::{Account, Membership},
    admission::{self, AccountState, Admission, Known, Offer, Without},
    event::Reason,
    facts,
    fault::{LedgerFault, LookupFault, StoreFault},
    ledger::Budget,
    policy::{NotEnrolled, TicketNeed},
    ports::{Accounts, Ledger, Records, Seat, Snapshot},
    record::{Moving, State},
    request::{PublicKey, Source, SourceLabel},
    rules::{Decided, Subject},
    time::{Now, UnixTime},
};

use line::{Comes, Talks};
use twinlock_doctor::judge::not_root::SERVICES;

use crate::{
    commands::why::{self, Waiting},
    desk::Desk,
    exit::{Exit, Failure},
    reasons,
    wording::{WIDTH, count, date, instant, plain, wrap},
};

/// A possible login.
pub struct Login<'a> {
    /// The account.
    pub account: &'a Account,
    /// The PAM service.
    pub service: &'a str,
    /// The client's address, if there is one.
    pub address: Option<IpAddr>,
    /// Time of the login.
    pub now: Now,
}

/// Explanation of one step, as text and as JSON.
pub struct Step {
    /// Lines of text.
    pub lines: Vec<String>,
    /// The JSON object.
    pub object: Value,
}

/// Explains one login.
pub fn run(desk: &Desk, login: &str, service: &str) -> Result<(), Failure> {
    desk.need_root("see what would become of people's logins")?;
    let (user, address) = taken_apart(login)?;
    let account = desk.account(user)?;
    let login = Login { account: &account, service, address, now: desk.now()? };
    let door = door::look(&login);
    let (decided, rules) = rules::walk(desk, &login);
    let found = desk.machine.records.newest(&account);
    let record = record(desk, &login, &found);
    let throttle = throttle(desk, &login, found.as_ref().ok().and_then(Option::as_ref));
    let stack = line::look(desk, &login, door.public_key);
    let seen = Seen { decided, record: &found, public_key: door.public_key };
    let end = match door.beside_pam {
        Some(said) => step(("without_pam", None), said),
        None => robots::told(come_to(desk, &login, (&stack.comes, seen)), &login, door.asks),
    };
    print(
        desk,
        &login,
        [
            ("sshd", door.step),
            ("pam", stack.step),
            ("rules", rules),
            ("record", record),
            ("throttle", throttle),
            ("end", end),
        ],
    )
}

/// Results of the steps before the last.
struct Seen<'a> {
    decided: Result<Decided, LookupFault>,
    record: &'a Result<Option<Snapshot>, StoreFault>,
    public_key: PublicKey,
}

/// Explains the end of a login that reaches PAM.
fn come_to(desk: &Desk, login: &Login<'_>, (comes, seen): (&Comes, Seen<'_>)) -> Step {
    let (policy, talks) = match comes {
        Comes::ToJudge(policy, talks) => (policy.as_ref(), *talks),
        Comes::ToRefusal => {
            let said = "refused (pam_line): a PAM line cannot be used. twinlock doctor ssh says what to write";
            return step(("refuse", Some("pam_line")), said);
        }
        Comes::Past => {
            return step(
                ("no_line", None),
                "no code is asked for: no line of this service judges one",
            );
        }
    };
    let found = seen.record.as_ref().map(Option::as_ref).map_err(|fault| *fault);
    let known = Known {
        account: AccountState::Exists { uid: login.account.uid },
        decided: seen.decided,
        record: found.map(|found| found.map(|found| &found.record)),
        policy,
        public_key: seen.public_key,
        now: login.now,
    };
    let admission = match talks {
        Talks::Freely => admission::admit(&known),
        Talks::OneCode => admission::admit(&known).without_set_up(),
        Talks::CodeOnly => admission::admit(&known).with_code_only(),
    };
    if SERVICES.contains(&login.service) && !matches!(admission, Admission::Exempt(_)) {
        return not_root(login);
    }
    end(desk, &plain(&login.account.name), (admission, found.ok().flatten()))
}

/// Explains the end of a login by a program that does not run as root, as its service shows.
fn not_root(login: &Login<'_>) -> Step {
    let word = Reason::CallerNotRoot { uid: login.account.uid }.word();
    let explained = reasons::explain(word, &plain(&login.account.name));
    let said = format!("refused ({word}): {}. {}", explained.meaning, explained.remedy);
    step(("refuse", Some(word)), said.trim_end_matches('.'))
}

fn step((word, reason): (&str, Option<&str>), said: &str) -> Step {
    Step {
        lines: vec![format!("So: {said}.")],
        object: json!({ "decision": word, "reason": reason, "key_to_change": false }),
    }
}

fn print(desk: &Desk, login: &Login<'_>, steps: [(&str, Step); 6]) -> Result<(), Failure> {
    let address = login.address.map(|address| address.to_string());
    if desk.json {
        let mut object = json!({
            "user": login.account.name, "uid": login.account.uid,
            "service": login.service, "address": address,
        });
        if let Some(fields) = object.as_object_mut() {
            fields.extend(steps.into_iter().map(|(name, step)| (name.to_owned(), step.object)));
        }
        return desk.print(&format!("{object}\n"));
    }
    let from =
        address.map_or_else(|| "without an address".into(), |address| format!("from {address}"));
    let full_name = match login.account.full_name.as_str() {
        "" => String::new(),
        name => format!(" ({})", plain(name)),
    };
    let head = format!(
        "{}{full_name}, user id {}, by {} {from}:",
        plain(&login.account.name),
        login.account.uid,
        plain(login.service)
    );
    let lines = steps.into_iter().flat_map(|(_, step)| step.lines);
    let text: Vec<String> =
        std::iter::once(head).chain(lines).map(|line| wrap(&line, WIDTH, 4)).collect();
    desk.print(&format!("{}\n", text.join("\n")))
}

/// Splits `ada@203.0.113.7` or `ada`; a name may contain an `@`.
fn taken_apart(login: &str) -> Result<(&str, Option<IpAddr>), Failure> {
    match login.rsplit_once('@').map(|(user, address)| (user, address.parse())) {
        Some((user, Ok(address))) => Ok((user, Some(address))),
        Some((_, Err(_))) if !login.ends_with('@') && login.matches('@').count() > 1 => {
            Ok((login, None))
        }
        Some((user, Err(_))) => Err(Failure::new(
            Exit::Usage,
            format!("what stands behind {}@ is no address", plain(user)),
            "Write it literally, such as ada@203.0.113.7 or ada@2001:db8::7: names are not looked up.",
        )),
        None => Ok((login, None)),
    }
}

fn record(desk: &Desk, login: &Login<'_>, found: &Result<Option<Snapshot>, StoreFault>) -> Step {
    let (word, said) = match found {
        Err(fault) => {
            let explained = reasons::explain(fault.reason(), &plain(&login.account.name));
            (fault.reason(), format!("Record: {}. {}", explained.meaning, explained.remedy))
        }
        Ok(None) => ("none", "Record: none, and that is proven.".into()),
        Ok(Some(found)) => match found.record.state {
            State::Active => ("enrolled", enrolled(found)),
            State::Pending => ("pending", pending(found, login.now.unix)),
            State::Removed => ("removed", "Record: removed, as if there were none.".into()),
        },
    };
    let setting = match desk.policy.not_enrolled {
        NotEnrolled::Deny => "deny",
        NotEnrolled::Enroll => "enroll",
        NotEnrolled::Remind => "remind",
        NotEnrolled::Allow => "allow",
    };
    let mut lines = vec![said];
    if word != "enrolled" {
        lines.push(format!("Settings: not_enrolled = \"{setting}\" for who has no record."));
    }
    Step { lines, object: json!({ "state": word, "not_enrolled": setting }) }
}

fn enrolled(found: &Snapshot) -> String {
    let apps = &found.record.authenticators;
    let tokens = apps.iter().filter(|one| matches!(one.moving, Moving::Counter { .. })).count();
    let codes = if found.record.codes.is_some() { ", and backup codes" } else { "" };
    let tokens = if tokens > 0 { format!(" ({} with a button)", tokens) } else { String::new() };
    format!("Record: enrolled, with {}{tokens}{codes}.", count(apps.len(), "authenticator"))
}

fn pending(found: &Snapshot, now: UnixTime) -> String {
    let beside = &found.record.beside;
    let works = beside.tickets.iter().filter(|ticket| now < ticket.voucher.until).count();
    let tickets =
        if works == 1 { "1 ticket works".into() } else { format!("{works} tickets work") };
    match &beside.reset {
        Some(trace) => format!("Record: reset by {}, {tickets}.", plain(&trace.by)),
        None => format!("Record: set-up is not finished, {tickets}."),
    }
}

/// Returns what the throttle would decide about the next code from a source, after a proven first factor.
fn weighed(
    desk: &Desk,
    login: &Login<'_>,
    (found, source): (Option<&Snapshot>, SourceLabel),
) -> Result<Option<Waiting>, LedgerFault> {
    let shelf = desk.machine.ledger.open(&Seat::of(Some(login.account), &login.account.name))?;
    let facts = facts::read(shelf.as_ref(), None)?;
    Ok(why::of_source(desk, &facts, (found, login.now.unix), (Budget::Proven, source)))
}

fn throttle(desk: &Desk, login: &Login<'_>, found: Option<&Snapshot>) -> Step {
    let source = match (login.address, login.service) {
        (Some(address), _) => Source::address(address),
        (None, "sudo" | "sudo-i") => Source::Uid(login.account.uid),
        (None, _) => Source::Unknown,
    };
    if source == Source::Unknown {
        let said = "Throttle: wrong codes are counted by who calls; twinlock why tells of all.";
        return Step { lines: vec![said.into()], object: json!({ "state": null, "until": null }) };
    }
    let (word, until, said) = match weighed(desk, login, (found, source.label())) {
        Err(fault) => {
            let meaning = reasons::explain(fault.reason(), "").meaning;
            (fault.reason(), None, format!("Throttle: {meaning}: every code is refused."))
        }
        Ok(None) => ("open", None, "Throttle: the next code from there is judged.".into()),
        Ok(Some(waiting)) => match waiting.until {
            Some(until) => (
                "throttled",
                Some(until.0),
                format!(
                    "Throttle: too many wrong codes from there; the next is judged at {}.",
                    instant(until)
                ),
            ),
            None => (
                "locked",
                None,
                format!(
                    "Throttle: too many wrong codes in a row; twinlock unlock {}",
                    plain(&login.account.name)
                ),
            ),
        },
    };
    Step { lines: vec![said], object: json!({ "state": word, "until": until }) }
}

/// Explains what the user will be asked, and what that needs.
fn end(desk: &Desk, user: &str, (admission, found): (Admission, Option<&Snapshot>)) -> Step {
    let (word, reason, said) = match admission {
        Admission::Ask => ("ask", None, asked(found)),
        Admission::Exempt(reason) => {
            ("exempt", Some(reason.word()), format!("no code is asked for ({})", reason.word()))
        }
        Admission::Refuse(reason) => {
            let explained = reasons::explain(reason.word(), user);
            let said =
                format!("refused ({}): {}. {}", reason.word(), explained.meaning, explained.remedy);
            ("refuse", Some(reason.word()), said)
        }
        Admission::SetUp(offer) => ("set_up", None, offered(offer)),
    };
    let grace = match desk.policy.handover_logins {
        0 => "at once".to_owned(),
        more => format!("within {}", count(usize::from(more), "login")),
    };
    let seen =
        found.is_some_and(|found| found.record.authenticators.iter().any(|one| one.seen.is_some()));
    let seen = seen && matches!(admission, Admission::Ask);
    let mut lines = vec![format!("So: {}.", said.trim_end_matches('.'))];
    if seen {
        lines.push(format!(
            "After a right code: a new key, since somebody else has seen this one, {grace}."
        ));
    }
    Step { lines, object: json!({ "decision": word, "reason": reason, "key_to_change": seen }) }
}

fn asked(found: Option<&Snapshot>) -> String {
    let codes = found.is_some_and(|found| found.record.codes.is_some());
    match codes {
        true => "a code of an authenticator is asked for, or a backup code".into(),
        false => "a code of an authenticator is asked for".into(),
    }
}

fn offered(offer: Offer) -> String {
    let ticket = match offer.ticket {
        TicketNeed::Needed => "with a ticket",
        TicketNeed::Free => "without a ticket",
    };
    match offer.without {
        Without::Refused => format!("set-up is offered, {ticket}; without it the login is refused"),
        Without::LetThrough(None) => {
            format!("set-up is offered, {ticket}; without it the login goes on without a code")
        }
        Without::LetThrough(Some(until)) => format!(
            "set-up is offered, {ticket}; without it the login goes on without a code, until {}",
            date(until)
        ),
    }
}

/// Returns what the rules are matched against.
pub fn subject<'a>(login: &Login<'a>) -> Subject<'a> {
    Subject {
        account: login.account,
        service: login.service,
        address: login.address,
        now: login.now.unix,
    }
}

/// Returns a group's membership as the rules ask for it.
pub fn membership(
    desk: &Desk,
) -> impl FnMut(&Account, &str) -> Result<Membership, LookupFault> + '_ {
    |account, group| desk.machine.accounts.membership(account, group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_name_and_perhaps_an_address() {
        let address = |text: &str| Some(text.parse().unwrap());
        assert_eq!(taken_apart("ada@203.0.113.7"), Ok(("ada", address("203.0.113.7"))));
        assert_eq!(taken_apart("ada@2001:db8::7"), Ok(("ada", address("2001:db8::7"))));
        assert_eq!(taken_apart("a@b@::1"), Ok(("a@b", address("::1"))));
        assert_eq!(taken_apart("ada"), Ok(("ada", None)));
        assert_eq!(taken_apart("ada@web01").unwrap_err().exit, Exit::Usage);
        assert_eq!(taken_apart("ada@").unwrap_err().exit, Exit::Usage);
    }
}
