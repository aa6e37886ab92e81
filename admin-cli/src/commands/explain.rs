//! `twinlock explain USER@ADDRESS`: says step by step what would happen at a login, and which rules have no effect.

mod door;
mod line;
mod offered;
mod robots;
mod rules;

use std::net::IpAddr;

use serde_json::{Value, json};
use twinlock_core::{
    base::{
        account::{Account, Membership},
        error::{LedgerError, LookupError, StoreError},
        request::{PublicKey, Source, SourceLabel},
        time::{Now, UnixTime},
    },
    event::Reason,
    ledger::Budget,
    policy::{
        NotEnrolled,
        admission::{self, AccountState, Admission, AdmissionInput},
        rules::{Decided, Subject},
    },
    ports::{Accounts, Ledger, LedgerKey, Records, Snapshot},
    record::{MovingFactor, State},
    verify::history,
};

use line::{Comes, Talks};
use twinlock_doctor::judge::not_root::SERVICES;

use crate::{
    commands::why::{self, WaitingSource},
    context::Context,
    error::{
        exit::{CliError, Exit},
        refusal_messages,
    },
    text::{WIDTH, count, instant, plain, wrap},
};

/// The login that is explained.
pub(crate) struct ExplainedLogin<'a> {
    /// Account of the user who logs in.
    pub(crate) account: &'a Account,
    /// Name of the PAM service of the login.
    pub(crate) service: &'a str,
    /// IP address of the client; `None` for a local login.
    pub(crate) address: Option<IpAddr>,
    /// Time of the login.
    pub(crate) now: Now,
}

/// The explanation of one step, as text and as JSON.
pub(crate) struct ExplainStep {
    /// The explanation as lines of text for users.
    pub(crate) lines: Vec<String>,
    /// The same explanation for programs, as a JSON object.
    pub(crate) object: Value,
}

/// Explains a login. `login` is `USER@ADDRESS` or `USER`, and `service` the PAM service.
pub(crate) fn run(context: &Context, login: &str, service: &str) -> Result<(), CliError> {
    context.need_root("explain logins")?;
    let (user, address) = taken_apart(login)?;
    let account = context.account(user)?;
    let login = ExplainedLogin { account: &account, service, address, now: context.now()? };
    let door = door::look(&login);
    let (decided, rules) = rules::walk(context, &login);
    let found = context.machine.records.newest(&account);
    let record = record(context, &login, &found);
    let throttle = throttle(context, &login, found.as_ref().ok().and_then(Option::as_ref));
    let stack = line::look(context, &login, door.public_key);
    let seen = Seen { decided, record: &found, public_key: door.public_key };
    let end = match door.beside_pam {
        Some(said) => step("without_pam", None, said),
        None => robots::told(come_to(context, &login, &stack.comes, seen), &login, door.asks),
    };
    print(
        context,
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

/// Results of earlier steps that the last step needs.
struct Seen<'a> {
    decided: Result<Decided, LookupError>,
    record: &'a Result<Option<Snapshot>, StoreError>,
    public_key: PublicKey,
}

/// Explains the last step of a login that reaches PAM: whether a code is asked for, set-up is offered, or the login is
/// refused. `comes` says how the login goes on after the PAM lines.
fn come_to(
    context: &Context,
    login: &ExplainedLogin<'_>,
    comes: &Comes,
    seen: Seen<'_>,
) -> ExplainStep {
    let (policy, talks) = match comes {
        Comes::ToJudge(policy, talks) => (policy.as_ref(), *talks),
        Comes::ToRefusal => {
            let said = "refused (pam_line): a PAM line cannot be used. twinlock doctor ssh says what to write";
            return step("refuse", Some("pam_line"), said);
        }
        Comes::Past => {
            return step(
                "no_line",
                None,
                "no code is asked for: no PAM line of this service verifies one",
            );
        }
    };
    let found = seen.record.as_ref().map(Option::as_ref).map_err(|fault| *fault);
    let known = AdmissionInput {
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
    let admission = match SERVICES.contains(&login.service) {
        // The agent asks for a code and for nothing else.
        true if context.policy.agent.lockers => admission.without_set_up(),
        true if !matches!(admission, Admission::Exempt(_)) => return not_root(login),
        true | false => admission,
    };
    end(context, &plain(&login.account.name), admission, found.ok().flatten())
}

/// Explains the last step of a login through a service whose program does not run as root: the module refuses it.
fn not_root(login: &ExplainedLogin<'_>) -> ExplainStep {
    let word = Reason::CallerNotRoot { uid: login.account.uid }.word();
    let explained = refusal_messages::explain(word, &plain(&login.account.name));
    let said = format!("refused ({word}): {}. {}", explained.meaning, explained.remedy);
    step("refuse", Some(word), said.trim_end_matches('.'))
}

fn step(word: &str, reason: Option<&str>, said: &str) -> ExplainStep {
    ExplainStep {
        lines: vec![format!("So: {said}.")],
        object: json!({ "decision": word, "reason": reason, "key_to_change": false }),
    }
}

fn print(
    context: &Context,
    login: &ExplainedLogin<'_>,
    steps: [(&str, ExplainStep); 6],
) -> Result<(), CliError> {
    let address = login.address.map(|address| address.to_string());
    if context.json {
        let mut object = json!({
            "user": login.account.name, "uid": login.account.uid,
            "service": login.service, "address": address,
        });
        if let Some(fields) = object.as_object_mut() {
            fields.extend(steps.into_iter().map(|(name, step)| (name.to_owned(), step.object)));
        }
        return context.print(&format!("{object}\n"));
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
    context.print(&format!("{}\n", text.join("\n")))
}

/// Splits `ada@203.0.113.7` or `ada` into the user name and the address, which is `None` for the second form. The user
/// name may contain an `@`.
fn taken_apart(login: &str) -> Result<(&str, Option<IpAddr>), CliError> {
    match login.rsplit_once('@').map(|(user, address)| (user, address.parse())) {
        Some((user, Ok(address))) => Ok((user, Some(address))),
        Some((_, Err(_))) if !login.ends_with('@') && login.matches('@').count() > 1 => {
            Ok((login, None))
        }
        Some((user, Err(_))) => Err(CliError::new(
            Exit::Usage,
            format!("the part after {}@ is not an address", plain(user)),
            "Give an IP address, such as ada@203.0.113.7 or ada@2001:db8::7: host names are not looked up.",
        )),
        None => Ok((login, None)),
    }
}

fn record(
    context: &Context,
    login: &ExplainedLogin<'_>,
    found: &Result<Option<Snapshot>, StoreError>,
) -> ExplainStep {
    let (word, said) = match found {
        Err(fault) => {
            let explained = refusal_messages::explain(fault.reason(), &plain(&login.account.name));
            (fault.reason(), format!("Record: {}. {}", explained.meaning, explained.remedy))
        }
        Ok(None) => ("none", "Record: none. Its absence is proven.".into()),
        Ok(Some(found)) => match found.record.state {
            State::Active => ("enrolled", enrolled(found)),
            State::Pending => ("pending", pending(found, login.now.unix)),
            State::Removed => {
                ("removed", "Record: removed. The user counts as not enrolled.".into())
            }
        },
    };
    let setting = match context.policy.not_enrolled {
        NotEnrolled::Deny => "deny",
        NotEnrolled::Enroll => "enroll",
        NotEnrolled::Remind => "remind",
        NotEnrolled::Allow => "allow",
    };
    let mut lines = vec![said];
    if word != "enrolled" {
        lines.push(format!("Settings: not_enrolled = \"{setting}\" for users without a record."));
    }
    ExplainStep { lines, object: json!({ "state": word, "not_enrolled": setting }) }
}

fn enrolled(found: &Snapshot) -> String {
    let apps = &found.record.authenticators;
    let tokens =
        apps.iter().filter(|one| matches!(one.moving, MovingFactor::Counter { .. })).count();
    let codes = if found.record.codes.is_some() { ", and backup codes" } else { "" };
    let tokens = if tokens > 0 { format!(" ({} with a button)", tokens) } else { String::new() };
    format!("Record: enrolled, with {}{tokens}{codes}.", count(apps.len(), "authenticator"))
}

fn pending(found: &Snapshot, now: UnixTime) -> String {
    let extras = &found.record.extras;
    let works = extras.tickets.iter().filter(|ticket| now < ticket.voucher.until).count();
    let tickets =
        if works == 1 { "1 ticket works".into() } else { format!("{works} tickets work") };
    match &extras.reset {
        Some(audit) => format!("Record: reset by {}, {tickets}.", plain(&audit.by)),
        None => format!("Record: set-up is not finished, {tickets}."),
    }
}

/// Returns how long codes from `source` are refused without a comparison because of earlier wrong ones; `None` if a
/// code would be compared now. Assumes that the first factor of the login is proven.
fn weighed(
    context: &Context,
    login: &ExplainedLogin<'_>,
    found: Option<&Snapshot>,
    source: SourceLabel,
) -> Result<Option<WaitingSource>, LedgerError> {
    let user_ledger =
        context.machine.ledger.open(&LedgerKey::of(Some(login.account), &login.account.name))?;
    let facts = history::read(user_ledger.as_ref(), None)?;
    Ok(why::of_source(
        context,
        &facts,
        found,
        login.now.unix,
        why::AttemptOrigin { budget: Budget::Proven, source },
    ))
}

fn throttle(
    context: &Context,
    login: &ExplainedLogin<'_>,
    found: Option<&Snapshot>,
) -> ExplainStep {
    let source = match (login.address, login.service) {
        (Some(address), _) => Source::address(address),
        (None, "sudo" | "sudo-i") => Source::Uid(login.account.uid),
        (None, _) => Source::Unknown,
    };
    if source == Source::Unknown {
        let said = "Throttle: wrong codes are counted for each source; twinlock why shows all.";
        return ExplainStep {
            lines: vec![said.into()],
            object: json!({ "state": null, "until": null }),
        };
    }
    let (word, until, said) = match weighed(context, login, found, source.label()) {
        Err(fault) => {
            let meaning = refusal_messages::explain(fault.reason(), "").meaning;
            (fault.reason(), None, format!("Throttle: {meaning}: every code is refused."))
        }
        Ok(None) => ("open", None, "Throttle: the next code from this source is verified.".into()),
        Ok(Some(waiting)) => match waiting.until {
            Some(until) => (
                "throttled",
                Some(until.0),
                format!(
                    "Throttle: too many wrong codes from this source; the next is verified at {}.",
                    instant(until)
                ),
            ),
            None => (
                "locked",
                None,
                format!(
                    "Throttle: too many wrong codes in a row. To clear them: twinlock unlock {}",
                    plain(&login.account.name)
                ),
            ),
        },
    };
    ExplainStep { lines: vec![said], object: json!({ "state": word, "until": until }) }
}

/// Explains the last step: whether a code is asked for, set-up is offered, or the login is refused.
fn end(
    context: &Context,
    user: &str,
    admission: Admission,
    found: Option<&Snapshot>,
) -> ExplainStep {
    let (word, reason, said) = match admission {
        Admission::Ask => ("ask", None, offered::asked(found)),
        Admission::Exempt(reason) => {
            ("exempt", Some(reason.word()), format!("no code is asked for ({})", reason.word()))
        }
        Admission::Refuse(reason) => {
            let explained = refusal_messages::explain(reason.word(), user);
            let said =
                format!("refused ({}): {}. {}", reason.word(), explained.meaning, explained.remedy);
            ("refuse", Some(reason.word()), said)
        }
        Admission::SetUp(offer) => ("set_up", None, offered::offered(offer)),
    };
    let grace = match context.policy.handover_logins {
        0 => "at once".to_owned(),
        more => format!("within {}", count(usize::from(more), "login")),
    };
    let seen =
        found.is_some_and(|found| found.record.authenticators.iter().any(|one| one.seen.is_some()));
    let seen = seen && matches!(admission, Admission::Ask);
    let mut lines = vec![format!("So: {}.", said.trim_end_matches('.'))];
    if seen {
        lines.push(format!(
            "After a correct code: the user must set up a new key {grace}, because another user has seen this one."
        ));
    }
    ExplainStep {
        lines,
        object: json!({ "decision": word, "reason": reason, "key_to_change": seen }),
    }
}

/// Returns the facts about the login that rules are matched against.
pub(crate) fn subject<'a>(login: &ExplainedLogin<'a>) -> Subject<'a> {
    Subject {
        account: login.account,
        service: login.service,
        address: login.address,
        now: login.now.unix,
    }
}

/// Returns a function that looks up in NSS whether an account is a member of a group.
pub(crate) fn membership(
    context: &Context,
) -> impl FnMut(&Account, &str) -> Result<Membership, LookupError> + '_ {
    |account, group| context.machine.accounts.membership(account, group)
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
