//! Single values of a settings file: numbers in their range, words of a list, texts, folders, durations.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use toml::Spanned;

use crate::format::settings::{File, Mistake, Reader};
use crate::{
    format::lines::line_at,
    policy::TicketLives,
    time::{DAY, HOUR, MINUTE},
    voucher::TICKET_LONGEST,
};

impl Reader<'_> {
    pub(super) fn mistake<T>(&self, found: &Spanned<T>, what: String) -> Mistake {
        Mistake { line: line_at(self.text, found.span().start), what }
    }

    pub(super) fn number<N: TryFrom<i64>>(
        &self,
        found: Option<Spanned<i64>>,
        key: &str,
        range: (i64, i64),
        usual: N,
    ) -> Result<N, Mistake> {
        let Some(found) = found else { return Ok(usual) };
        let value = *found.get_ref();
        let fits = (range.0..=range.1).contains(&value);
        match N::try_from(value) {
            Ok(value) if fits => Ok(value),
            _ => Err(self.mistake(
                &found,
                format!("{key} = {value} is not between {} and {}", range.0, range.1),
            )),
        }
    }

    pub(super) fn word<T: Copy + Default>(
        &self,
        found: Option<Spanned<String>>,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<T, Mistake> {
        let Some(found) = found else {
            return Ok(T::default());
        };
        let hit = words.iter().find(|(word, _)| word == found.get_ref());
        hit.map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(
                &found,
                format!("{key} = \"{}\" is none of {}", found.get_ref(), all.join(", ")),
            )
        })
    }

    pub(super) fn issuer(&self, found: Spanned<String>) -> Result<String, Mistake> {
        let bad = |letter: char| letter.is_control() || letter == ':';
        if found.get_ref().is_empty() || found.get_ref().len() > 64 || found.get_ref().contains(bad)
        {
            return Err(self.mistake(
                &found,
                "issuer must be 1 to 64 bytes without colons and control characters".into(),
            ));
        }
        Ok(found.into_inner())
    }

    pub(super) fn folder(
        &self,
        found: Option<Spanned<String>>,
        key: &str,
        usual: Cow<'static, str>,
    ) -> Result<Cow<'static, str>, Mistake> {
        let Some(found) = found else { return Ok(usual) };
        let path = found.get_ref();
        let whole = path.starts_with('/') && path.len() < 1024 && !path.contains('\0');
        let plain = path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
        if whole && plain {
            return Ok(found.into_inner().into());
        }
        Err(self.mistake(&found, format!("{key} must be a whole path without . and .. in it")))
    }

    /// A text of one line.
    pub(super) fn text(
        &self,
        found: Option<Spanned<String>>,
        (key, most): (&str, usize),
    ) -> Result<Option<String>, Mistake> {
        let Some(found) = found else { return Ok(None) };
        let text = found.get_ref();
        if text.is_empty() || text.len() > most || text.contains(char::is_control) {
            let what = format!("{key} must be 1 to {most} bytes without control characters");
            return Err(self.mistake(&found, what));
        }
        Ok(Some(found.into_inner()))
    }

    /// How long tickets work; one that never works would be no ticket.
    pub(super) fn ticket_lives(&self, file: &mut File) -> Result<TicketLives, Mistake> {
        let usual = TicketLives::default();
        let mail = file.ticket_lifetime_mail.take();
        let paper = file.ticket_lifetime_paper.take();
        Ok(TicketLives {
            mail: self.ticket_life(mail, "ticket_lifetime_mail")?.unwrap_or(usual.mail),
            paper: self.ticket_life(paper, "ticket_lifetime_paper")?.unwrap_or(usual.paper),
        })
    }

    fn ticket_life(
        &self,
        found: Option<Spanned<String>>,
        key: &str,
    ) -> Result<Option<u64>, Mistake> {
        let Some(found) = found else { return Ok(None) };
        let seconds = seconds_of(found.get_ref());
        let fits = seconds.filter(|seconds| (MINUTE..=TICKET_LONGEST).contains(seconds));
        fits.map(Some).ok_or_else(|| {
            let what = format!("{key} is no duration like \"24 h\", of 1 min to 31 d");
            self.mistake(&found, what)
        })
    }

    /// A duration: `"90 min"`, `"12h"`, `"7 d"`, or 0 for none; at most `most` seconds.
    pub(super) fn duration(
        &self,
        found: Option<Spanned<String>>,
        (key, most): (&str, u64),
    ) -> Result<u64, Mistake> {
        let Some(found) = found else { return Ok(0) };
        let seconds = seconds_of(found.get_ref());
        seconds.filter(|seconds| *seconds <= most).ok_or_else(|| {
            let what =
                format!("{key} is no duration like \"8 h\", of at most {} d, or 0", most / DAY);
            self.mistake(&found, what)
        })
    }
}

/// Seconds of a duration such as `8 h`, `30m`, `7d` or `0`.
#[must_use]
pub fn seconds_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let unit = match unit.trim() {
        "" if number == 0 => 1,
        "s" => 1,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in [
            ("8h", Some(28_800)),
            ("8 h", Some(28_800)),
            ("90 min", Some(5400)),
            ("30m", Some(1800)),
            ("7 d", Some(604_800)),
            ("45s", Some(45)),
            ("0", Some(0)),
            ("8", None),
            ("", None),
            ("h", None),
            ("-1h", None),
            ("1.5h", None),
            ("99999999999999999999h", None),
            ("9999999999999999999d", None),
        ] {
            assert_eq!(seconds_of(text), seconds, "{text}");
        }
    }
}
