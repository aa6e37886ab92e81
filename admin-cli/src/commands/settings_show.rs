//! `twinlock settings show`: what is in force, as a settings file that would say it, the defaults marked.

use serde_json::json;
use twinlock_core::{
    format::settings::rules::{self, quoted},
    policy::{
        AfterReset, Echo, Language, LedgerKind, NotEnrolled, OwnCodeNeed, Policy, TicketNeed,
    },
};
use twinlock_host::settings;

use crate::{desk::Desk, exit::Failure, wording::plain};

/// One line: key, value, and what holds without one.
struct Line {
    key: &'static str,
    value: String,
    usual: Usual,
}

/// What holds where nothing is set.
enum Usual {
    /// A value, as it would be set.
    Value(String),
    /// Something that no value says, in words.
    Unset(&'static str),
}

/// Prints the settings in force.
pub fn run(desk: &Desk) -> Result<(), Failure> {
    if desk.json {
        let object = json!({ "file": desk.file(), "settings": text(&desk.policy) });
        return desk.print(&format!("{object}\n"));
    }
    let origin = match desk.file() {
        Some(file) => format!("# From {}", plain(&file)),
        None => format!("# There is no {}: everything has its default", plain(&desk.config)),
    };
    desk.print(&format!("{origin}\n{}", text(&desk.policy)))
}

impl Desk {
    /// The file that the settings in force come from; nothing where there is none.
    fn file(&self) -> Option<String> {
        if self.stand_in {
            return Some(settings::good_beside(&self.config));
        }
        std::path::Path::new(&self.config).exists().then(|| self.config.clone())
    }
}

fn text(policy: &Policy) -> String {
    let usual = Policy::default();
    let mut text = String::new();
    for (table, lines) in tables(policy, &usual) {
        if !table.is_empty() {
            text.push_str(&format!("\n[{table}]\n"));
        }
        lines.iter().for_each(|line| text.push_str(&said(line)));
    }
    policy.rules.iter().for_each(|rule| text.push_str(&rules::one(rule)));
    text
}

/// All settings but the rules, table by table.
fn tables(policy: &Policy, usual: &Policy) -> [(&'static str, Vec<Line>); 5] {
    [
        ("", general(policy, usual)),
        ("", people(policy, usual)),
        ("backup_codes", backup_codes(policy, usual)),
        ("throttle", throttle(policy, usual)),
        ("totp", totp(policy, usual)),
    ]
}

fn said(line: &Line) -> String {
    let Line { key, value, usual } = line;
    match usual {
        Usual::Value(usual) if usual == value => format!("{key} = {value}  # default\n"),
        Usual::Value(usual) => format!("{key} = {value}  # default: {usual}\n"),
        Usual::Unset(words) if value.is_empty() => format!("# {key}: {words}\n"),
        Usual::Unset(_) => format!("{key} = {value}\n"),
    }
}

fn line(key: &'static str, value: String, usual: String) -> Line {
    Line { key, value, usual: Usual::Value(usual) }
}

/// A line for what may stay unset, and what then holds.
fn or_unset(key: &'static str, value: Option<&str>, words: &'static str) -> Line {
    Line { key, value: value.map_or(String::new(), quoted), usual: Usual::Unset(words) }
}

fn general(policy: &Policy, usual: &Policy) -> Vec<Line> {
    let both = |key, of: fn(&Policy) -> String| line(key, of(policy), of(usual));
    vec![
        or_unset("issuer", policy.issuer.as_deref(), "the host name"),
        both("language", |policy| {
            quoted(match policy.language {
                Language::English => "en",
                Language::Swedish => "sv",
            })
        }),
        both("not_enrolled", |policy| {
            quoted(match policy.not_enrolled {
                NotEnrolled::Deny => "deny",
                NotEnrolled::Enroll => "enroll",
                NotEnrolled::Remind => "remind",
                NotEnrolled::Allow => "allow",
            })
        }),
        both("window", |policy| policy.window.to_string()),
        both("tries", |policy| policy.tries.to_string()),
        or_unset("prompt", policy.prompt.as_deref(), "built in"),
        both("echo", |policy| (policy.echo == Echo::Shown).to_string()),
        both("handover_logins", |policy| policy.handover_logins.to_string()),
        both("remember_for", |policy| duration(policy.remember_for)),
        both("records", |policy| quoted(&policy.places.records)),
        both("ledger", |policy| quoted(&policy.places.ledger)),
        both("ledger_persistent", |policy| {
            (policy.places.ledger_kind == LedgerKind::Persistent).to_string()
        }),
        both("ledger_mounted", |policy| policy.places.ledger_mounted.to_string()),
    ]
}

/// How people are set up, and what administrators show.
fn people(policy: &Policy, usual: &Policy) -> Vec<Line> {
    let both = |key, of: fn(&Policy) -> String| line(key, of(policy), of(usual));
    vec![
        both("enroll_needs_ticket", |policy| {
            (policy.set_up.ticket == TicketNeed::Needed).to_string()
        }),
        or_unset("enroll_reason", policy.set_up.reason.as_deref(), "built in"),
        both("after_reset", |policy| {
            quoted(match policy.set_up.after_reset {
                AfterReset::Ticket => "ticket",
                AfterReset::Login => "login",
            })
        }),
        both("ticket_lifetime_mail", |policy| duration(policy.set_up.ticket_lives.mail)),
        both("ticket_lifetime_paper", |policy| duration(policy.set_up.ticket_lives.paper)),
        both("require_own_code", |policy| (policy.own_code.need == OwnCodeNeed::Asked).to_string()),
        both("own_code_exempt", |policy| {
            let names: Vec<String> =
                policy.own_code.exempt.iter().map(|name| quoted(name)).collect();
            format!("[{}]", names.join(", "))
        }),
        or_unset("mail_domain", policy.mail.domain.as_deref(), "none"),
        both("mail_from", |policy| quoted(&policy.mail.from)),
        both("sendmail", |policy| quoted(&policy.mail.sendmail)),
    ]
}

fn backup_codes(policy: &Policy, usual: &Policy) -> Vec<Line> {
    let shown = |policy: &Policy| policy.backup_codes.echo == Echo::Shown;
    let both =
        |key, of: fn(&Policy) -> u8| line(key, of(policy).to_string(), of(usual).to_string());
    vec![
        both("count", |policy| policy.backup_codes.count),
        both("warn_below", |policy| policy.backup_codes.warn_below),
        line("echo", shown(policy).to_string(), shown(usual).to_string()),
    ]
}

/// A duration as the settings take it.
fn duration(seconds: u64) -> String {
    match seconds {
        0 => "0".into(),
        seconds => quoted(&format!("{seconds} s")),
    }
}

fn throttle(policy: &Policy, usual: &Policy) -> Vec<Line> {
    let both =
        |key, of: fn(&Policy) -> u64| line(key, of(policy).to_string(), of(usual).to_string());
    vec![
        both("free", |policy| policy.throttle.free.into()),
        both("delay", |policy| policy.throttle.delay),
        both("max_delay", |policy| policy.throttle.max_delay),
        both("per_day", |policy| policy.throttle.per_day.into()),
        both("in_a_row", |policy| policy.throttle.in_a_row.into()),
    ]
}

fn totp(policy: &Policy, usual: &Policy) -> Vec<Line> {
    let both = |key, of: fn(&Policy) -> String| line(key, of(policy), of(usual));
    vec![
        both("digits", |policy| policy.new_keys.digits.get().to_string()),
        both("period", |policy| policy.new_keys.period.seconds().to_string()),
        both("algorithm", |policy| quoted(policy.new_keys.algorithm.name())),
    ]
}

/// The names of the settings in which two differ, `rule` for all rules together.
pub fn changed(old: &Policy, new: &Policy) -> Vec<&'static str> {
    let usual = Policy::default();
    let of = |policy: &Policy| {
        let tables = tables(policy, &usual).into_iter();
        tables.flat_map(|(_, lines)| lines).collect::<Vec<_>>()
    };
    let pairs = of(old).into_iter().zip(of(new));
    let mut names: Vec<&'static str> =
        pairs.filter(|(old, new)| old.value != new.value).map(|(old, _)| old.key).collect();
    if old.rules != new.rules {
        names.push("rule");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{format::settings::read, policy::Author};

    #[test]
    fn what_is_shown_says_the_same_when_read() {
        let all = "issuer = \"Ex \\\"å\\\\\"\nlanguage = \"sv\"\nnot_enrolled = \"allow\"\nwindow = 10\n\
                   enroll_needs_ticket = false\nenroll_reason = \"Because.\"\nafter_reset = \"login\"\n\
                   ticket_lifetime_mail = \"90 min\"\nticket_lifetime_paper = \"3 d\"\n\
                   handover_logins = 0\nremember_for = \"8 h\"\nrequire_own_code = false\n\
                   own_code_exempt = [\"kim\", \"o\\\"x\"]\nmail_domain = \"example.org\"\n\
                   mail_from = \"tw@example.org\"\nsendmail = \"/opt/mail\"\n\
                   tries = 1\nprompt = \"Kod: \"\necho = true\nrecords = \"/srv/r\"\n\
                   ledger = \"/srv/l\"\nledger_persistent = true\nledger_mounted = true\n[backup_codes]\ncount = 1\nwarn_below = 2\n[throttle]\nfree = 1\n\
                   delay = 2\nmax_delay = 3\nper_day = 4\nin_a_row = 5\n[totp]\ndigits = 8\n\
                   period = 60\nalgorithm = \"SHA256\"\n[[rule]]\nuser = \"b\\\"\\n\"\n\
                   group = \"g\"\nservice = \"sshd\"\nnetwork = \"2001:db8::/32\"\n\
                   action = \"exempt\"\nuntil = 2027-02-28\n[[rule]]\nnetwork = \"10.0.0.0/8\"\n\
                   action = \"require\"\n";
        for settings in ["", "window = 3", all] {
            let policy = read(settings).unwrap();
            let shown = text(&policy);
            let mut again = read(&shown).unwrap();
            // All is written there, the defaults as well.
            assert_eq!(std::mem::take(&mut again.not_enrolled_by), Author::Settings);
            let policy = Policy { not_enrolled_by: Author::Nobody, ..policy };
            assert_eq!(again, policy, "{shown}");
        }
    }

    #[test]
    fn defaults_are_marked() {
        let shown = text(&read("window = 3").unwrap());
        assert!(shown.contains("window = 3  # default: 1\n"), "{shown}");
        assert!(shown.contains("tries = 3  # default\n"), "{shown}");
        assert!(shown.contains("# issuer: the host name\n"), "{shown}");
        assert!(shown.contains("# mail_domain: none\n"), "{shown}");
    }
}
