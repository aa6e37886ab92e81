//! The settings of a host, with their defaults.

use alloc::{borrow::Cow, string::String, vec::Vec};

pub use crate::policy::{
    agent_rules::{AgentRules, SELF_SERVICE},
    fleet_rules::{FleetRules, FleetUids, forbidden_in_fleet, open_without_record},
    network::Network,
    questions::{Field, Questions},
    rules::{Action, Rule},
};
use crate::{
    base::{request::Source, time::DAY},
    record::Parameters,
};

/// All settings of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The issuer that the app shows; `None` for the host name.
    pub issuer: Option<String>,
    /// The language of all users on this host.
    pub language: Language,
    /// How to treat a user who is not enrolled.
    pub not_enrolled: NotEnrolled,
    /// Who set `not_enrolled`. If the settings file sets it, no PAM argument may be more permissive.
    pub not_enrolled_by: Author,
    /// How users are set up during a login.
    pub set_up: SetUpRules,
    /// Number of logins at which a user may postpone the replacement of a key that another user has seen, 0 to 10.
    pub handover_logins: u8,
    /// The number of backup codes, and when the user is warned.
    pub backup_codes: BackupCodes,
    /// Seconds for which a device is remembered; 0 disables the feature.
    pub remember_for: u64,
    /// Number of time steps before and after the current one whose codes are accepted, 0 to 10.
    pub window: u8,
    /// Maximum number of answers that are accepted in one login, 1 to 10.
    pub tries: u8,
    /// The text of the first prompt; `None` for the built-in text.
    pub prompt: Option<String>,
    /// Whether the terminal shows the user's answer while it is typed.
    pub echo: Echo,
    /// What one answer contains, such as a code or a password and a code, as set by the PAM line.
    pub field: Field,
    /// The questions that a login may ask besides the code, as set by the PAM line and the calling program.
    pub questions: Questions,
    /// The limits on wrong codes.
    pub throttle: Limits,
    /// Whether two adjacent codes may reveal that an app's clock is wrong, so that the record stores its error.
    pub resync: Resync,
    /// The hash algorithm, number of digits and period of the codes of new keys.
    pub new_keys: Parameters,
    /// The rules that say which logins need a code. The first rule that matches decides.
    pub rules: Vec<Rule>,
    /// Whether administrators must enter their own verification code for an operation.
    pub own_code: OwnCode,
    /// What the agent does for users who are not root.
    pub agent: AgentRules,
    /// What this host shares with the other hosts of its fleet.
    pub fleet: FleetRules,
    /// The addresses and the program with which mail is sent.
    pub mail: Mail,
    /// The folders of the records and of the ledger.
    pub places: Places,
}

/// How users are set up during a login.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpRules {
    /// Whether a user who was never enrolled needs a ticket.
    pub ticket: TicketNeed,
    /// The reason for set-up that the user is told; `None` for the built-in text.
    pub reason: Option<String>,
    /// What a user must have to set up again after a reset.
    pub after_reset: AfterReset,
    /// The time for which new tickets are valid.
    pub ticket_lives: TicketLives,
}

/// The time for which a new ticket is valid, by the way in which the user gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketLives {
    /// Seconds for which a mailed ticket is valid. NIST SP 800-63B-4 section 4.2.1.2 allows at most 24 hours.
    pub mail: u64,
    /// Seconds for which a ticket is valid that an administrator hands over.
    pub paper: u64,
}

impl Default for TicketLives {
    fn default() -> Self {
        Self { mail: DAY, paper: 7 * DAY }
    }
}

/// Whether set-up needs a ticket, so that a stolen password is not enough to enroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TicketNeed {
    /// A ticket is required.
    #[default]
    Needed,
    /// No ticket is required. The first person who logs in to an account can thus set up its second factor.
    Free,
}

/// What a user must have to set up again after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterReset {
    /// A ticket or a verified public key is required.
    #[default]
    Ticket,
    /// The first factor is enough.
    Login,
}

/// The number of backup codes, and when the user is warned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupCodes {
    /// Number of codes in a new set, 1 to 20.
    pub count: u8,
    /// Number of unused codes at or below which the user is warned.
    pub warn_below: u8,
    /// Whether the terminal shows a backup code while it is typed at its own prompt. Showing it is safe, because the
    /// code works once, and twenty letters are hard to type blind.
    pub echo: Echo,
}

impl Default for BackupCodes {
    fn default() -> Self {
        Self { count: 10, warn_below: 3, echo: Echo::Shown }
    }
}

/// Whether administrators must enter their own verification code for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCode {
    /// Whether a code is required.
    pub need: OwnCodeNeed,
    /// Names of the accounts that need no code.
    pub exempt: Vec<String>,
}

/// Whether administrators must enter their own verification code for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnCodeNeed {
    /// A code is required.
    Asked,
    /// No code is required.
    NotAsked,
}

impl Default for OwnCode {
    fn default() -> Self {
        Self { need: OwnCodeNeed::Asked, exempt: Vec::new() }
    }
}

/// The addresses of users and of the sender, and the program that sends mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The domain of the mail address of users who have none on record; `None` if these users get no mail.
    pub domain: Option<String>,
    /// The address of the sender.
    pub from: Cow<'static, str>,
    /// Absolute path of the program that sends mail.
    pub sendmail: Cow<'static, str>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { domain: None, from: "root".into(), sendmail: "/usr/sbin/sendmail".into() }
    }
}

/// The languages of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Swedish.
    Swedish,
}

/// How to treat a user who is not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotEnrolled {
    /// The login is refused.
    #[default]
    Deny,
    /// The user is set up during the login.
    Enroll,
    /// Set-up is offered. A user who declines it is granted access without a code.
    Remind,
    /// Access is granted without a code.
    Allow,
}

/// Who set the value of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Author {
    /// The setting has its default.
    #[default]
    Nobody,
    /// The settings file sets the value.
    Settings,
}

/// Whether the terminal shows the user's answer while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    /// The answer is hidden, like a password.
    #[default]
    Hidden,
    /// The answer is shown.
    Shown,
}

/// Whether two adjacent codes after a proven first factor may correct what the record says about the error of an app's
/// clock (RFC 6238 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resync {
    /// Two adjacent codes may correct the stored error of an app's clock.
    #[default]
    Offered,
    /// Two adjacent codes of an app whose clock is wrong are refused, as other wrong codes are.
    Off,
}

/// The limits on wrong codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of wrong codes from one source before the first delay.
    pub free: u32,
    /// Number of seconds of the first delay. Each further delay is twice as long, up to `max_delay`.
    pub delay: u64,
    /// Maximum seconds of a delay.
    pub max_delay: u64,
    /// Maximum number of wrong codes without a proven first factor for one user in 24 hours, from all sources together.
    pub per_day: u32,
    /// Number of consecutive wrong codes, from all sources together, after which sources that the user has never used
    /// are locked out (NIST SP 800-63B section 5.2.2).
    pub in_a_row: u32,
}

/// The folders of the records and of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Absolute path of the records folder.
    pub records: Cow<'static, str>,
    /// Absolute path of the ledger folder.
    pub ledger: Cow<'static, str>,
    /// The file systems that may hold the ledger.
    pub ledger_kind: LedgerKind,
    /// Whether the ledger must be a mount point.
    pub ledger_mounted: bool,
}

/// The file systems that may hold the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LedgerKind {
    /// Only tmpfs, which a restart empties.
    #[default]
    Tmpfs,
    /// Any file system. The administrator guarantees that a restart does not empty it.
    Persistent,
}

impl Default for Limits {
    fn default() -> Self {
        Self { free: 5, delay: 30, max_delay: 900, per_day: 60, in_a_row: 100 }
    }
}

impl Default for Places {
    fn default() -> Self {
        Self {
            records: "/var/lib/twinlock".into(),
            ledger: "/run/twinlock".into(),
            ledger_kind: LedgerKind::default(),
            ledger_mounted: true,
        }
    }
}

impl Policy {
    /// Returns the questions that a login may ask besides the code: [`Questions::CodeOnly`] if an answer may also
    /// contain a password or comes from an earlier module; otherwise, those that the PAM line and the calling program
    /// permit.
    #[must_use]
    pub fn questions(&self) -> Questions {
        match self.field {
            Field::Code => self.questions,
            Field::Given | Field::PasswordAndCode | Field::Missing => Questions::CodeOnly,
        }
    }

    /// If a local user runs the calling program, forbids all questions besides the one for the code, because this user
    /// may replace every prompt, as with `sudo -p`.
    pub fn restrict_to(&mut self, source: &Source) {
        if matches!(source, Source::Uid(_)) && self.questions == Questions::All {
            self.questions = Questions::Elsewhere;
        }
    }

    /// Returns these settings, with the values that concern the command `twinlock` taken from `command`: whether
    /// administrators must enter their own code, the mail settings, the language, and the validity of tickets.
    #[must_use]
    pub fn with_command_settings(self, command: &Self) -> Self {
        // Every field is named, so that a new field does not compile until it is handled here.
        let Self {
            own_code,
            mail,
            language,
            issuer: _,
            not_enrolled: _,
            not_enrolled_by: _,
            set_up: SetUpRules { ticket_lives, ticket: _, reason: _, after_reset: _ },
            handover_logins: _,
            backup_codes: _,
            remember_for: _,
            window: _,
            tries: _,
            prompt: _,
            echo: _,
            field: _,
            questions: _,
            throttle: _,
            resync: _,
            new_keys: _,
            rules: _,
            places: _,
            agent: _,
            fleet: _,
        } = command;
        let set_up = SetUpRules { ticket_lives: *ticket_lives, ..self.set_up };
        Self { own_code: own_code.clone(), mail: mail.clone(), language: *language, set_up, ..self }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            issuer: None,
            language: Language::default(),
            not_enrolled: NotEnrolled::default(),
            not_enrolled_by: Author::default(),
            set_up: SetUpRules::default(),
            handover_logins: 3,
            backup_codes: BackupCodes::default(),
            remember_for: 0,
            window: 1,
            tries: 3,
            prompt: None,
            echo: Echo::default(),
            field: Field::default(),
            questions: Questions::default(),
            throttle: Limits::default(),
            resync: Resync::default(),
            new_keys: Parameters::default(),
            rules: Vec::new(),
            own_code: OwnCode::default(),
            agent: AgentRules::default(),
            fleet: FleetRules::default(),
            mail: Mail::default(),
            places: Places::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_and_mail_are_the_commands() {
        let named = Policy {
            window: 3,
            own_code: OwnCode { need: OwnCodeNeed::NotAsked, exempt: alloc::vec!["eve".into()] },
            mail: Mail { sendmail: "/home/eve/x".into(), ..Mail::default() },
            language: Language::Swedish,
            set_up: SetUpRules {
                ticket_lives: TicketLives { mail: 7 * DAY, paper: 90 * DAY },
                ..SetUpRules::default()
            },
            ..Policy::default()
        };
        let both = named.with_command_settings(&Policy::default());
        assert_eq!(both, Policy { window: 3, ..Policy::default() });
    }
}
