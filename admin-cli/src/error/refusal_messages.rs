//! Explains why logins are refused, and says what to do about it.

use twinlock_core::base::error::{CodesError, FileError, LedgerError, StoreError};

use crate::error::exit::{ledger_remedy, store_remedy};

/// Why a login is refused, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    /// The cause, as a clause without a full stop.
    pub(crate) meaning: String,
    /// What the administrator can do, in whole sentences.
    pub(crate) remedy: String,
}

/// Every error of the records. [`explain`] finds an error here by the word for its reason.
const STORE_FAULTS: [StoreError; 17] = [
    StoreError::File(FileError::Missing),
    StoreError::StoreIdMissing,
    StoreError::StoreIdMismatch,
    StoreError::File(FileError::Symlink),
    StoreError::File(FileError::WrongKind),
    StoreError::File(FileError::WrongOwner),
    StoreError::File(FileError::TooOpen),
    StoreError::File(FileError::HardLink),
    StoreError::File(FileError::TooLarge),
    StoreError::Malformed { line: 0 },
    StoreError::Newer { version: 0 },
    StoreError::OtherUid,
    StoreError::UidOfAnother,
    StoreError::OtherName,
    StoreError::RecordLost,
    StoreError::NameTooLong,
    StoreError::File(FileError::Io { errno: 0 }),
];

/// The errors of the ledger, one for each word that their method `reason` returns.
const LEDGER_FAULTS: [LedgerError; 5] = [
    LedgerError::NotMounted,
    LedgerError::NotTmpfs,
    LedgerError::Untrusted,
    LedgerError::Reserved,
    LedgerError::Io { errno: 0 },
];

/// The errors of the backup codes, one for each word that their method `reason` returns.
const CODES_FAULTS: [CodesError; 7] = [
    CodesError::Set(StoreError::File(FileError::Missing)),
    CodesError::Set(StoreError::Malformed { line: 0 }),
    CodesError::Set(StoreError::Newer { version: 0 }),
    CodesError::Set(StoreError::File(FileError::Io { errno: 0 })),
    CodesError::Set(StoreError::File(FileError::WrongOwner)),
    CodesError::Memory,
    CodesError::Spend(StoreError::File(FileError::Io { errno: 0 })),
];

/// Explains a refusal. `word` is the word for its reason, such as `replayed`, which logs and the ledger contain and
/// which is the same in every version. `user` is the account name.
pub(crate) fn explain(word: &str, user: &str) -> Explained {
    let of_records = STORE_FAULTS.into_iter().find(|fault| fault.reason() == word);
    let of_ledger = LEDGER_FAULTS.into_iter().find(|fault| fault.reason() == word);
    let of_codes = CODES_FAULTS.into_iter().find(|fault| fault.reason() == word);
    if let Some(fault) = of_records {
        return Explained { meaning: fault.to_string(), remedy: store_remedy(fault).into() };
    }
    let (meaning, remedy) = match (of_ledger, of_codes) {
        (Some(fault), _) => (fault.to_string(), ledger_remedy(fault)),
        (None, Some(fault)) => (fault.to_string(), codes_remedy(fault)),
        (None, None) => {
            let (meaning, remedy) = of_login(word);
            (meaning.into(), remedy)
        }
    };
    Explained { meaning, remedy: remedy.replace("USER", user) }
}

/// Returns the remedy for an error of a user's backup codes.
fn codes_remedy(fault: CodesError) -> &'static str {
    match fault {
        CodesError::Set(StoreError::Newer { .. }) => {
            "Install that version. Codes of the app still work."
        }
        CodesError::Set(StoreError::File(FileError::Missing)) => {
            "Restore it from a backup (/var/lib/twinlock/users). Codes of the app still work."
        }
        CodesError::Set(StoreError::Malformed { .. }) => {
            "Restore it from a backup. Codes of the app still work."
        }
        CodesError::Set(StoreError::File(FileError::Io { .. })) => {
            "Check the disk and the kernel log (dmesg)."
        }
        CodesError::Set(_) => "Check its owner and mode (ls -la). Codes of the app still work.",
        CodesError::Memory => {
            "Check the limits of the calling program (ulimit -v) and free memory."
        }
        CodesError::Record(fault) => store_remedy(fault),
        CodesError::Spend(_) => {
            "Check whether the disk is full (df -i) or read-only. After that the code still works."
        }
    }
}

/// Returns meaning and remedy for the word of a reason that is not an error of the records, the ledger or the backup
/// codes.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
fn of_login(word: &str) -> (&'static str, &'static str) {
    match word {
        "wrong_code" => (
            "the code belongs to no authenticator of the user",
            "Verify a code with `twinlock verify USER`: it tells a wrong clock from a wrong key.",
        ),
        "replayed" => (
            "the code, or a later one, was used already",
            "Wait for the next code: each code works only once. A program that repeats its answer (mail, web, VPN) \
             needs a session or a cache: pam_twinlock(8), PROGRAMS.",
        ),
        "spent" => (
            "the backup code was used already",
            "Each of them works once; `twinlock status USER` says how many are left.",
        ),
        "before_epoch" => (
            "the code is older than the ledger: after a restart, or the clock was ahead",
            "After a restart, wait for a newer code: `twinlock epoch show` says from when codes count. If the \
             clock was ahead and is right now, run: twinlock epoch now",
        ),
        "clock_off" => (
            "two codes in a row were correct, but not for the current time",
            "Let phone and machine take the time from the network (date shows the machine's). If the \
             phone was corrected since, wait as long as the screen said, or as `twinlock verify USER` \
             says, and type two codes in a row at a login. To log in at once: use a backup code, or remove \
             and enroll the user again.",
        ),
        "throttled" => (
            "too many wrong codes came from this source",
            "Wait, or clear them: twinlock unlock USER",
        ),
        "locked" => (
            "too many wrong codes in a row, from all sources together",
            "Find out who typed them, then: twinlock unlock USER",
        ),
        "not_a_code" => (
            "what was typed is not a code, so it was not verified",
            "Type the 6 to 8 digits of the app; if one field takes both, type the password and then the code in one \
             answer. A password typed here is not stored.",
        ),
        "caller_not_root" => (
            "the calling program does not run as root, and only root can read records",
            "The log has its user id (uid=). Run it as root, or exempt its service by a [[rule]] of twinlock.toml. For a screen \
             locker: [agent] lockers = true, see pam_twinlock(8).",
        ),
        "agent_unreachable" => (
            "the program is not root, and twinlock-agent could not be reached",
            "Start it: systemctl enable --now twinlock-agent.socket. If it runs, its queue was full.",
        ),
        "agent_untrusted" => (
            "the process at the socket of twinlock-agent does not run as root",
            "Find out whose it is: ls -la /run/twinlock-agent. The folder must be root's, and only root may write to it.",
        ),
        "agent_busy" => (
            "twinlock-agent has four connections of this user, or 64 in all",
            "Find out which programs of the user hold them (ss -xp), and try again.",
        ),
        "agent_late" => (
            "twinlock-agent did not answer within two seconds",
            "See whether it hangs: systemctl status twinlock-agent.service, and the load of the host.",
        ),
        "agent_broken" => (
            "twinlock-agent ended in the middle, or sent what does not belong there",
            "See its messages: journalctl -u twinlock-agent. Module and agent must be of the same version.",
        ),
        "agent_refused" => (
            "twinlock-agent refused before it asked for a code",
            "Its own line in the log says why (rhost=agent:UID). If there is none: are lockers enabled in /etc/twinlock/twinlock.toml?",
        ),
        "stopped" => ("nothing was typed, or the user chose to stop", "Nothing needs to be done."),
        "conversation_failed" => (
            "the line was cut, or the program cannot ask questions",
            "A robot needs a key and a rule that exempts it. A user needs a client that can show prompts.",
        ),
        "no_first_pass" => (
            "the PAM line says use_first_pass, but no earlier line asked for anything",
            "Write try_first_pass or forward_pass, or put the line that asks before it.",
        ),
        "not_enrolled" => ("no authenticator is set up", "To enroll: twinlock enroll USER"),
        "not_set_up" => (
            "set-up was offered and not finished",
            "Log in again: set-up continues where it was, for 15 minutes, from the same source.",
        ),
        "no_ticket" => (
            "set-up needs a ticket, and no valid ticket was typed",
            "Send one: twinlock invite USER. A ticket works once, by mail for a day and on paper for a week unless the settings say otherwise.",
        ),
        "key_not_changed" => (
            "another user has seen the key, and its owner did not change it",
            "Log in again and set up a new key when asked; `twinlock status USER` says who saw it.",
        ),
        "codes_not_confirmed" => (
            "new backup codes were shown, and not confirmed",
            "Log in again: the screen shows other codes, and asks for the last group of one of them.",
        ),
        "reminded" => (
            "let in without a code, after set-up was offered",
            "Set up an app before the reminders end; `twinlock explain USER@ADDRESS` says when.",
        ),
        "unknown_user" => (
            "there is no such account",
            "Check the spelling and the name service (getent passwd USER).",
        ),
        "no_public_key" => (
            "the PAM line says first_factor=publickey, and no key was verified",
            "Let sshd ask for the key first (AuthenticationMethods), or correct the line.",
        ),
        "first_factor_failed" => (
            "the first factor was wrong, so no code was verified",
            "Check the password or key. The code is not the cause.",
        ),
        "lookup_failed" => (
            "the account or a group of a rule could not be looked up",
            "Check the name service (getent passwd USER; getent group).",
        ),
        "clock_failed" => ("a clock could not be read", "Check the clock (date)."),
        "rule" => ("a rule decided", "Check the rules: twinlock settings show"),
        "record_not_written" => (
            "the code was correct, but the record could not be written",
            "Make room for the records, or mount them writable (df, mount). The next code will work.",
        ),
        "record_changing" => (
            "the record kept changing while the code was verified",
            "Try again. Find out which program changes it.",
        ),
        _ => (
            "this version does not know the reason",
            "Install the version of twinlock that wrote it.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{base::error::AgentError, event::Reason};

    const OF_LOGINS: [Reason; 32] = [
        Reason::WrongCode,
        Reason::Replayed,
        Reason::BeforeEpoch,
        Reason::ClockOff,
        Reason::Throttled,
        Reason::Locked,
        Reason::NotACode,
        Reason::Stopped,
        Reason::Conversation,
        Reason::NoFirstPass,
        Reason::NotEnrolled,
        Reason::NotSetUp,
        Reason::NoTicket,
        Reason::NotHandedOver,
        Reason::Unconfirmed,
        Reason::Reminded,
        Reason::UnknownUser,
        Reason::NoPublicKey,
        Reason::FirstFactorFailed,
        Reason::LookupFailed,
        Reason::Clock,
        Reason::Rule(1),
        Reason::CallerNotRoot { uid: 1000 },
        Reason::Unwritten(StoreError::File(FileError::Io { errno: 28 })),
        Reason::RecordChanging,
        Reason::Spent,
        Reason::Agent(AgentError::Unreachable),
        Reason::Agent(AgentError::Untrusted),
        Reason::Agent(AgentError::Busy),
        Reason::Agent(AgentError::Late),
        Reason::Agent(AgentError::Broken),
        Reason::Agent(AgentError::Refused),
    ];

    #[test]
    fn every_reason_is_explained() {
        let of_records = STORE_FAULTS.map(Reason::Store);
        let of_ledger = LEDGER_FAULTS.map(Reason::Ledger);
        let of_codes = CODES_FAULTS.map(Reason::Codes);
        let reasons = OF_LOGINS.into_iter().chain(of_records).chain(of_ledger).chain(of_codes);
        for reason in reasons {
            let explained = explain(reason.word(), "ada");
            assert!(!explained.meaning.contains("does not know"), "{}", reason.word());
            assert!(!explained.remedy.contains("USER") || reason.word() == "name_too_long");
            assert!(explained.meaning.len() < 76, "{}", explained.meaning);
        }
        assert!(explain("brand_new", "ada").meaning.contains("does not know"));
    }
}
