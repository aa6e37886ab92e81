//! The settings before the first section of the file: logins, enrollment, tickets, administrators, mail, paths.

use crate::{
    base::time::{DAY, MINUTE},
    policy::{
        AfterReset, Author, Echo, Language, LedgerKind, NotEnrolled, OwnCodeNeed, TicketNeed,
        settings::table::Setting,
    },
    record::voucher::TICKET_LONGEST,
};

/// Maximum time for which a device may be remembered, in seconds.
const REMEMBER_MAX: u64 = 7 * DAY;

pub(super) const GENERAL: &[Setting] = &[
    Setting::text(
        "issuer",
        64,
        |policy| policy.issuer.as_deref(),
        |policy, text| policy.issuer = Some(text),
        "The name that the authenticator app shows above the code: 1 to 64 bytes without colons.",
    )
    .or_unset("\"Example\"", "the host name"),
    Setting::word(
        "language",
        &["en", "sv"],
        |policy| match policy.language {
            Language::English => "en",
            Language::Swedish => "sv",
        },
        |policy, word| {
            policy.language = if word == "sv" { Language::Swedish } else { Language::English };
        },
        "The language of all logins on this host. There is one for all users, because a language for each user would tell \
             a stranger who is enrolled.",
    ),
    Setting::word(
        "not_enrolled",
        &["deny", "enroll", "remind", "allow"],
        |policy| match policy.not_enrolled {
            NotEnrolled::Deny => "deny",
            NotEnrolled::Enroll => "enroll",
            NotEnrolled::Remind => "remind",
            NotEnrolled::Allow => "allow",
        },
        |policy, word| {
            policy.not_enrolled_by = Author::Settings;
            policy.not_enrolled = match word {
                "enroll" => NotEnrolled::Enroll,
                "remind" => NotEnrolled::Remind,
                "allow" => NotEnrolled::Allow,
                _ => NotEnrolled::Deny,
            };
        },
        "How to treat a user who is not enrolled: `deny` refuses the login; `enroll` sets up an app during the login; \
             `remind` offers that and lets the user in without it; `allow` lets the user in. No user is set up before a first \
             factor is proven, and root is always refused. If this is set, `nullok` on a PAM line has no effect.",
    ),
    Setting::boolean(
        "enroll_needs_ticket",
        |policy| policy.set_up.ticket == TicketNeed::Needed,
        |policy, needed| {
            policy.set_up.ticket = if needed { TicketNeed::Needed } else { TicketNeed::Free };
        },
        "Whether set-up during a login begins with a ticket from `twinlock invite`. Without one, an attacker who has a \
             user's password can set up the second factor first.",
    ),
    Setting::text(
        "enroll_reason",
        300,
        |policy| policy.set_up.reason.as_deref(),
        |policy, text| policy.set_up.reason = Some(text),
        "Why a second factor is needed, shown during set-up: up to 300 bytes.",
    )
    .or_unset("\"You have access to customers' data, so a second factor is needed.\"", "built in"),
    Setting::word(
        "after_reset",
        &["ticket", "login"],
        |policy| match policy.set_up.after_reset {
            AfterReset::Ticket => "ticket",
            AfterReset::Login => "login",
        },
        |policy, word| {
            policy.set_up.after_reset =
                if word == "login" { AfterReset::Login } else { AfterReset::Ticket };
        },
        "What set-up after `twinlock reset` needs: `ticket`, which a user with a verified ssh key may leave out, or \
             `login`, the first factor alone.",
    ),
    Setting::duration(
        "ticket_lifetime_mail",
        MINUTE..=TICKET_LONGEST,
        |policy| policy.set_up.ticket_lives.mail,
        |policy, seconds| policy.set_up.ticket_lives.mail = seconds,
        "How long a mailed set-up ticket works, such as `90 min` or `7 d`: 1 minute to 31 days (NIST SP 800-63B-4, \
             4.2.1.2: at most 24 hours). While a `remind` rule runs, a login whose ticket has expired has another one mailed, \
             once a day.",
    ),
    Setting::duration(
        "ticket_lifetime_paper",
        MINUTE..=TICKET_LONGEST,
        |policy| policy.set_up.ticket_lives.paper,
        |policy, seconds| policy.set_up.ticket_lives.paper = seconds,
        "How long a ticket works that is shown to an administrator or written to a report.",
    ),
    Setting::number(
        "handover_logins",
        0..=10,
        |policy| policy.handover_logins.into(),
        |policy, logins| policy.handover_logins = u8::try_from(logins).unwrap_or(u8::MAX),
        "How many logins may pass before a user must replace a key that an administrator has seen.",
    ),
    Setting::duration(
        "remember_for",
        0..=REMEMBER_MAX,
        |policy| policy.remember_for,
        |policy, seconds| policy.remember_for = seconds,
        "How long a device is remembered if the user agrees, such as `8 h`: at most 7 days; 0 means never. Only behind a \
             verified ssh key, never for root, sudo and su. A reset, a change of the record or a restart ends it.",
    ),
    Setting::boolean(
        "require_own_code",
        |policy| policy.own_code.need == OwnCodeNeed::Asked,
        |policy, asked| {
            policy.own_code.need = if asked { OwnCodeNeed::Asked } else { OwnCodeNeed::NotAsked };
        },
        "Whether `twinlock` asks administrators for a code of their own before it gives another account a way in.",
    ),
    Setting::names(
        "own_code_exempt",
        |policy| &policy.own_code.exempt,
        |policy, names| policy.own_code.exempt = names,
        "Accounts that are not asked for a code of their own: robots, such as `root` on a host where programs log in as root. An \
         administrator who is not named here and is not enrolled can enroll no other user.",
    ),
    Setting::text(
        "mail_domain",
        255,
        |policy| policy.mail.domain.as_deref(),
        |policy, text| policy.mail.domain = Some(text),
        "The domain of mail to users who have no address on record. Without it they get no mail.",
    )
    .or_unset("\"example.org\"", "none"),
    Setting::text(
        "mail_from",
        320,
        |policy| Some(&policy.mail.from),
        |policy, text| policy.mail.from = text.into(),
        "The sender of mail.",
    ),
    Setting::path(
        "sendmail",
        |policy| &policy.mail.sendmail,
        |policy, path| policy.mail.sendmail = path.into(),
        "The program that takes mail, called with `-t -i`.",
    ),
    Setting::number(
        "window",
        0..=10,
        |policy| policy.window.into(),
        |policy, steps| policy.window = u8::try_from(steps).unwrap_or(u8::MAX),
        "How many time steps early or late a code may be, each way.",
    ),
    Setting::number(
        "tries",
        1..=10,
        |policy| policy.tries.into(),
        |policy, tries| policy.tries = u8::try_from(tries).unwrap_or(u8::MAX),
        "How many answers one login takes before it fails.",
    ),
    Setting::text(
        "prompt",
        500,
        |policy| policy.prompt.as_deref(),
        |policy, text| policy.prompt = Some(text),
        "The text of the first prompt, up to 500 bytes.",
    )
    .or_unset("\"Verification code: \"", "the built-in prompt"),
    Setting::boolean(
        "echo",
        |policy| policy.echo == Echo::Shown,
        |policy, shown| policy.echo = echo(shown),
        "Whether the terminal shows what is typed at the prompt for a code.",
    ),
    Setting::path(
        "records",
        |policy| &policy.places.records,
        |policy, path| policy.places.records = path.into(),
        "The folder of the records.",
    ),
    Setting::path(
        "ledger",
        |policy| &policy.places.ledger,
        |policy, path| policy.places.ledger = path.into(),
        "The folder of the ledger, which holds used codes and failed attempts. It must be on a tmpfs, so that a restart empties it.",
    ),
    Setting::boolean(
        "ledger_persistent",
        |policy| policy.places.ledger_kind == LedgerKind::Persistent,
        |policy, persistent| {
            policy.places.ledger_kind =
                if persistent { LedgerKind::Persistent } else { LedgerKind::Tmpfs };
            // A folder on disk need not be a mount point. The setting `ledger_mounted` is read later and may require
            // one.
            policy.places.ledger_mounted = !persistent;
        },
        "Whether the ledger is on a disk on purpose and survives restarts. If not, a ledger that is not on a tmpfs refuses \
             every code.",
    ),
    Setting::boolean(
        "ledger_mounted",
        |policy| policy.places.ledger_mounted,
        |policy, mounted| policy.places.ledger_mounted = mounted,
        "Whether the ledger must be a mount point, as `run-twinlock.mount` makes it. If so, a folder without a mount refuses \
             every code, because used codes would work again once the mount is gone. With `ledger_persistent = true` the \
             default is false.",
    ),
];

pub(super) const fn echo(shown: bool) -> Echo {
    if shown { Echo::Shown } else { Echo::Hidden }
}
