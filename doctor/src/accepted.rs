//! /etc/twinlock/accepted.toml: ways in (logins without a code) that an administrator accepts, each with a reason and
//! an end date.
use toml::de::{DeTable, DeValue};
use twinlock_core::base::time::UnixTime;

use crate::finding::{Finding, Level};

/// The path of the file that lists the accepted logins without a code.
pub const FILE: &str = "/etc/twinlock/accepted.toml";

/// The content of accepted.toml.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AcceptedFile {
    /// PAM services that must ask for a code, in lower case. If the stack of one of them does not call twinlock's
    /// module, doctor reports that users log in without a code.
    pub protect: Vec<String>,
    /// The ways in (logins without a code) that an administrator accepts.
    pub accepted: Vec<AcceptedFinding>,
}

/// One way in (a login without a code) that an administrator accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptedFinding {
    /// Name of the finding ([`Finding::id`]) that reports the accepted login without a code.
    pub finding: String,
    /// Name of the PAM service to which the entry applies.
    pub service: String,
    /// Text that must equal [`Finding::outcome`]. The entry does not accept a finding with any other text, such as one
    /// about logins of more users.
    pub outcome: String,
    /// Why the administrator accepts the login without a code.
    pub reason: String,
    /// Start (00:00 UTC) of the first day on which the entry no longer accepts the login without a code.
    pub until: UnixTime,
}

/// Parses the text of accepted.toml.
///
/// # Errors
/// A clause without a full stop that says what is wrong with `text`.
pub fn read(text: &str) -> Result<AcceptedFile, String> {
    let parsed = DeTable::parse(text).map_err(|error| error.message().replace('\n', ", "))?;
    let mut found = AcceptedFile::default();
    for (key, value) in parsed.into_inner() {
        match (key.get_ref().as_ref(), value.into_inner()) {
            ("accepted", DeValue::Array(entries)) => {
                for one in entries {
                    let DeValue::Table(table) = one.into_inner() else {
                        return Err("`accepted` is not a list of tables".to_owned());
                    };
                    found.accepted.push(entry(table)?);
                }
            }
            ("accepted", _) => {
                return Err("`accepted` is not a list of [[accepted]] tables".to_owned());
            }
            ("protect", DeValue::Array(names)) => {
                found.protect = names.into_iter().map(service).collect::<Result<_, _>>()?;
            }
            ("protect", _) => return Err("`protect` is not a list of services".to_owned()),
            (other, _) => return Err(format!("there is no key `{other}`")),
        }
    }
    Ok(found)
}

fn service(name: toml::Spanned<DeValue<'_>>) -> Result<String, String> {
    let name = name.into_inner();
    let name = name.as_str().filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
    name.ok_or_else(|| "`protect` is not a list of services, such as [\"sudo\", \"su\"]".to_owned())
}

fn entry(mut table: DeTable<'_>) -> Result<AcceptedFinding, String> {
    let mut text = |key: &str| match table.remove(key).map(toml::Spanned::into_inner) {
        Some(DeValue::String(text)) if !text.is_empty() => Ok(text.into_owned()),
        Some(_) | None => Err(format!("an entry needs `{key}`, a string")),
    };
    let (finding, service) = (text("finding")?, text("service")?);
    let (outcome, reason) = (text("outcome")?, text("reason")?);
    let until = match table.remove("until").map(toml::Spanned::into_inner) {
        Some(DeValue::Datetime(date)) => {
            date.date.and_then(|day| UnixTime::of_date(day.year, day.month, day.day))
        }
        Some(_) | None => None,
    };
    let until = until.ok_or("an entry needs `until`, a date like 2027-01-31")?;
    match table.keys().next() {
        Some(key) => Err(format!("there is no key `{}` in an entry", key.get_ref())),
        None => Ok(AcceptedFinding { finding, service, outcome, reason, until }),
    }
}

/// Names of findings that an entry can accept although they do not report a login without a code. Each of them tells
/// the administrator to read a file.
const READ_BY_HAND: [&str; 1] = ["polkit-rule"];

/// Gives the level [`Level::Exception`] to each finding that has an entry for `service` in `entries`. If the entry has
/// expired by `now`, the finding keeps its level, and its remedy names the end date. Lock-outs are never accepted.
pub fn mark(findings: &mut [Finding], service: &str, entries: &[AcceptedFinding], now: UnixTime) {
    let may_be = |finding: &&mut Finding| {
        finding.level == Level::WayIn || READ_BY_HAND.contains(&finding.id)
    };
    for finding in findings.iter_mut().filter(may_be) {
        let outcome = finding.outcome();
        let accepts = |one: &&AcceptedFinding| {
            one.finding == finding.id && one.service == service && one.outcome == outcome
        };
        let Some(entry) = entries.iter().find(accepts) else { continue };
        let (year, month, day) = entry.until.date();
        let until = format!("{year:04}-{month:02}-{day:02}");
        if now < entry.until {
            finding.level = Level::Exception;
            finding.remedy = format!("Accepted until {until}: {}", entry.reason);
        } else {
            finding.remedy = format!("It was accepted until {until}. {}", finding.remedy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[accepted]]\nfinding = \"key-alone\"\nservice = \"sshd\"\noutcome = \"A key at /etc/x.\"\nreason = \"robots\"\nuntil = 2027-01-31\n";

    fn marked(text: &str, now: u64) -> Level {
        let mut found = [Finding {
            level: Level::WayIn,
            id: "key-alone",
            place: String::new(),
            what: "A key at /etc/x:12.".to_owned(),
            remedy: String::new(),
        }];
        mark(&mut found, "sshd", &read(text).unwrap().accepted, UnixTime(now));
        found[0].level
    }

    #[test]
    fn an_entry_accepts_one_outcome_until_its_day() {
        let day = UnixTime::of_date(2027, 1, 31).unwrap().0;
        assert_eq!(marked(ENTRY, day - 1), Level::Exception);
        assert_eq!(marked(ENTRY, day), Level::WayIn);
        for (from, to) in [("key-alone", "open-door"), ("\"sshd\"", "\"sudo\""), ("A key", "Keys")]
        {
            assert_eq!(marked(&ENTRY.replace(from, to), 0), Level::WayIn);
        }
    }

    #[test]
    fn an_incomplete_entry_is_refused() {
        for (from, to) in [
            ("reason = \"robots\"\n", ""),
            ("reason = \"robots\"", "reason = \"\""),
            ("2027-01-31", "\"soon\""),
            ("[[accepted]]", "[[acepted]]"),
            ("until", "extra = 1\nuntil"),
            ("= 2027", "2027"),
        ] {
            assert!(read(&ENTRY.replace(from, to)).is_err(), "{to}");
        }
        assert_eq!(read("").unwrap(), AcceptedFile::default());
    }

    #[test]
    fn protected_services_are_read_in_lower_case() {
        let text = format!("protect = [\"Sudo\", \"polkit-1\"]\n{ENTRY}");
        let file = read(&text).unwrap();
        assert_eq!(file.protect, ["sudo", "polkit-1"]);
        assert_eq!(file.accepted.len(), 1);
        for wrong in ["protect = \"sudo\"", "protect = [1]", "protect = [\"\"]", "protects = []"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
