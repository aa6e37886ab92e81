//! Notifications in the outbox: a symbolic link `NAME@KIND`, whose target contains the details.

use alloc::{format, string::String};

use crate::{
    account::Folder,
    format::ledger_names,
    letter::{Letter, LetterKind, Progress},
    request::SourceLabel,
    time::UnixTime,
};

/// Separates the user's folder name from the kind; no folder name contains it.
const BETWEEN: char = '@';

/// Maximum length of a name that includes a time: with time and progress it stays below the 255 bytes of a file name.
const WITH_TIME_MAX: usize = 180;

/// An absent value.
const NOTHING: &str = "-";
/// Prefix of an address.
const TO: &str = "to=";
/// The actor `-`, as opposed to an absent one.
const DASH: &str = "%2D";

/// Returns the name of a notification: `NAME@KIND` for kinds that are merged, so that there is one per user and kind,
/// and `NAME@KIND.TIME` for all other events.
#[must_use]
pub fn name_of(folder: &Folder, letter: &Letter) -> String {
    let name = format!("{}{BETWEEN}{}", folder.as_str(), letter.kind.word());
    match letter.kind.is_merged() || name.len() > WITH_TIME_MAX {
        true => name,
        false => format!("{name}.{}", ledger_names::instant(letter.at)),
    }
}

/// Parses user name and kind from the name of a notification, with or without a time.
#[must_use]
pub fn read_name(name: &str) -> Option<(String, LetterKind)> {
    let (folder, kind) = name.split_once(BETWEEN)?;
    let kind = match kind.split_once('.') {
        Some((kind, at)) if at.bytes().all(|byte| byte.is_ascii_digit()) => {
            ledger_names::read_instant(at).map(|_| kind)?
        }
        Some(_) => return None,
        None => kind,
    };
    Some((Folder::name_of(folder)?, LetterKind::named(kind)?))
}

/// Formats the details of a notification: `TIME SERVICE SOURCE BY LEFT`, with `-` for absent values and all but plain
/// characters as `%XX`. A notification to an address other than the one on record has a sixth word, `to=ADDRESS`.
#[must_use]
pub fn write(letter: &Letter) -> String {
    let by = letter.by.as_deref().map_or_else(|| NOTHING.into(), actor);
    let left = letter.left.map_or_else(|| NOTHING.into(), |left| format!("{left}"));
    let (at, service) = (ledger_names::instant(letter.at), plain(&letter.service));
    let to = letter.to.as_deref().map_or_else(String::new, |to| format!(" {TO}{}", plain(to)));
    format!("{at} {service} {} {by} {left}{to}", letter.source.as_str())
}

/// Parses what [`write`] wrote under a name.
#[must_use]
pub fn read(name: &str, text: &str) -> Option<Letter> {
    let (user, kind) = read_name(name)?;
    let mut parts = text.split(' ');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let (at, service, source) = (next()?, next()?, next()?);
    let (by, left) = (next()?, next()?);
    let letter = Letter {
        user,
        kind,
        at: ledger_names::read_instant(at)?,
        service: Folder::name_of(service)?,
        source: SourceLabel::read(source)?,
        by: match by {
            NOTHING => None,
            DASH => Some(NOTHING.into()),
            by => Some(Folder::name_of(by)?),
        },
        left: if left == NOTHING { None } else { Some(left.parse().ok()?) },
        to: match parts.next() {
            None => None,
            Some(to) => Some(Folder::name_of(to.strip_prefix(TO)?)?),
        },
    };
    parts.next().is_none().then_some(letter)
}

/// Returns the name of a waiting notification: `NAME@KIND@TRIES.CUTS.TIME`, so that its progress changes only by a
/// rename, in which one of several processes succeeds.
#[must_use]
pub fn waiting_name(name: &str, progress: Progress) -> String {
    let at = ledger_names::instant(progress.at);
    format!("{name}{BETWEEN}{}.{}.{at}", progress.tries, progress.cuts)
}

/// Returns the name of a notification that is being sent: as [`waiting_name`], with a nonce of the sending process.
#[must_use]
pub fn sending_name(name: &str, progress: Progress, nonce: u64) -> String {
    format!("{}.{nonce:016x}", waiting_name(name, progress))
}

/// Parses what [`waiting_name`] made.
#[must_use]
pub fn read_waiting(text: &str) -> Option<(&str, Progress)> {
    let (name, progress) = text.rsplit_once(BETWEEN)?;
    read_name(name)?;
    let mut parts = progress.split('.');
    let mut count = || {
        let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    let (tries, cuts) = (count()?, count()?);
    let at: UnixTime = ledger_names::read_instant(parts.next()?)?;
    parts.next().is_none().then_some((name, Progress { tries, cuts, at }))
}

/// Parses what [`sending_name`] made.
#[must_use]
pub fn read_sending(text: &str) -> Option<(&str, Progress)> {
    let (waiting, nonce) = text.rsplit_once('.')?;
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (nonce.len() == 16 && nonce.bytes().all(hex)).then(|| read_waiting(waiting))?
}

/// Formats the actor so that `-` differs from an absent one.
fn actor(name: &str) -> String {
    if name == NOTHING { DASH.into() } else { plain(name) }
}

/// Formats a name in safe characters; `-` if it is empty or too long.
fn plain(text: &str) -> String {
    let odd = |_| String::from("%3F");
    Folder::of(text).map_or_else(odd, |folder| folder.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            user: "DOM\\ada".into(),
            kind: LetterKind::BackupCodeUsed,
            at: UnixTime(1_800_000_000),
            service: "sshd".into(),
            source: SourceLabel::read("203.0.113.7").unwrap(),
            by: None,
            left: Some(3),
            to: None,
        }
    }

    #[test]
    fn letters_come_back() {
        let by = |name: &str| Letter { by: Some(name.into()), left: None, ..letter() };
        let to = |to: &str| Letter { to: Some(to.into()), ..letter() };
        for letter in [
            letter(),
            by("kim lee@x"),
            by("-"),
            by("--"),
            by("%2D"),
            to("a@b.example"),
            to("to= -"),
        ] {
            let folder = Folder::of(&letter.user).unwrap();
            let name = name_of(&folder, &letter);
            assert_eq!(read(&name, &write(&letter)), Some(letter));
        }
        assert_eq!(write(&letter()), "1800000000 sshd 203.0.113.7 - 3");
    }

    #[test]
    fn events_have_a_name_each_and_reminders_share_one() {
        let folder = Folder::of("ada").unwrap();
        let of = |kind, at| name_of(&folder, &Letter { kind, at: UnixTime(at), ..letter() });
        assert_eq!(of(LetterKind::Guessed, 5), of(LetterKind::Guessed, 6));
        assert_eq!(of(LetterKind::Reset, 1_800_000_000), "ada@reset.1800000000");
        let progress = Progress { tries: 0, cuts: 0, at: UnixTime(7) };
        let name = of(LetterKind::Reset, 6);
        assert_eq!(read_waiting(&waiting_name(&name, progress)), Some((&*name, progress)));
        for (kind, _) in crate::letter::KINDS {
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
        ] {
            assert_eq!(read("ada@reset", text), None, "{text}");
        }
        let hostile = Letter { service: "x y\n../".into(), ..letter() };
        assert!(!write(&hostile).contains(['/', '\n']));
    }

    #[test]
    fn how_far_a_letter_has_come_stands_in_its_name() {
        let progress = Progress { tries: 3, cuts: 1, at: UnixTime(1_800_000_000) };
        let waiting = waiting_name("a%2Fda@reset", progress);
        assert_eq!(waiting, "a%2Fda@reset@3.1.1800000000");
        assert_eq!(read_waiting(&waiting), Some(("a%2Fda@reset", progress)));
        let sending = sending_name("ada@reset", progress, 0xab);
        assert_eq!(sending, "ada@reset@3.1.1800000000.00000000000000ab");
        assert_eq!(read_sending(&sending), Some(("ada@reset", progress)));
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
        for odd in [waiting.as_str(), "ada@reset@1.1.1.ab", "ada@reset@1.1.1.00000000000000AB", ""]
        {
            assert_eq!(read_sending(odd), None, "{odd}");
        }
    }
}
