//! Finds out which accounts can pass the conditions of a stack (lines whose modules test the account), and which
//! answers one account can get from all of these lines together.
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::pam::access;
use crate::pam::code::PamCode;
use crate::pam::modules::file_name;
use crate::pam::stack::{Handler, StackKind};
use crate::pam::subject::FLAGS;
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Cast};

/// An account of the machine, or an invented account that stands for accounts which /etc/passwd does not contain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct CensusAccount {
    /// The name of the account.
    pub name: String,
    /// The user id of the account.
    pub uid: u32,
    /// Names of the groups of the account, including the primary group.
    pub groups: Vec<String>,
    /// Path of the account's login shell; `None` for an invented account, which /etc/passwd does not contain.
    pub shell: Option<String>,
}

/// The accounts of a machine, and the texts of the files that PAM lines read to test an account (such as the file of
/// pam_listfile). These files are called lists below.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// The accounts that can have every factor; `None` if others may exist.
    pub people: Option<Rc<Vec<CensusAccount>>>,
    /// Text of each list, by the path of the list. A list whose text is not known is absent.
    pub lists: BTreeMap<String, String>,
}

/// Maximum number of names of groups that the conditions (lines that test the account) may contain, and maximum number
/// of invented accounts. If one of them is exceeded, every combination of answers counts as possible.
const GROUPS_MAX: usize = 6;
const PEOPLE_MAX: usize = 20_000;
/// Return codes by which a module says that the account does not meet its condition.
const REFUSALS: [PamCode; 2] = [PamCode::AUTH_ERR, PamCode::PERM_DENIED];

/// The list that pam_access reads if the arguments of the PAM line do not name a file.
pub const ACCESS: &str = access::FILE;

/// Returns the path of the list that a PAM line reads; `None` if it reads none. `path` is the module of the line.
#[must_use]
pub fn list_of<'a>(path: &str, args: &'a [String]) -> Option<&'a str> {
    let value = |key: &str| args.iter().rev().find_map(|word| word.strip_prefix(key));
    match file_name(path) {
        "pam_listfile.so" => value("file="),
        "pam_access.so" => Some(value("accessfile=").unwrap_or(ACCESS)),
        "pam_shells.so" => Some("/etc/shells"),
        "pam_usertype.so" => Some("/etc/login.defs"),
        _ => None,
    }
}

/// Returns the paths of the lists that the lines of the stack read, each path once.
#[must_use]
pub fn lists(stack: &[Handler]) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for handler in stack {
        let StackKind::Module { path, args } = &handler.kind else { continue };
        found.extend(list_of(path, args).filter(|list| !found.contains(list)));
    }
    found
}

/// Reports whether a line of the stack tests the account.
#[must_use]
pub fn asks(stack: &[Handler]) -> bool {
    let asking = ["pam_succeed_if.so", "pam_localuser.so"];
    let is = |line: &Handler| match &line.kind {
        StackKind::Module { path, args } => {
            asking.contains(&file_name(path)) || list_of(path, args).is_some()
        }
        StackKind::Substack | StackKind::Broken => false,
    };
    stack.iter().any(is)
}

impl Census {
    /// Returns whether the module `path` with the arguments `args` succeeds for the account; `None` if that depends on
    /// more than the account, or on a list that is not known.
    #[must_use]
    pub fn holds(&self, path: &str, args: &[String], person: &CensusAccount) -> Option<bool> {
        let list = || self.lists.get(list_of(path, args)?);
        let plain = args.iter().all(|arg| arg == "debug");
        match file_name(path) {
            "pam_succeed_if.so" => succeeds_if(args, person),
            "pam_listfile.so" => listed(args, list()?, person),
            "pam_access.so" => access::admits(list()?, args, person),
            "pam_localuser.so" => person.shell.as_ref().map(|_| true).filter(|_| plain),
            "pam_shells.so" => {
                let shell = person.shell.as_ref().filter(|shell| !shell.is_empty() && plain)?;
                Some(list()?.lines().any(|line| line == shell))
            }
            "pam_usertype.so" => {
                let is_system = is_system(list()?, person.uid);
                match args
                    .iter()
                    .map(String::as_str)
                    .filter(|arg| *arg != "audit")
                    .collect::<Vec<_>>()[..]
                {
                    ["issystem"] => Some(is_system),
                    ["isregular"] => Some(!is_system),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Removes the rows of the truth table that no account, whatever its name, could ever reach, because no account
    /// gets this combination of answers from the conditions. For each other row, sets [`CaseRow::met`], which tells
    /// whether one of the known accounts can get the answers of the row.
    pub fn apply(&self, table: &mut CaseTable) {
        let mut rows = std::mem::take(&mut table.rows);
        let conditions = conditions(table);
        let possible = possible(&conditions, &self.lists);
        let possible = possible.map(|people| self.answers(&conditions, &people));
        let real = self.people.as_ref().map(|people| self.answers(&conditions, people));
        rows.retain_mut(|row| {
            let consulted: Vec<usize> = table.consulted(row).collect();
            let is_met = |answers: &Option<Vec<Answers>>, whose: AccountKind| {
                let asked = Asked { conditions: &conditions, consulted: &consulted, whose };
                answers.as_ref().is_none_or(|all| all.iter().any(|one| asked.fits(one, row)))
            };
            let (can_be, met) =
                (is_met(&possible, AccountKind::AnyName), is_met(&real, AccountKind::Known));
            row.met = met;
            can_be
        });
        table.rows = rows;
    }

    /// Returns whether the account `name` can get the answers of the modules that this row of the truth table assumes.
    /// Returns `true` if the account is not in [`Census::people`].
    #[must_use]
    pub fn is_met_by(&self, table: &CaseTable, row: &CaseRow, name: &str) -> bool {
        let mut known = self.people.iter().flat_map(|people| people.iter());
        let Some(person) = known.find(|one| one.name == name) else { return true };
        let conditions = conditions(table);
        let consulted: Vec<usize> = table.consulted(row).collect();
        let asked =
            Asked { conditions: &conditions, consulted: &consulted, whose: AccountKind::Known };
        let answers = self.answers(&conditions, std::slice::from_ref(person));
        answers.iter().any(|one| asked.fits(one, row))
    }

    /// Returns what the conditions answer for each account. Accounts with the same answers share one entry.
    fn answers(
        &self,
        conditions: &[CensusCondition<'_>],
        people: &[CensusAccount],
    ) -> Vec<Answers> {
        let of = |person: &CensusAccount| -> Answers {
            conditions.iter().map(|one| self.holds(one.path, one.args, person)).collect()
        };
        let mut all: Vec<Answers> = people.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// A condition of the stack: its index in the truth table, and the module that tests it, with its arguments.
struct CensusCondition<'a> {
    number: usize,
    path: &'a str,
    args: &'a [String],
}

/// Returns the conditions whose success and failure have different effects on the stack. The other conditions are left
/// out, because no account need be tested for them.
fn conditions(table: &CaseTable) -> Vec<CensusCondition<'_>> {
    let both = |number: usize| {
        let codes = table.conditions.get(number).map_or([].as_slice(), |one| &one.codes);
        codes.contains(&PamCode::SUCCESS) && codes.iter().any(|code| REFUSALS.contains(code))
    };
    let mut found: Vec<CensusCondition<'_>> = Vec::new();
    for Cast { handler, role } in &table.cast {
        if let (AssumedRole::Condition(number), StackKind::Module { path, args }) =
            (role, &handler.kind)
            && both(*number)
            && !found.iter().any(|one| one.number == *number)
        {
            found.push(CensusCondition { number: *number, path, args });
        }
    }
    found
}

/// The answers of the conditions for one account: for each condition, whether it is met; `None` if that is not known.
type Answers = Vec<Option<bool>>;

/// Kind of an account, when doctor decides whether the account can get the answers that a row of the truth table
/// assumes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AccountKind {
    /// An account that exists, so that every module finds it.
    Known,
    /// An invented account, which a module may not find.
    AnyName,
}

/// A question about an account: can it get the answers that are assumed in a row of the truth table? Contains the
/// conditions of the stack (modules that test the account), the indexes of those that were called in the row, and the
/// kind of account.
struct Asked<'a> {
    conditions: &'a [CensusCondition<'a>],
    consulted: &'a [usize],
    whose: AccountKind,
}

impl Asked<'_> {
    /// Reports whether an account that gets `answers` from the conditions can be the account of the user in `row`.
    fn fits(&self, answers: &Answers, row: &CaseRow) -> bool {
        answers.iter().zip(self.conditions).all(|(holds, condition)| {
            let number = Some(condition.number).filter(|number| self.consulted.contains(number));
            let code = number.and_then(|number| row.world.conditions.get(number));
            match (holds, code) {
                (Some(holds), Some(&PamCode::SUCCESS)) => *holds,
                (Some(holds), Some(code)) if REFUSALS.contains(code) => !holds,
                (Some(_), Some(_)) => self.whose == AccountKind::AnyName,
                (_, None) | (None, _) => true,
            }
        })
    }
}

/// Invents accounts, one for each combination of name, user id and groups that the conditions (lines that test the
/// account) can tell apart. Returns `None` if there would be too many.
fn possible(
    conditions: &[CensusCondition<'_>],
    lists: &BTreeMap<String, String>,
) -> Option<Vec<CensusAccount>> {
    let mut words: Vec<&str> = Vec::new();
    for one in conditions {
        words.extend(one.args.iter().flat_map(|word| word.split([':', '='])));
        let list = list_of(one.path, one.args).and_then(|list| lists.get(list));
        let list = list.map_or("", String::as_str);
        words.extend(list.split(|c: char| c.is_whitespace() || ":()".contains(c)));
    }
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words.dedup();
    let numbers = words.iter().filter_map(|word| word.parse::<u32>().ok());
    let mut uids: Vec<u32> = numbers
        .flat_map(|one| [one.saturating_sub(1), one, one.saturating_add(1)])
        .chain([0, 100, 999, 1000])
        .collect();
    uids.sort_unstable();
    uids.dedup();
    let is_group = |word: &&&str| conditions.iter().any(|one| may_be_group(one, word, lists));
    let groups: Vec<&str> = words.iter().filter(is_group).copied().collect();
    let names: Vec<&str> = words.iter().copied().chain([""]).collect();
    let kinds = 1_usize << groups.len().min(GROUPS_MAX + 1);
    if groups.len() > GROUPS_MAX || kinds * names.len() * uids.len() > PEOPLE_MAX {
        return None;
    }
    let mut people = Vec::new();
    for (name, uid) in names.iter().flat_map(|name| uids.iter().map(move |uid| (name, uid))) {
        people.extend((0..kinds).map(|kind| {
            let is_in = |(bit, _): &(usize, &&str)| kind & (1 << bit) != 0;
            let groups = groups.iter().enumerate().filter(is_in).map(|(_, one)| (*one).to_owned());
            CensusAccount {
                name: (*name).to_owned(),
                uid: *uid,
                groups: groups.collect(),
                shell: None,
            }
        }));
    }
    Some(people)
}

/// Reports whether the condition may compare `word` with names of groups.
fn may_be_group(
    condition: &CensusCondition<'_>,
    word: &str,
    lists: &BTreeMap<String, String>,
) -> bool {
    let in_args = condition.args.iter().any(|arg| arg.split(':').any(|part| part == word));
    let in_list = || {
        let list = list_of(condition.path, condition.args).and_then(|list| lists.get(list));
        list.is_some_and(|text| text.contains(word))
    };
    match file_name(condition.path) {
        "pam_succeed_if.so" => in_args && condition.args.iter().any(|arg| arg.ends_with("ingroup")),
        "pam_listfile.so" => condition.args.iter().any(|arg| arg == "item=group") && in_list(),
        "pam_access.so" => in_list(),
        _ => false,
    }
}

/// Returns whether pam_listfile with these arguments succeeds for the account. `list` is the text of its list. `None`
/// if the answer depends on more than the list and the account.
fn listed(args: &[String], list: &str, person: &CensusAccount) -> Option<bool> {
    let value = |key: &str| args.iter().rev().find_map(|word| word.strip_prefix(key));
    let known = ["item=", "file=", "sense=", "onerr=", "quiet"];
    if args.iter().any(|word| !known.iter().any(|one| word.starts_with(one))) {
        return None;
    }
    let mut names = list.lines();
    let is_in = match value("item=")? {
        "user" => names.any(|name| name == person.name),
        "group" => names.any(|name| person.groups.iter().any(|group| group == name)),
        _ => return None,
    };
    match value("sense=")? {
        "allow" => Some(is_in),
        "deny" => Some(!is_in),
        _ => None,
    }
}

/// Returns whether pam_usertype treats a user id as that of a system account. `login_defs` is the text of
/// /etc/login.defs.
fn is_system(login_defs: &str, uid: u32) -> bool {
    let value = |key: &str| {
        let mut lines = login_defs.lines().filter_map(|line| line.trim_start().strip_prefix(key));
        lines.find_map(|rest| rest.strip_prefix([' ', '\t'])?.trim().parse::<u32>().ok())
    };
    let least = value("UID_MIN").unwrap_or(1000);
    let most = value("SYS_UID_MAX").unwrap_or(least.saturating_sub(1));
    uid <= 99 || uid == 65534 || uid <= most && uid < least
}

/// Returns whether the account meets all tests of a pam_succeed_if line; `None` if that is not known.
fn succeeds_if(args: &[String], person: &CensusAccount) -> Option<bool> {
    let words: Vec<&str> =
        args.iter().map(String::as_str).filter(|word| !FLAGS.contains(word)).collect();
    let mut all = Some(true);
    if words.is_empty() {
        return None;
    }
    for test in words.chunks(3) {
        let [left, operator, right] = test else { return None };
        match holds(left, operator, right, person) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

fn holds(left: &str, operator: &str, right: &str, person: &CensusAccount) -> Option<bool> {
    let in_group = || right.split(':').any(|name| person.groups.iter().any(|group| group == name));
    match (left, operator) {
        ("user", "ingroup") => Some(in_group()),
        ("user", "notingroup") => Some(!in_group()),
        ("user", "=") => Some(person.name == right),
        ("user", "!=") => Some(person.name != right),
        ("user", "in") => Some(right.split(':').any(|name| name == person.name)),
        ("user", "notin") => Some(right.split(':').all(|name| name != person.name)),
        ("uid", _) => {
            let than = right.parse::<u32>().ok()?;
            match operator {
                "=" | "eq" => Some(person.uid == than),
                "!=" | "ne" => Some(person.uid != than),
                "<" | "lt" => Some(person.uid < than),
                ">" | "gt" => Some(person.uid > than),
                "<=" | "le" => Some(person.uid <= than),
                ">=" | "ge" => Some(person.uid >= than),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
