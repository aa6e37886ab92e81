//! What the administrator demands: the settings, with their defaults.

use alloc::{borrow::Cow, string::String, vec::Vec};

pub use crate::{
    network::Network,
    questions::{Field, Questions},
};
use crate::{
    record::Parameters,
    time::{DAY, UnixTime},
};

/// All settings of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The name shown in the app; the host name where nothing is set.
    pub issuer: Option<String>,
    /// The language of all people on this host.
    pub language: Language,
    /// What becomes of a person who is proven not to be enrolled.
    pub not_enrolled: NotEnrolled,
    /// Who said so: where the settings did, no PAM line may be milder.
    pub not_enrolled_by: Author,
    /// How people are set up, and what they are told why.
    pub set_up: SetUpRules,
    /// How often a person may put off changing a key that somebody else has seen: 0 to 10.
    pub handover_logins: u8,
    /// How many backup codes there are, and when their number is low.
    pub backup_codes: BackupCodes,
    /// Seconds that a device is remembered; 0 where none is.
    pub remember_for: u64,
    /// Steps that are accepted each way of now: 0 to 10.
    pub window: u8,
    /// Answers that one call takes: 1 to 10.
    pub tries: u8,
    /// The first prompt, where another than the built-in one is wanted.
    pub prompt: Option<String>,
    /// Whether what is typed can be seen.
    pub echo: Echo,
    /// What one answer holds; the PAM line says so.
    pub field: Field,
    /// What may be asked besides a code; the PAM line and the calling program say so.
    pub questions: Questions,
    /// How guessing is slowed down.
    pub throttle: Limits,
    /// Whether a clock that is far off is learned from two adjacent codes.
    pub resync: Resync,
    /// What new keys are like.
    pub new_keys: Parameters,
    /// Who is asked; the first that matches decides.
    pub rules: Vec<Rule>,
    /// Whether administrators show a code of their own.
    pub own_code: OwnCode,
    /// How mail is sent.
    pub mail: Mail,
    /// Where records and ledger are.
    pub places: Places,
}

/// How people are set up during a login.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpRules {
    /// Whether somebody who was never enrolled needs a ticket.
    pub ticket: TicketNeed,
    /// What is said why, in place of the built-in text.
    pub reason: Option<String>,
    /// What somebody needs whose authenticators were reset.
    pub after_reset: AfterReset,
    /// How long tickets work.
    pub ticket_lives: TicketLives,
}

/// How long a ticket works, by the way it takes to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketLives {
    /// Seconds of one that is mailed (NIST SP 800-63B-4 section 4.2.1.2: at most 24 hours).
    pub mail: u64,
    /// Seconds of one that is handed over.
    pub paper: u64,
}

impl Default for TicketLives {
    fn default() -> Self {
        Self { mail: DAY, paper: 7 * DAY }
    }
}

/// Whether set-up needs a ticket, so that a stolen password does not enrol a thief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TicketNeed {
    /// It does.
    #[default]
    Needed,
    /// Whoever comes first is set up.
    Free,
}

/// What set-up after a reset needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterReset {
    /// A ticket; a verified public key may do without.
    #[default]
    Ticket,
    /// The first factor.
    Login,
}

/// How many backup codes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupCodes {
    /// Codes of a new set: 1 to 20.
    pub count: u8,
    /// At so many or fewer their owner is warned.
    pub warn_below: u8,
    /// Whether one can be seen while it is typed at a prompt of its own: it works once, and twenty letters typed blind
    /// go wrong.
    pub echo: Echo,
}

impl Default for BackupCodes {
    fn default() -> Self {
        Self { count: 10, warn_below: 3, echo: Echo::Shown }
    }
}

/// Whether administrators show a code of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCode {
    /// Whether one is asked for.
    pub need: OwnCodeNeed,
    /// Accounts that are not asked.
    pub exempt: Vec<String>,
}

/// Whether one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnCodeNeed {
    /// It is.
    Asked,
    /// Being root is enough.
    NotAsked,
}

impl Default for OwnCode {
    fn default() -> Self {
        Self { need: OwnCodeNeed::Asked, exempt: Vec::new() }
    }
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// What stands behind `@` for people without an address on record; nothing: they get no mail.
    pub domain: Option<String>,
    /// The sender.
    pub from: Cow<'static, str>,
    /// The program that takes mail, as a whole path.
    pub sendmail: Cow<'static, str>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { domain: None, from: "root".into(), sendmail: "/usr/sbin/sendmail".into() }
    }
}

/// The languages that logins speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Swedish.
    Swedish,
}

/// What becomes of a person who is proven not to be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotEnrolled {
    /// Refused.
    #[default]
    Deny,
    /// Set up during the login.
    Enroll,
    /// Let through without a code, after the offer to be set up.
    Remind,
    /// Let through without a code.
    Allow,
}

/// Who said what a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Author {
    /// Nobody: it is the default.
    #[default]
    Nobody,
    /// The settings file.
    Settings,
}

/// Whether what is typed can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    /// Hidden, like a password.
    #[default]
    Hidden,
    /// Shown.
    Shown,
}

/// Whether two adjacent codes behind a proven first factor may say that an authenticator's clock is off (RFC 6238 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resync {
    /// They may.
    #[default]
    Offered,
    /// Codes outside the window are wrong, however many there are.
    Off,
}

/// How guessing is slowed down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong codes of one source without a delay.
    pub free: u32,
    /// Seconds of the first delay; each next is twice as long.
    pub delay: u64,
    /// Seconds of the longest delay.
    pub max_delay: u64,
    /// Unproven wrong codes per person and day, all sources together.
    pub per_day: u32,
    /// Wrong codes in a row, all together, before only known sources get on (NIST SP 800-63B section 5.2.2).
    pub in_a_row: u32,
}

/// Where records and ledger are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The records folder.
    pub records: Cow<'static, str>,
    /// The ledger folder.
    pub ledger: Cow<'static, str>,
    /// What the ledger may lie on.
    pub ledger_kind: LedgerKind,
    /// Whether the ledger must be a file system of its own, mounted there.
    pub ledger_mounted: bool,
}

/// What the ledger may lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LedgerKind {
    /// tmpfs alone, which a restart empties.
    #[default]
    Tmpfs,
    /// Anything: the administrator says that it outlives restarts.
    Persistent,
}

/// One `[[rule]]`: all that is set must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The canonical account name.
    pub user: Option<String>,
    /// A group, by name.
    pub group: Option<String>,
    /// The PAM service.
    pub service: Option<String>,
    /// A network that the source address lies in.
    pub network: Option<Network>,
    /// What is done with those who match.
    pub action: Action,
    /// From this instant on the action is [`Action::Require`].
    pub until: Option<UnixTime>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A code is asked for.
    Require,
    /// No code is asked for.
    Exempt,
    /// Who is enrolled is asked; everybody else is let through, after the offer to be set up.
    Remind,
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
    /// Returns these settings with the command's own (own codes, mail, its language, the lives of tickets) from `command`.
    #[must_use]
    pub fn with_command_settings(self, command: &Self) -> Self {
        // Each field is named, so that a new one does not compile before it is decided on.
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
