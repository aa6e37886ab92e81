//! Names and texts of ledger entries, which are symbolic links: the text is the target of the link. The names are
//! `used.KEY.STEP`, `try.BUDGET.DAY.SLOT.SOURCE`, `row.SINCE.CARRIED` and `refused.N`.

use alloc::string::String;

use crate::{
    base::{
        decimal::Decimal,
        request::SourceLabel,
        time::{Step, UnixTime},
    },
    ledger::{Budget, FailureStreak, KeyId, Nonce, Refused, Try, Used},
};

/// Maximum length in bytes of a reason, service or source in the text of a refusal. The text is the target of a
/// symbolic link. If the text is short, it is stored in the inode and can be written when the disk is full.
const WORD_MAX: usize = 24;

/// Returns the ledger name of a step whose code was used.
#[must_use]
pub fn used_name(used: &Used) -> String {
    let mut mark = [0; 32];
    let mark = base16ct::lower::encode_str(&used.mark.0, &mut mark).unwrap_or_default();
    ["used.", mark, ".", Decimal::of(used.step.0).as_str()].concat()
}

/// Parses the ledger name of a step whose code was used; `None` if it is the name of anything else.
#[must_use]
pub fn read_used(name: &str) -> Option<Used> {
    let (mark, step) = name.strip_prefix("used.")?.split_at_checked(32)?;
    let step = step.strip_prefix('.')?.parse().ok()?;
    Some(Used { mark: KeyId(sixteen_bytes(mark)?), step: Step(step) })
}

fn sixteen_bytes(hex: &str) -> Option<[u8; 16]> {
    // Each login reads a name for each code that was used within a day; a general decoder takes ten times as long.
    let (groups, rest) = hex.as_bytes().as_chunks::<8>();
    let mut bytes = [0; 16];
    let (fours, _) = bytes.as_chunks_mut::<4>();
    if groups.len() != fours.len() || !rest.is_empty() {
        return None;
    }
    for (four, group) in fours.iter_mut().zip(groups) {
        *four = four_bytes(*group)?;
    }
    Some(bytes)
}

/// Decodes eight hexadecimal digits at once, as one number; `None` if one of them is not `0` to `9` or `a` to `f`. No
/// addition overflows into the byte of another digit, whatever the input is.
fn four_bytes(digits: [u8; 8]) -> Option<[u8; 4]> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits);
    // Letters have bit 6, and end in 1 for ten.
    let values = (text & (EACH * 0x0f)) + (text >> 6 & EACH) * 9;
    let letters = (values + EACH * 6) >> 4 & EACH;
    // A letter after `f` has a value above 15.
    if values & (EACH * 0xf0) != 0 || values + EACH * 0x30 + letters * 39 != text {
        return None;
    }
    // Two digits are in each pair of bytes: the first belongs into the upper half.
    let [a, b, c, d, e, f, g, h] = values.to_be_bytes();
    Some([a << 4 | b, c << 4 | d, e << 4 | f, g << 4 | h])
}

/// Returns the ledger name by which an attempt is counted.
#[must_use]
pub fn try_name(charged: &Try) -> String {
    let budget = match charged.budget {
        Budget::Proven => "proven",
        Budget::Unproven => "unproven",
        Budget::Exempt => "exempt",
        Budget::Verify => "verify",
        Budget::Locker => "locker",
    };
    let (day, slot) = (Decimal::of(charged.day), Decimal::of(charged.slot.into()));
    ["try.", budget, ".", day.as_str(), ".", slot.as_str(), ".", charged.source.as_str()].concat()
}

/// Parses the ledger name by which an attempt is counted; `None` if it is the name of anything else.
#[must_use]
pub fn read_try(name: &str) -> Option<Try> {
    let mut parts = name.strip_prefix("try.")?.splitn(4, '.');
    let budget = match parts.next()? {
        "proven" => Budget::Proven,
        "unproven" => Budget::Unproven,
        "exempt" => Budget::Exempt,
        "verify" => Budget::Verify,
        "locker" => Budget::Locker,
        _ => return None,
    };
    Some(Try {
        budget,
        day: parts.next()?.parse().ok()?,
        slot: parts.next()?.parse().ok()?,
        source: SourceLabel::read(parts.next()?)?,
    })
}

/// Returns the ledger name that stores the start of a series of consecutive failures.
#[must_use]
pub fn row_name(row: FailureStreak) -> String {
    let (since, carried) = (Decimal::of(row.since.0), Decimal::of(row.carried.into()));
    ["row.", since.as_str(), ".", carried.as_str()].concat()
}

/// Parses the ledger name that stores the start of a series of consecutive failures; `None` if the name has another
/// form.
#[must_use]
pub fn read_row(name: &str) -> Option<FailureStreak> {
    let (since, carried) = name.strip_prefix("row.")?.split_once('.')?;
    Some(FailureStreak { since: UnixTime(since.parse().ok()?), carried: carried.parse().ok()? })
}

/// Returns the text of the ledger entry of a used step or attempt: the time at which the entry was created.
#[must_use]
pub fn instant(at: UnixTime) -> String {
    Decimal::of(at.0).as_str().into()
}

/// Parses the creation time in the text of the ledger entry of a used step or attempt; `None` if the text is damaged. A
/// nonce may follow the time.
#[must_use]
pub fn read_instant(text: &str) -> Option<UnixTime> {
    let at = text.split_once('.').map_or(text, |(at, _)| at);
    at.parse().ok().map(UnixTime)
}

/// Returns the text of the ledger entry by which one attempt reserves a step: the present time and the nonce of the
/// attempt.
#[must_use]
pub fn write_claim(at: UnixTime, nonce: Nonce) -> String {
    // Each accepted login writes a nonce; a general encoder takes five times as long.
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    let mut text = String::with_capacity(64);
    text.push_str(Decimal::of(at.0).as_str());
    text.push('.');
    for byte in nonce.0 {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Parses the nonce in the text of a ledger entry that reserves a step; `None` if the text has none.
#[must_use]
pub fn read_nonce(text: &str) -> Option<Nonce> {
    sixteen_bytes(text.split_once('.')?.1).map(Nonce)
}

/// Returns the ledger name for the refusal that is kept in `slot`, one of the `REFUSALS_KEPT` slots of each user.
#[must_use]
pub fn refused_name(slot: u8) -> String {
    ["refused.", Decimal::of(slot.into()).as_str()].concat()
}

/// Returns the text of a refusal: its time, reason, service and source.
#[must_use]
pub fn write_refused(refused: &Refused) -> String {
    let (at, reason, service) =
        (Decimal::of(refused.at.0), tidy(&refused.reason), tidy(&refused.service));
    [at.as_str(), " ", &reason, " ", &service, " ", refused.source.as_str()].concat()
}

/// Parses the text of a refusal; `None` if it is damaged.
#[must_use]
pub fn read_refused(text: &str) -> Option<Refused> {
    let mut parts = text.split(' ');
    Some(Refused {
        at: read_instant(parts.next()?)?,
        reason: parts.next()?.into(),
        service: parts.next()?.into(),
        source: SourceLabel::read(parts.next()?)?,
    })
}

fn tidy(word: &str) -> String {
    let harmless = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }
    };
    match word {
        "" => "-".into(),
        word => word.chars().take(WORD_MAX).map(harmless).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let used = Used { mark: KeyId([0xa5; 16]), step: Step(58_123_456) };
        assert_eq!(used_name(&used), "used.a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5.58123456");
        assert_eq!(read_used(&used_name(&used)), Some(used));
        for (source, budget) in [
            ("203.0.113.7", Budget::Proven),
            ("2001:db8::", Budget::Unproven),
            ("uid:1000", Budget::Verify),
            ("tty:pts_0", Budget::Exempt),
            ("agent:1000", Budget::Locker),
        ] {
            let charged =
                Try { budget, day: 20_000, slot: 3, source: SourceLabel::read(source).unwrap() };
            assert_eq!(read_try(&try_name(&charged)), Some(charged));
        }
    }

    #[test]
    fn claims_say_when_and_by_which_attempt() {
        let (at, nonce) = (UnixTime(1_800_000_000), Nonce([0x0f; 16]));
        let text = write_claim(at, nonce);
        assert_eq!(text, "1800000000.0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f");
        assert_eq!((read_instant(&text), read_nonce(&text)), (Some(at), Some(nonce)));
        // An earlier format of claims had no nonce.
        assert_eq!((read_instant("1800000000"), read_nonce("1800000000")), (Some(at), None));
        for cut in 11..text.len() {
            assert_eq!(read_nonce(&text[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn other_names_are_not_taken_for_ours() {
        for name in [
            "",
            "used.",
            "used.a5.1",
            "used.a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a51",
            "used.\u{e4}5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a.1",
            "used.A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5.1",
            "try.proven.1.2",
        ] {
            assert_eq!(read_used(name), None, "{name}");
            assert_eq!(read_try(name), None, "{name}");
        }
        assert_eq!(read_try("try.other.1.2.a"), None);
        assert_eq!(read_try("try.proven.1.-2.a"), None);
    }

    #[test]
    fn only_hexadecimal_digits_are_decoded() {
        for byte in 0..=u8::MAX {
            let value = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
            for place in 0..8 {
                let mut digits = *b"00000000";
                digits[place] = byte;
                let expected = value.map(|value| (value << (28 - 4 * place)).to_be_bytes());
                assert_eq!(four_bytes(digits), expected, "{byte} {place}");
            }
        }
    }

    #[test]
    fn a_refusal_stays_one_short_line() {
        let refused = Refused {
            at: UnixTime(1_800_000_000),
            reason: "wrong_code".into(),
            service: "ssh d\n\u{1b}".repeat(99),
            source: SourceLabel::read("203.0.113.7").unwrap(),
        };
        let text = write_refused(&refused);
        assert!(
            text.len() < 128 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{text}"
        );
        let read = read_refused(&text).unwrap();
        assert_eq!((read.at, read.reason), (refused.at, refused.reason));
        assert_eq!(read_refused("x"), None);
    }
}
