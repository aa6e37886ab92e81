//! The settings file `twinlock.toml`: text to policy, with the line of each mistake.

pub mod rules;
pub mod values;

use alloc::{format, string::String, vec::Vec};

use toml::Spanned;

use crate::{
    format::{
        comments,
        lines::line_at,
        tables::{Odd, Table},
    },
    policy::{
        AfterReset, Author, BackupCodes, Echo, Language, LedgerKind, Limits, Mail, NotEnrolled,
        OwnCode, OwnCodeNeed, Places, Policy, SetUpRules, TicketNeed,
    },
    record::{Algorithm, Digits, Parameters, Period},
    time::DAY,
};

/// The largest file read, in bytes.
pub const SETTINGS_MAX: usize = 64 * 1024;
/// The longest time that a device may be remembered, in seconds.
const REMEMBER_MAX: u64 = 7 * DAY;

/// One mistake in a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; 0 where none can be named.
    pub line: u32,
    /// What is wrong, as a clause.
    pub what: String,
}

struct File {
    issuer: Option<Spanned<String>>,
    language: Option<Spanned<String>>,
    not_enrolled: Option<Spanned<String>>,
    enroll_needs_ticket: Option<bool>,
    enroll_reason: Option<Spanned<String>>,
    after_reset: Option<Spanned<String>>,
    ticket_lifetime_mail: Option<Spanned<String>>,
    ticket_lifetime_paper: Option<Spanned<String>>,
    handover_logins: Option<Spanned<i64>>,
    remember_for: Option<Spanned<String>>,
    require_own_code: Option<bool>,
    own_code_exempt: Vec<String>,
    mail_domain: Option<Spanned<String>>,
    mail_from: Option<Spanned<String>>,
    sendmail: Option<Spanned<String>>,
    backup_codes: Codes,
    window: Option<Spanned<i64>>,
    tries: Option<Spanned<i64>>,
    prompt: Option<Spanned<String>>,
    echo: Option<bool>,
    throttle: Throttle,
    totp: Totp,
    rule: Vec<rules::RuleTable>,
    records: Option<Spanned<String>>,
    ledger: Option<Spanned<String>>,
    ledger_persistent: Option<bool>,
    ledger_mounted: Option<bool>,
}

#[derive(Default)]
struct Codes {
    count: Option<Spanned<i64>>,
    warn_below: Option<Spanned<i64>>,
    echo: Option<bool>,
}

struct Throttle {
    free: Option<Spanned<i64>>,
    delay: Option<Spanned<i64>>,
    max_delay: Option<Spanned<i64>>,
    per_day: Option<Spanned<i64>>,
    in_a_row: Option<Spanned<i64>>,
}

struct Totp {
    digits: Option<Spanned<i64>>,
    period: Option<Spanned<i64>>,
    algorithm: Option<Spanned<String>>,
}

impl File {
    fn of(mut table: Table<'_>) -> Result<Self, Odd> {
        let file = Self {
            issuer: table.string("issuer")?,
            language: table.string("language")?,
            not_enrolled: table.string("not_enrolled")?,
            enroll_needs_ticket: table.boolean("enroll_needs_ticket")?,
            enroll_reason: table.string("enroll_reason")?,
            after_reset: table.string("after_reset")?,
            ticket_lifetime_mail: table.string("ticket_lifetime_mail")?,
            ticket_lifetime_paper: table.string("ticket_lifetime_paper")?,
            handover_logins: table.number("handover_logins")?,
            remember_for: table.string_or_number("remember_for")?,
            require_own_code: table.boolean("require_own_code")?,
            own_code_exempt: table.strings("own_code_exempt")?,
            mail_domain: table.string("mail_domain")?,
            mail_from: table.string("mail_from")?,
            sendmail: table.string("sendmail")?,
            backup_codes: Codes::of(table.table("backup_codes")?)?,
            window: table.number("window")?,
            tries: table.number("tries")?,
            prompt: table.string("prompt")?,
            echo: table.boolean("echo")?,
            throttle: Throttle::of(table.table("throttle")?)?,
            totp: Totp::of(table.table("totp")?)?,
            rule: table
                .tables("rule")?
                .into_iter()
                .map(rules::RuleTable::of)
                .collect::<Result<_, _>>()?,
            records: table.string("records")?,
            ledger: table.string("ledger")?,
            ledger_persistent: table.boolean("ledger_persistent")?,
            ledger_mounted: table.boolean("ledger_mounted")?,
        };
        table.end().map(|()| file)
    }
}

impl Codes {
    fn of(mut table: Table<'_>) -> Result<Self, Odd> {
        let codes = Self {
            count: table.number("count")?,
            warn_below: table.number("warn_below")?,
            echo: table.boolean("echo")?,
        };
        table.end().map(|()| codes)
    }
}

impl Throttle {
    fn of(mut table: Table<'_>) -> Result<Self, Odd> {
        let throttle = Self {
            free: table.number("free")?,
            delay: table.number("delay")?,
            max_delay: table.number("max_delay")?,
            per_day: table.number("per_day")?,
            in_a_row: table.number("in_a_row")?,
        };
        table.end().map(|()| throttle)
    }
}

impl Totp {
    fn of(mut table: Table<'_>) -> Result<Self, Odd> {
        let totp = Self {
            digits: table.number("digits")?,
            period: table.number("period")?,
            algorithm: table.string("algorithm")?,
        };
        table.end().map(|()| totp)
    }
}

/// Reads a settings file; what is not set has its default.
///
/// # Errors
/// [`Mistake`], the first one found.
pub fn read(text: &str) -> Result<Policy, Mistake> {
    let text = &comments::taken_out(text);
    let file = Table::parse(text).and_then(File::of);
    let file = file.map_err(|odd| Mistake { line: line_at(text, odd.at), what: odd.what })?;
    Reader { text }.policy(file)
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn policy(&self, mut file: File) -> Result<Policy, Mistake> {
        let usual = Policy::default();
        let people = self.people(&mut file, Policy::default())?;
        Ok(Policy {
            issuer: file.issuer.map(|issuer| self.issuer(issuer)).transpose()?,
            language: self.word(
                file.language,
                "language",
                &[("en", Language::English), ("sv", Language::Swedish)],
            )?,
            window: self.number(file.window, "window", (0, 10), usual.window)?,
            tries: self.number(file.tries, "tries", (1, 10), usual.tries)?,
            prompt: self.text(file.prompt, ("prompt", 500))?,
            echo: if file.echo == Some(true) { Echo::Shown } else { Echo::Hidden },
            throttle: self.throttle(file.throttle)?,
            new_keys: self.totp(file.totp)?,
            rules: file.rule.into_iter().map(|rule| self.rule(rule)).collect::<Result<_, _>>()?,
            places: Places {
                records: self.folder(file.records, "records", usual.places.records)?,
                ledger: self.folder(file.ledger, "ledger", usual.places.ledger)?,
                ledger_kind: match file.ledger_persistent {
                    Some(true) => LedgerKind::Persistent,
                    Some(false) | None => LedgerKind::Tmpfs,
                },
                // A folder on a disk is one of its own without a mount.
                ledger_mounted: file.ledger_mounted.unwrap_or(file.ledger_persistent != Some(true)),
            },
            ..people
        })
    }

    /// What concerns people beyond their codes: set-up, backup codes, mail, administrators.
    fn people(&self, file: &mut File, usual: Policy) -> Result<Policy, Mistake> {
        let logins = file.handover_logins.take();
        Ok(Policy {
            not_enrolled_by: Author::of(file.not_enrolled.as_ref()),
            not_enrolled: self.word(
                file.not_enrolled.take(),
                "not_enrolled",
                &[
                    ("deny", NotEnrolled::Deny),
                    ("enroll", NotEnrolled::Enroll),
                    ("remind", NotEnrolled::Remind),
                    ("allow", NotEnrolled::Allow),
                ],
            )?,
            set_up: self.set_up(file)?,
            handover_logins: self.number(
                logins,
                "handover_logins",
                (0, 10),
                usual.handover_logins,
            )?,
            backup_codes: self.backup_codes(core::mem::take(&mut file.backup_codes))?,
            remember_for: self
                .duration(file.remember_for.take(), ("remember_for", REMEMBER_MAX))?,
            own_code: own_code(file.require_own_code, core::mem::take(&mut file.own_code_exempt)),
            mail: self.mail(file)?,
            ..usual
        })
    }

    fn set_up(&self, file: &mut File) -> Result<SetUpRules, Mistake> {
        Ok(SetUpRules {
            ticket: match file.enroll_needs_ticket {
                Some(false) => TicketNeed::Free,
                Some(true) | None => TicketNeed::Needed,
            },
            reason: self.text(file.enroll_reason.take(), ("enroll_reason", 300))?,
            after_reset: self.word(
                file.after_reset.take(),
                "after_reset",
                &[("ticket", AfterReset::Ticket), ("login", AfterReset::Login)],
            )?,
            ticket_lives: self.ticket_lives(file)?,
        })
    }

    fn backup_codes(&self, found: Codes) -> Result<BackupCodes, Mistake> {
        let usual = BackupCodes::default();
        let count = self.number(found.count, "backup_codes.count", (1, 20), usual.count)?;
        let range = (1, 20);
        let warn_below =
            self.number(found.warn_below, "backup_codes.warn_below", range, usual.warn_below)?;
        let echo = match found.echo {
            None => usual.echo,
            Some(true) => Echo::Shown,
            Some(false) => Echo::Hidden,
        };
        Ok(BackupCodes { count, warn_below, echo })
    }

    fn mail(&self, file: &mut File) -> Result<Mail, Mistake> {
        let usual = Mail::default();
        Ok(Mail {
            domain: self.text(file.mail_domain.take(), ("mail_domain", 255))?,
            from: self
                .text(file.mail_from.take(), ("mail_from", 320))?
                .map_or(usual.from, Into::into),
            sendmail: self.folder(file.sendmail.take(), "sendmail", usual.sendmail)?,
        })
    }

    fn throttle(&self, found: Throttle) -> Result<Limits, Mistake> {
        let usual = Limits::default();
        Ok(Limits {
            free: self.number(found.free, "throttle.free", (1, 100), usual.free)?,
            delay: self.number(found.delay, "throttle.delay", (1, 3600), usual.delay)?,
            max_delay: self.number(
                found.max_delay,
                "throttle.max_delay",
                (1, 86_400),
                usual.max_delay,
            )?,
            per_day: self.number(found.per_day, "throttle.per_day", (1, 10_000), usual.per_day)?,
            in_a_row: self.number(found.in_a_row, "throttle.in_a_row", (1, 100), usual.in_a_row)?,
        })
    }

    fn totp(&self, found: Totp) -> Result<Parameters, Mistake> {
        let digits = self.number(found.digits, "totp.digits", (6, 8), 6_u64)?;
        let period = self.number(found.period, "totp.period", (10, 300), 30_u64)?;
        let algorithm = match found.algorithm {
            None => Algorithm::Sha1,
            Some(name) => Algorithm::named(name.get_ref()).ok_or_else(|| {
                self.mistake(
                    &name,
                    format!(
                        "totp.algorithm = \"{}\" is none of SHA1, SHA256, SHA512",
                        name.get_ref()
                    ),
                )
            })?,
        };
        let usual = Parameters::default();
        Ok(Parameters {
            algorithm,
            digits: Digits::new(digits).unwrap_or(usual.digits),
            period: Period::new(period).unwrap_or(usual.period),
        })
    }
}

fn own_code(required: Option<bool>, exempt: Vec<String>) -> OwnCode {
    let need = match required {
        Some(false) => OwnCodeNeed::NotAsked,
        Some(true) | None => OwnCodeNeed::Asked,
    };
    OwnCode { need, exempt }
}

#[cfg(test)]
mod tests;
