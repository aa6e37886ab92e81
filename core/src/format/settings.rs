//! The settings file `twinlock.toml`: text to policy, with the line of each mistake.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::Deserialize;
use toml::Spanned;

use crate::{
    format::{comments, lines::line_at},
    policy::{
        Action, Author, Echo, Language, LedgerKind, Limits, Network, NotEnrolled, Places, Policy,
        Rule,
    },
    record::{Algorithm, Digits, Parameters, Period},
    time::UnixTime,
};

/// The largest file read, in bytes.
pub const SETTINGS_MAX: usize = 64 * 1024;

/// One mistake in a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; 0 where none can be named.
    pub line: u32,
    /// What is wrong, as a clause.
    pub what: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    issuer: Option<Spanned<String>>,
    language: Option<Spanned<String>>,
    not_enrolled: Option<Spanned<String>>,
    window: Option<Spanned<i64>>,
    tries: Option<Spanned<i64>>,
    prompt: Option<Spanned<String>>,
    echo: Option<bool>,
    throttle: Throttle,
    totp: Totp,
    rule: Vec<RuleTable>,
    records: Option<Spanned<String>>,
    ledger: Option<Spanned<String>>,
    ledger_persistent: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Throttle {
    free: Option<Spanned<i64>>,
    delay: Option<Spanned<i64>>,
    max_delay: Option<Spanned<i64>>,
    per_day: Option<Spanned<i64>>,
    in_a_row: Option<Spanned<i64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Totp {
    digits: Option<Spanned<i64>>,
    period: Option<Spanned<i64>>,
    algorithm: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    user: Option<String>,
    group: Option<String>,
    service: Option<String>,
    network: Option<Spanned<String>>,
    action: Spanned<String>,
    until: Option<Spanned<toml::value::Datetime>>,
}

/// Reads a settings file; what is not set has its default.
///
/// # Errors
/// [`Mistake`], the first one found.
pub fn read(text: &str) -> Result<Policy, Mistake> {
    let text = &comments::taken_out(text);
    let file: File = toml::from_str(text).map_err(|error| Mistake {
        line: line_at(text, error.span().map_or(0, |span| span.start)),
        what: one_line(error.message()),
    })?;
    Reader { text }.policy(file)
}

fn one_line(message: &str) -> String {
    message.replace('\n', ", ").trim().to_string()
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn policy(&self, file: File) -> Result<Policy, Mistake> {
        let usual = Policy::default();
        Ok(Policy {
            issuer: file.issuer.map(|issuer| self.issuer(issuer)).transpose()?,
            language: self.word(
                file.language,
                "language",
                &[("en", Language::English), ("sv", Language::Swedish)],
            )?,
            not_enrolled_by: Author::of(file.not_enrolled.as_ref()),
            not_enrolled: self.word(
                file.not_enrolled,
                "not_enrolled",
                &[("deny", NotEnrolled::Deny), ("allow", NotEnrolled::Allow)],
            )?,
            window: self.number(file.window, "window", (0, 10), usual.window)?,
            tries: self.number(file.tries, "tries", (1, 10), usual.tries)?,
            prompt: file.prompt.map(|prompt| self.prompt(prompt)).transpose()?,
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
            },
            ..usual
        })
    }

    fn mistake<T>(&self, found: &Spanned<T>, what: String) -> Mistake {
        Mistake { line: line_at(self.text, found.span().start), what }
    }

    fn number<N: TryFrom<i64>>(
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

    fn word<T: Copy + Default>(
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

    fn issuer(&self, found: Spanned<String>) -> Result<String, Mistake> {
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

    fn prompt(&self, found: Spanned<String>) -> Result<String, Mistake> {
        if found.get_ref().is_empty()
            || found.get_ref().len() > 500
            || found.get_ref().contains(char::is_control)
        {
            return Err(self.mistake(
                &found,
                "prompt must be 1 to 500 bytes without control characters".into(),
            ));
        }
        Ok(found.into_inner())
    }

    fn folder(
        &self,
        found: Option<Spanned<String>>,
        key: &str,
        usual: String,
    ) -> Result<String, Mistake> {
        let Some(found) = found else { return Ok(usual) };
        let path = found.get_ref();
        let whole = path.starts_with('/') && path.len() < 1024 && !path.contains('\0');
        let plain = path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
        if whole && plain {
            return Ok(found.into_inner());
        }
        Err(self.mistake(&found, format!("{key} must be a whole path without . and .. in it")))
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

    fn action(&self, found: &RuleTable) -> Result<Action, Mistake> {
        // What is left of a longer rule when a file was cut off must not exempt everybody for good.
        let of_nobody = found.user.is_none()
            && found.group.is_none()
            && found.service.is_none()
            && found.network.is_none()
            && found.until.is_none();
        let what = match found.action.get_ref().as_str() {
            "require" => return Ok(Action::Require),
            "exempt" if of_nobody => {
                "a rule that exempts must say whom (user, group, service, network) or until when"
                    .into()
            }
            "exempt" => return Ok(Action::Exempt),
            other => format!("action = \"{other}\" is none of require, exempt"),
        };
        Err(self.mistake(&found.action, what))
    }

    fn rule(&self, found: RuleTable) -> Result<Rule, Mistake> {
        let action = self.action(&found)?;
        let network = found.network.map(|text| {
            Network::parse(text.get_ref()).ok_or_else(|| {
                self.mistake(
                    &text,
                    format!(
                        "network = \"{}\" is no address like 10.0.0.0/8; names are not looked up",
                        text.get_ref()
                    ),
                )
            })
        });
        let until = found.until.map(|until| {
            let what = || format!("until = {} is no date like 2027-01-31", until.get_ref());
            date(until.get_ref()).ok_or_else(|| self.mistake(&until, what()))
        });
        Ok(Rule {
            user: found.user,
            group: found.group,
            service: found.service,
            network: network.transpose()?,
            action,
            until: until.transpose()?,
        })
    }
}

/// The first second of a date, UTC; nothing for a time of day.
fn date(found: &toml::value::Datetime) -> Option<UnixTime> {
    let toml::value::Datetime { date: Some(date), time: None, offset: None } = found else {
        return None;
    };
    UnixTime::of_date(date.year, date.month, date.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(read("").unwrap(), Policy::default());
    }

    #[test]
    fn the_shipped_files_are_the_default() {
        // The reference writes everything out, and what is written no PAM line makes milder.
        let written = Policy { not_enrolled_by: Author::Settings, ..Policy::default() };
        for (shipped, policy) in [
            (include_str!("../../../config/twinlock.toml"), Policy::default()),
            ("[throttle]", Policy::default()),
            (include_str!("../../../config/twinlock.toml.reference"), written),
        ] {
            assert_eq!(read(shipped).unwrap(), policy);
        }
    }

    #[test]
    fn everything_can_be_set() {
        let policy = read(
            "issuer = \"Ex\"\nlanguage = \"sv\"\nnot_enrolled = \"allow\"\nwindow = 10\ntries = 1\n\
             prompt = \"Kod: \"\necho = true\nrecords = \"/srv/r\"\nledger = \"/srv/l\"\n\
             ledger_persistent = true\n[throttle]\nfree = 1\ndelay = 2\nmax_delay = 3\nper_day = 4\n\
             in_a_row = 5\n[totp]\ndigits = 8\nperiod = 60\nalgorithm = \"sha256\"\n\
             [[rule]]\nuser = \"backup\"\ngroup = \"g\"\nservice = \"sshd\"\nnetwork = \"10.0.0.0/8\"\n\
             action = \"exempt\"\nuntil = 2027-02-28\n[[rule]]\naction = \"require\"\n",
        )
        .unwrap();
        assert_eq!(policy.issuer.as_deref(), Some("Ex"));
        assert_eq!((policy.language, policy.not_enrolled), (Language::Swedish, NotEnrolled::Allow));
        assert_eq!((policy.window, policy.tries, policy.echo), (10, 1, Echo::Shown));
        let limits = Limits { free: 1, delay: 2, max_delay: 3, per_day: 4, in_a_row: 5 };
        assert_eq!(policy.throttle, limits);
        assert_eq!(policy.new_keys.algorithm, Algorithm::Sha256);
        assert_eq!(policy.places.ledger_kind, LedgerKind::Persistent);
        assert_eq!(policy.rules.len(), 2);
        let until = policy.rules[0].until.unwrap();
        assert_eq!((until.date(), until.clock()), ((2027, 2, 28), (0, 0, 0)));
    }

    #[test]
    fn each_mistake_names_its_line() {
        for (text, line, what) in [
            ("windwo = 1", 1, "unknown field `windwo`"),
            ("\nwindow = 11", 2, "window = 11 is not between 0 and 10"),
            ("window = \"1\"", 1, "expected i64"),
            ("tries = 0", 1, "tries = 0 is not between 1 and 10"),
            ("tries = 1\ntries = 2", 2, "duplicate key"),
            ("language = \"de\"", 1, "language = \"de\" is none of en, sv"),
            ("not_enrolled = \"ignore\"", 1, "none of deny, allow"),
            ("records = \"var/lib\"", 1, "records must be a whole path"),
            ("ledger = \"/run/../etc\"", 1, "ledger must be a whole path"),
            ("[throttle]\nin_a_row = 101", 2, "throttle.in_a_row = 101"),
            ("[totp]\nalgorithm = \"MD5\"", 2, "totp.algorithm"),
            ("[[rule]]\nuser = \"a\"", 1, "missing field `action`"),
            ("[[rule]]\naction = \"allow\"", 2, "none of require, exempt"),
            ("[[rule]]\naction = \"exempt\"", 2, "must say whom"),
            ("[[rule]]\naction = \"exempt\"\nnetwork = \"office\"", 3, "network = \"office\""),
            ("[[rule]]\naction = \"exempt\"\nuntil = 2027-02-29", 3, ""),
            (
                "[[rule]]\naction = \"exempt\"\nuntil = 2027-02-01T10:00:00",
                3,
                "until = 2027-02-01T10",
            ),
            ("[[rule]]\naction = \"exempt\"\nuntil = \"soon\"", 3, ""),
            ("issuer = \"a:b\"", 1, "issuer must be"),
            ("prompt = \"\\u001b[1m\"", 1, "prompt must be"),
            ("window = ", 1, ""),
            ("[", 1, ""),
        ] {
            let mistake = read(text).unwrap_err();
            assert_eq!(mistake.line, line, "{text}: {mistake:?}");
            assert!(mistake.what.contains(what), "{text}: {mistake:?}");
            assert!(!mistake.what.contains('\n'));
        }
    }
}
