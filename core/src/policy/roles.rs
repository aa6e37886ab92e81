//! The roles file `roles.toml`, which says who may run some operations on other users without being root. Each error
//! names the line in the file.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::ops::RangeInclusive;

use toml::Spanned;

use crate::{
    base::{
        address::Address,
        time::{HOUR, MINUTE},
    },
    format::{
        comments,
        lines::line_at,
        tables::{Table, TableError},
    },
    policy::settings::{SettingsError, values::seconds_of},
};

/// Maximum size of a roles file in bytes.
pub const ROLES_MAX: usize = 64 * 1024;
/// Time in seconds for which a bypass code of a role is valid, unless the role says otherwise.
const BYPASS_USUAL: u64 = HOUR;
/// The range of lifetimes, in seconds, that a role may set for its bypass codes.
const BYPASS: RangeInclusive<u64> = MINUTE..=8 * HOUR;
/// How often a member may act within a day, unless the role says otherwise.
const PER_DAY_USUAL: u16 = 10;
const PER_DAY: RangeInclusive<u16> = 1..=1000;
/// Maximum length of the name of a role.
const NAME_MAX: usize = 32;

/// The content of a roles file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Names of groups; at least one. Accounts of their members cannot be managed by any role.
    pub protected: Vec<String>,
    /// The roles. No two roles have the same name.
    pub roles: Vec<Role>,
}

/// One role: the group whose members have it, what they may do, and on which users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The name of the role in logs and mails: lower-case letters, digits and `-`.
    pub name: String,
    /// The group whose members have the role.
    pub group: String,
    /// The group of the users who are managed: members of the role may run `verbs` only on accounts of members of this
    /// group.
    pub over: String,
    /// The subcommands that the role permits, at least one.
    pub verbs: Vec<RoleVerb>,
    /// How many members must agree to a change.
    pub approval: Approval,
    /// How often a member may act within a day.
    pub per_day: u16,
    /// Time in seconds for which a bypass code is valid.
    pub bypass_for: u64,
    /// Mail address that gets a report of each change; `None` if there is none.
    pub notify: Option<Address>,
}

/// A subcommand that a role can permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleVerb {
    /// See the state of the account.
    Status,
    /// See why logins were refused.
    Why,
    /// Clear failed attempts.
    Unlock,
    /// Reset the second factor and mail a ticket.
    Reset,
    /// Mail a bypass code.
    Bypass,
}

impl RoleVerb {
    /// All subcommands that a role can permit.
    pub const ALL: [Self; 5] = [Self::Status, Self::Why, Self::Unlock, Self::Reset, Self::Bypass];

    /// Returns the subcommand as a user types it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Why => "why",
            Self::Unlock => "unlock",
            Self::Reset => "reset",
            Self::Bypass => "bypass",
        }
    }

    /// Returns the subcommand with this name; `None` if no role can permit it.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// Returns whether the subcommand changes something. Such a subcommand needs a reason, and the approval of another
    /// member if the role requires one.
    #[must_use]
    pub fn changes(self) -> bool {
        matches!(self, Self::Unlock | Self::Reset | Self::Bypass)
    }
}

/// How many members of a role must agree to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Only the member who makes the change.
    Alone,
    /// The member who requests the change, and another member, who approves it.
    Another,
}

impl Roles {
    /// Parses a roles file.
    ///
    /// # Errors
    /// [`SettingsError`] for the first error in the file.
    pub fn read(text: &str) -> Result<Self, SettingsError> {
        let text = &comments::taken_out(text);
        Self::of(text).map_err(|odd| SettingsError {
            line: line_at(text, odd.at),
            what: odd.what.chars().flat_map(shown).collect(),
        })
    }

    fn of(text: &str) -> Result<Self, TableError> {
        let mut table = Table::parse(text)?;
        let at = table.at();
        let protected = table.strings("protected")?;
        let tables = table.tables("role")?;
        table.end()?;
        let protected = table.must("protected", protected)?.into_inner();
        if protected.is_empty() {
            let what = "protected names no group; the members of every role could be reset";
            return Err(TableError { at, what: what.into() });
        }
        for group in &protected {
            check_group(at, "protected", group)?;
        }
        let mut roles: Vec<Role> = Vec::new();
        for table in tables {
            let at = table.at();
            let role = role_of(table)?;
            if roles.iter().any(|other| other.name == role.name) {
                let what = format!("the name {} is used by another role", role.name);
                return Err(TableError { at, what });
            }
            roles.push(role);
        }
        Ok(Self { protected, roles })
    }

    /// Returns each group that the file names, with the protected ones first.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let of_roles = self.roles.iter().flat_map(|role| [role.group.as_str(), role.over.as_str()]);
        self.protected.iter().map(String::as_str).chain(of_roles)
    }
}

/// Returns `letter`, escaped if it is a control character, so that a value from the file stays on one line in an error
/// message.
fn shown(letter: char) -> impl Iterator<Item = char> {
    let escaped = letter.is_control().then(|| letter.escape_default());
    let plain = escaped.is_none().then_some(letter);
    escaped.into_iter().flatten().chain(plain)
}

fn role_of(mut table: Table<'_>) -> Result<Role, TableError> {
    let table_at = table.at();
    let (name, group) = (table.string("name")?, table.string("group")?);
    let (over, verbs) = (table.string("over")?, table.strings("verbs")?);
    let approve = table.number::<i64>("approve")?;
    let per_day = table.number::<i64>("per_day")?;
    let bypass_for = table.string_or_number("bypass_for")?;
    let notify = table.string("notify")?;
    // A misspelt key may be the cause of a missing one, so it is reported first.
    table.end()?;
    let role = Role {
        name: checked(table.must("name", name)?, "name", is_name, "a word of a-z, 0-9 and -")?,
        group: group_of(table.must("group", group)?, "group")?,
        over: group_of(table.must("over", over)?, "over")?,
        verbs: verbs_of(table_at, table.must("verbs", verbs)?.get_ref())?,
        approval: approval_of(approve)?,
        per_day: per_day_of(per_day)?,
        bypass_for: bypass_of(bypass_for)?,
        notify: notify_of(notify)?,
    };
    if role.group == role.over {
        let what = "group and over are the same; no role is over members of a role";
        return Err(TableError { at: table_at, what: what.into() });
    }
    Ok(role)
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn check_group(at: usize, key: &str, group: &str) -> Result<(), TableError> {
    if group.is_empty() || group.contains(char::is_control) {
        return Err(TableError { at, what: format!("{key} = \"{group}\" is no name of a group") });
    }
    Ok(())
}

fn group_of(group: Spanned<String>, key: &str) -> Result<String, TableError> {
    check_group(group.span().start, key, group.get_ref())?;
    Ok(group.into_inner())
}

fn checked(
    found: Spanned<String>,
    key: &str,
    is_valid: fn(&str) -> bool,
    wanted: &str,
) -> Result<String, TableError> {
    if is_valid(found.get_ref()) {
        return Ok(found.into_inner());
    }
    Err(odd(&found, key, &format!("\"{}\"", found.get_ref()), wanted))
}

fn odd<T>(found: &Spanned<T>, key: &str, value: &str, wanted: &str) -> TableError {
    TableError { at: found.span().start, what: format!("{key} = {value} is not {wanted}") }
}

fn verbs_of(at: usize, words: &[String]) -> Result<Vec<RoleVerb>, TableError> {
    let known: Vec<&str> = RoleVerb::ALL.iter().map(|verb| verb.word()).collect();
    let mut verbs = Vec::new();
    for word in words {
        let Some(verb) = RoleVerb::named(word) else {
            let what = format!("verbs has \"{word}\", which is none of {}", known.join(", "));
            return Err(TableError { at, what });
        };
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    if verbs.is_empty() {
        return Err(TableError { at, what: format!("verbs is none of {}", known.join(", ")) });
    }
    Ok(verbs)
}

fn approval_of(found: Option<Spanned<i64>>) -> Result<Approval, TableError> {
    let Some(found) = found else { return Ok(Approval::Alone) };
    match found.get_ref() {
        1 => Ok(Approval::Alone),
        2 => Ok(Approval::Another),
        other => Err(odd(&found, "approve", &other.to_string(), "1 or 2")),
    }
}

fn per_day_of(found: Option<Spanned<i64>>) -> Result<u16, TableError> {
    let Some(found) = found else { return Ok(PER_DAY_USUAL) };
    let number = u16::try_from(*found.get_ref()).ok().filter(|number| PER_DAY.contains(number));
    number.ok_or_else(|| {
        let wanted = format!("between {} and {}", PER_DAY.start(), PER_DAY.end());
        odd(&found, "per_day", &found.get_ref().to_string(), &wanted)
    })
}

fn bypass_of(found: Option<Spanned<String>>) -> Result<u64, TableError> {
    let Some(found) = found else { return Ok(BYPASS_USUAL) };
    let seconds = seconds_of(found.get_ref()).filter(|seconds| BYPASS.contains(seconds));
    let value = || format!("\"{}\"", found.get_ref());
    seconds.ok_or_else(|| odd(&found, "bypass_for", &value(), "a time from 1m to 8h"))
}

fn notify_of(found: Option<Spanned<String>>) -> Result<Option<Address>, TableError> {
    let Some(found) = found else { return Ok(None) };
    let value = || format!("\"{}\"", found.get_ref());
    let address = Address::read(found.get_ref());
    address.map(Some).ok_or_else(|| odd(&found, "notify", &value(), "a mail address"))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const WHOLE: &str = "# Comment\nprotected = [\"root\", \"sudo\"]\n\n[[role]]\nname = \"help-desk\"\n\
        group = \"helpdesk\"\nover = \"staff\"\nverbs = [\"status\", \"reset\", \"bypass\", \"reset\"]\n\
        approve = 2\nper_day = 20\nbypass_for = \"8h\"\nnotify = \"security@example.org\"\n";

    #[test]
    fn roles_are_read() {
        let roles = Roles::read(WHOLE).unwrap();
        assert_eq!(roles.groups().collect::<Vec<_>>(), ["root", "sudo", "helpdesk", "staff"]);
        let role = &roles.roles[0];
        assert_eq!(role.verbs, [RoleVerb::Status, RoleVerb::Reset, RoleVerb::Bypass]);
        assert_eq!((role.approval, role.per_day), (Approval::Another, 20));
        assert_eq!(role.bypass_for, 8 * HOUR);
        let least = "protected = [\"root\"]\n[[role]]\nname = \"a\"\ngroup = \"b\"\nover = \"c\"\n\
                     verbs = [\"why\"]\n";
        let role = Roles::read(least).unwrap().roles.remove(0);
        assert_eq!((role.approval, role.per_day, role.bypass_for), (Approval::Alone, 10, HOUR));
        assert_eq!(role.notify, None);
        assert_eq!(Roles::read("protected = [\"root\"]").unwrap().roles, vec![]);
    }

    #[test]
    fn each_error_has_its_line() {
        for (from, to, line, what) in [
            ("protected = [\"root\", \"sudo\"]", "", 1, "missing field `protected`"),
            ("[\"root\", \"sudo\"]", "[]", 1, "protected names no group"),
            ("[\"root\", \"sudo\"]", "[\"root\", \"\"]", 1, "protected = \"\" is no name"),
            ("[\"root\", \"sudo\"]", "\"root\"", 2, "protected is of type string"),
            ("help-desk", "Help Desk", 5, "name = \"Help Desk\" is not"),
            ("\"helpdesk\"", "\"a\\nb\"", 6, "group = \"a\\nb\" is no name of a group"),
            ("\"staff\"", "\"helpdesk\"", 4, "group and over are the same"),
            ("over", "ovr", 7, "there is no setting ovr"),
            ("\"status\"", "\"show-key\"", 4, "verbs has \"show-key\", which is none of status"),
            ("[\"status\", \"reset\", \"bypass\", \"reset\"]", "[]", 4, "verbs is none of"),
            ("approve = 2", "approve = 3", 9, "approve = 3 is not 1 or 2"),
            ("approve = 2", "approve = \"2\"", 9, "approve is of type string"),
            ("per_day = 20", "per_day = 0", 10, "per_day = 0 is not between 1 and 1000"),
            ("\"8h\"", "\"9h\"", 11, "bypass_for = \"9h\" is not a time from 1m to 8h"),
            ("\"8h\"", "0", 11, "bypass_for = \"0\" is not"),
            ("security@", "a b@", 12, "notify = \"a b@example.org\" is not a mail address"),
            ("[[role]]", "[role]", 4, "role is of type table"),
            ("[[role]]", "[[rule]]", 4, "there is no setting rule"),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            let error = Roles::read(&text).unwrap_err();
            assert!(error.what.starts_with(what), "{text}: {error}");
            assert_eq!(error.line, line, "{text}: {error}");
        }
        let twice = alloc::format!("{WHOLE}{}", &WHOLE[WHOLE.find("[[role]]").unwrap()..]);
        let error = Roles::read(&twice).unwrap_err();
        assert_eq!(
            (error.line, error.what.as_str()),
            (13, "the name help-desk is used by another role")
        );
    }

    #[test]
    fn nothing_makes_the_reader_panic() {
        for cut in 0..WHOLE.len() {
            let _ = Roles::read(&WHOLE[..cut]);
        }
        for text in ["\0", "protected = [1]", "protected = [[\"root\"]]", "role = 1", "\u{feff}"] {
            assert!(Roles::read(text).is_err(), "{text:?}");
        }
    }
}
