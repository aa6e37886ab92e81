//! Names and texts of notifications in the outbox. Each notification is a symbolic link with the name `NAME@KIND`,
//! where NAME is the name of the user's folder. The target of the link contains the details.

use alloc::{format, string::String};

use crate::{
    base::{account::Folder, request::SourceLabel, time::UnixTime},
    ledger::names,
    notify::notification::{DeliveryProgress, Notification, NotificationKind},
};

/// Separates the user's folder name from the kind. No folder name contains this character.
const BETWEEN: char = '@';

/// Maximum length in bytes of a name that includes a time. The progress is appended later, and a file name has at most
/// 255 bytes.
const WITH_TIME_MAX: usize = 180;

/// The text of an absent value in the details of a notification.
const NOTHING: &str = "-";
/// The prefix of the recipient's address in the details of a notification.
const TO: &str = "to=";
/// The prefix of the lifetime of a bypass code in the details of a notification.
const FOR: &str = "for=";
/// Text of an actor named `-`, which differs from the text of an absent actor.
const DASH: &str = "%2D";

/// Returns the name of a notification. Kinds that are merged get `NAME@KIND`, so that only one notification per user
/// and kind can exist. Other kinds get `NAME@KIND.TIME` if this name is not too long.
#[must_use]
pub fn name_of(folder: &Folder, notification: &Notification) -> String {
    let name = format!("{}{BETWEEN}{}", folder.as_str(), notification.kind.word());
    match notification.kind.is_merged() || name.len() > WITH_TIME_MAX {
        true => name,
        false => format!("{name}.{}", names::instant(notification.at)),
    }
}

/// Parses the user name and the kind from the name of a notification, with or without a time; `None` for any other
/// name.
#[must_use]
pub fn read_name(name: &str) -> Option<(String, NotificationKind)> {
    let (folder, kind) = name.split_once(BETWEEN)?;
    let kind = match kind.split_once('.') {
        Some((kind, at)) if at.bytes().all(|byte| byte.is_ascii_digit()) => {
            names::read_instant(at).map(|_| kind)?
        }
        Some(_) => return None,
        None => kind,
    };
    Some((Folder::name_of(folder)?, NotificationKind::named(kind)?))
}

/// Returns the details of a notification as text: `TIME SERVICE SOURCE BY LEFT`, with `-` for an absent value and `%XX`
/// for each character that is not plain. The word `to=ADDRESS` follows if the mail goes to another address than the one
/// on record. The word `for=SECONDS` follows if the notification requests a bypass code.
#[must_use]
pub fn write(notification: &Notification) -> String {
    let by = notification.by.as_deref().map_or_else(|| NOTHING.into(), actor);
    let left = notification.left.map_or_else(|| NOTHING.into(), |left| format!("{left}"));
    let (at, service) = (names::instant(notification.at), plain(&notification.service));
    let to =
        notification.to.as_deref().map_or_else(String::new, |to| format!(" {TO}{}", plain(to)));
    let life = notification.life.map_or_else(String::new, |life| format!(" {FOR}{life}"));
    format!("{at} {service} {} {by} {left}{to}{life}", notification.source.as_str())
}

/// Parses the text that [`write()`] returned for the notification with this name; `None` if it is damaged.
#[must_use]
pub fn read(name: &str, text: &str) -> Option<Notification> {
    let (user, kind) = read_name(name)?;
    let mut parts = text.split(' ');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let (at, service, source) = (next()?, next()?, next()?);
    let (by, left) = (next()?, next()?);
    let mut rest = parts.peekable();
    let to = match rest.next_if(|part| part.starts_with(TO)) {
        None => None,
        Some(to) => Some(Folder::name_of(to.strip_prefix(TO)?)?),
    };
    let life = match rest.next_if(|part| part.starts_with(FOR)) {
        None => None,
        Some(life) => Some(digits(life.strip_prefix(FOR)?)?),
    };
    let notification = Notification {
        user,
        kind,
        at: names::read_instant(at)?,
        service: Folder::name_of(service)?,
        source: SourceLabel::read(source)?,
        by: match by {
            NOTHING => None,
            DASH => Some(NOTHING.into()),
            by => Some(Folder::name_of(by)?),
        },
        left: if left == NOTHING { None } else { Some(left.parse().ok()?) },
        to,
        life,
    };
    rest.next().is_none().then_some(notification)
}

/// Returns the name of a waiting notification: `NAME@KIND@TRIES.CUTS.TIME`. TRIES is how often sending was begun, and
/// CUTS how often it was interrupted. Progress is noted by renaming the file: if several processes try, one succeeds.
#[must_use]
pub fn waiting_name(name: &str, progress: DeliveryProgress) -> String {
    let at = names::instant(progress.at);
    format!("{name}{BETWEEN}{}.{}.{at}", progress.tries, progress.cuts)
}

/// Parses a name that [`waiting_name`] returned, into the name of the notification and its progress; `None` for any
/// other name.
#[must_use]
pub fn read_waiting(text: &str) -> Option<(&str, DeliveryProgress)> {
    let (name, progress) = text.rsplit_once(BETWEEN)?;
    read_name(name)?;
    let mut parts = progress.split('.');
    let mut count = || {
        let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    let (tries, cuts) = (count()?, count()?);
    let at: UnixTime = names::read_instant(parts.next()?)?;
    parts.next().is_none().then_some((name, DeliveryProgress { tries, cuts, at }))
}

/// Parses a number that is written with digits only; `None` for any other text.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Returns an actor's name as text. An actor named `-` becomes `%2D`, because `-` stands for an absent actor.
fn actor(name: &str) -> String {
    if name == NOTHING { DASH.into() } else { plain(name) }
}

/// Returns a name, percent-encoded like a folder name; `%3F`, a question mark, if the name is empty or too long.
fn plain(text: &str) -> String {
    let odd = |_| String::from("%3F");
    Folder::of(text).map_or_else(odd, |folder| folder.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification() -> Notification {
        Notification {
            user: "DOM\\ada".into(),
            kind: NotificationKind::BackupCodeUsed,
            at: UnixTime(1_800_000_000),
            service: "sshd".into(),
            source: SourceLabel::read("203.0.113.7").unwrap(),
            by: None,
            left: Some(3),
            to: None,
            life: None,
        }
    }

    #[test]
    fn letters_come_back() {
        let by = |name: &str| Notification { by: Some(name.into()), left: None, ..notification() };
        let to = |to: &str| Notification { to: Some(to.into()), ..notification() };
        for notification in [
            notification(),
            by("kim lee@x"),
            by("-"),
            by("--"),
            by("%2D"),
            to("a@b.example"),
            to("to= -"),
            Notification { life: Some(28_800), ..to("for=1") },
            Notification { life: Some(60), ..notification() },
        ] {
            let folder = Folder::of(&notification.user).unwrap();
            let name = name_of(&folder, &notification);
            assert_eq!(read(&name, &write(&notification)), Some(notification));
        }
        assert_eq!(write(&notification()), "1800000000 sshd 203.0.113.7 - 3");
    }

    #[test]
    fn events_have_a_name_each_and_reminders_share_one() {
        let folder = Folder::of("ada").unwrap();
        let of =
            |kind, at| name_of(&folder, &Notification { kind, at: UnixTime(at), ..notification() });
        assert_eq!(of(NotificationKind::Guessed, 5), of(NotificationKind::Guessed, 6));
        assert_eq!(of(NotificationKind::Reset, 1_800_000_000), "ada@reset.1800000000");
        let progress = DeliveryProgress { tries: 0, cuts: 0, at: UnixTime(7) };
        let name = of(NotificationKind::Reset, 6);
        assert_eq!(read_waiting(&waiting_name(&name, progress)), Some((&*name, progress)));
        for (kind, _) in crate::notify::notification::KINDS {
            assert_eq!(read_name(&of(kind, 9)), Some(("ada".into(), kind)));
        }
    }

    #[test]
    fn what_is_odd_is_no_letter() {
        let text = "1800000000 sshd 203.0.113.7 - 3";
        assert!(read("ada@reset", text).is_some());
        assert!(read("ada@reset.1800000000", text).is_some());
        for name in [
            "ada",
            "ada@",
            "@reset",
            "ada@odd",
            "a/da@reset",
            "ada@reset@reset",
            "ada@reset.",
            "ada@reset.x",
            "ada@reset.1.1",
            "ada@.1",
        ] {
            assert_eq!(read(name, text), None, "{name}");
        }
        for text in [
            "",
            "1800000000",
            "x sshd 203.0.113.7 - 3",
            "1 sshd a/b - 3",
            "1 sshd x - 3 4",
            "1 sshd unknown - 3 to=",
            "1 sshd unknown - 3 to=a b",
            "1 sshd unknown - 3 for=",
            "1 sshd unknown - 3 for=+1",
            "1 sshd unknown - 3 for=1 to=a",
            "1 sshd unknown - 3 for=1 for=1",
        ] {
            assert_eq!(read("ada@reset", text), None, "{text}");
        }
        let hostile = Notification { service: "x y\n../".into(), ..notification() };
        assert!(!write(&hostile).contains(['/', '\n']));
    }

    #[test]
    fn how_far_a_letter_has_come_stands_in_its_name() {
        let progress = DeliveryProgress { tries: 3, cuts: 1, at: UnixTime(1_800_000_000) };
        let waiting = waiting_name("a%2Fda@reset", progress);
        assert_eq!(waiting, "a%2Fda@reset@3.1.1800000000");
        assert_eq!(read_waiting(&waiting), Some(("a%2Fda@reset", progress)));
        for odd in [
            "ada@reset",
            "ada@reset@",
            "ada@reset@1.1",
            "ada@reset@+1.1.1",
            "ada@reset@1.1.1.1",
            "ada@odd@1.1.1",
            "@1.1.1",
            "ada@reset@4294967296.1.1",
        ] {
            assert_eq!(read_waiting(odd), None, "{odd}");
        }
    }
}
