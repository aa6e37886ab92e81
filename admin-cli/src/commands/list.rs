//! `twinlock list`: lists all users with a record. With `--not-enrolled` or `--group`, goes through the accounts with a
//! login shell, or through the members of the group, and looks up the record of each account.

use serde_json::json;
use twinlock_core::{
    base::{
        account::Account,
        time::{Now, UnixTime},
    },
    ports::Accounts,
};
use twinlock_host::{
    directory::{Directory, DirectoryError, Whose},
    store::enrolled_users,
};

use crate::{
    cli::List,
    context::Context,
    enrollment::{
        exemption::{self, Exemption, ExemptionReach},
        listing::{ListForm, ListRow, Listing},
        person::{self, EnrollmentStatus, Person},
    },
    error::exit::{CliError, Exit},
    terminal::keyboard::tell,
    text::{WIDTH, count, date, minute, plain, stamp, wrap, zone},
};

const HEADER: [&str; 5] = ["USER", "STATE", "SINCE", "LAST CODE", "AUTHENTICATORS"];
const FIELDS: [&str; 9] = [
    "user",
    "state",
    "reason",
    "since",
    "last_code",
    "authenticators",
    "exempt_rule",
    "exempt_reach",
    "last_host",
];

/// Prints the list that the arguments ask for.
pub(crate) fn run(context: &Context, wanted: &List) -> Result<(), CliError> {
    context.need_root("list users")?;
    let form = match (context.json, wanted.csv) {
        // clap finds no conflict if --json comes before the verb.
        (true, true) => return Err(two_forms()),
        (true, false) => ListForm::Json,
        (false, true) => ListForm::Csv,
        (false, false) => ListForm::Table,
    };
    match (&wanted.group, wanted.not_enrolled) {
        (None, false) => everybody(context, form),
        (group, not_enrolled) => {
            let whose = group.clone().map_or(Whose::WithShell, Whose::Members);
            let only = if not_enrolled { Only::NotEnrolled } else { Only::All };
            directory(context, form, &whose, only)
        }
    }
}

fn two_forms() -> CliError {
    let what = "--csv and --json cannot be used together";
    CliError::new(Exit::Usage, what, "Leave one of them out.")
}

/// Lists all users who have a record: users who are or were enrolled, who were invited, or who have begun a set-up.
fn everybody(context: &Context, form: ListForm) -> Result<(), CliError> {
    let now = context.now()?;
    let mut list = Listing::begin(context, form, HEADER, &FIELDS)?;
    let mut tally = StatusCounts::default();
    for entry in enrolled_users::everybody(&context.machine.records)? {
        let account = context.machine.accounts.by_name(&entry.user).ok().flatten();
        let Some(person) = person::of_entry(context, entry) else { continue };
        tally.count(person.status);
        list.add(row(&person, exempt(context, account.as_ref(), now)))?;
    }
    list.end(&wrap(&tally.said(), WIDTH, 2), "No user is enrolled. To begin: twinlock enroll USER")
}

/// Which accounts of a directory are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    All,
    NotEnrolled,
}

fn directory(context: &Context, form: ListForm, whose: &Whose, only: Only) -> Result<(), CliError> {
    let now = context.now()?;
    let mut directory = Directory::open(whose).map_err(|fault| no_directory(whose, fault))?;
    warn_of_silence(whose);
    let mut list = Listing::begin(context, form, HEADER, &FIELDS)?;
    let (mut tally, mut all) = (StatusCounts::default(), 0);
    while let Some(account) = directory.next_account()? {
        all += 1;
        let person = person::of_account(context, &account);
        if only == Only::NotEnrolled && !lacks_a_code(person.status) {
            continue;
        }
        tally.count(person.status);
        list.add(row(&person, exempt(context, Some(&account), now)))?;
    }
    let of = match whose {
        Whose::WithShell => format!("{} with a login shell", count(all, "account")),
        Whose::Members(group) => format!("{} of {}", count(all, "member"), plain(group)),
    };
    let nobody = match only {
        Only::NotEnrolled => format!("All users are enrolled: {of}."),
        Only::All => format!("No users found: {of}."),
    };
    let said = format!("{} Checked: {of}.", tally.said());
    list.end(&wrap(&said, WIDTH, 2), &nobody)
}

/// Returns whether the user has no code that works. This includes users with a broken record, for which no code is
/// valid.
fn lacks_a_code(status: EnrollmentStatus) -> bool {
    match status {
        EnrollmentStatus::NotEnrolled
        | EnrollmentStatus::Removed
        | EnrollmentStatus::Pending
        | EnrollmentStatus::Broken(_) => true,
        EnrollmentStatus::Enrolled | EnrollmentStatus::NoAccount => false,
    }
}

/// Prints a warning if a source of accounts in /etc/nsswitch.conf does not list its users. The users of this source who
/// are not enrolled are then missing from the list.
pub(crate) fn warn_of_silence(whose: &Whose) {
    let silent = Directory::silent();
    if silent.is_empty() {
        return;
    }
    let more = match whose {
        Whose::WithShell => "use --group GROUP, which looks up each member",
        Whose::Members(_) => "members who have the group as their primary group are missing",
    };
    let said = format!(
        "twinlock: {} in /etc/nsswitch.conf may have more users than getent passwd lists: {more}.",
        plain(&silent.join(", "))
    );
    tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
}

/// Returns the error for a group that does not exist, or for accounts that cannot be listed.
pub(crate) fn no_directory(whose: &Whose, fault: DirectoryError) -> CliError {
    match (whose, fault) {
        (Whose::Members(group), DirectoryError::NoSuchGroup) => CliError::new(
            Exit::NotInState,
            format!("there is no group {}", plain(group)),
            "Check the spelling (getent group NAME).",
        ),
        (Whose::WithShell | Whose::Members(_), _) => CliError::new(
            Exit::StoreUnreachable,
            "the accounts could not be listed",
            "Check the name service (getent passwd).",
        ),
    }
}

fn exempt(context: &Context, account: Option<&Account>, now: Now) -> Option<Exemption> {
    exemption::of(context, account?, now.unix)
}

/// Returns the state of one user as a JSON object. Times are in seconds since 1970-01-01 00:00 UTC.
pub(crate) fn object(person: &Person) -> serde_json::Value {
    json!({
        "user": person.user,
        "state": person.status.word(),
        "reason": person.status.reason(),
        "since": person.since.map(|at| at.0),
        "last_code": person.last_code.map(|at| at.0),
        "last_host": person.last_host,
        "authenticators": person.authenticators,
    })
}

/// Returns an exemption as a JSON object; `null` if there is none.
pub(crate) fn exempt_object(exempt: Option<Exemption>) -> serde_json::Value {
    json!(exempt.map(|exempt| json!({ "rule": exempt.rule, "reach": reach(exempt) })))
}

fn reach(exempt: Exemption) -> &'static str {
    match exempt.reach {
        ExemptionReach::Everywhere => "everywhere",
        ExemptionReach::InPart => "in part",
    }
}

fn row(person: &Person, exempt: Option<Exemption>) -> ListRow<5> {
    let mut object = object(person);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("exempt".into(), exempt_object(exempt));
    }
    ListRow { cells: cells(person, exempt), fields: fields(person, exempt), object }
}

fn cells(person: &Person, exempt: Option<Exemption>) -> [String; 5] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let names: Vec<String> = person.authenticators.iter().map(|name| plain(name)).collect();
    let last = match person.status.reason() {
        Some(reason) => reason,
        None if names.is_empty() => "-".into(),
        None => names.join(", "),
    };
    let last = match exempt {
        Some(exempt) => format!("{last} (exempt by {})", exempt.said()),
        None => last,
    };
    [
        plain(&person.user),
        person.status.word().into(),
        or_dash(person.since.map(date)),
        or_dash(person.last_code.map(|at| on_host(minute(at), person))),
        last,
    ]
}

/// Returns the time of the last code, followed by the host of the fleet that accepted it if the host is known.
pub(crate) fn on_host(time: String, person: &Person) -> String {
    match &person.last_host {
        Some(host) => format!("{time} on {}", plain(host)),
        None => time,
    }
}

fn fields(person: &Person, exempt: Option<Exemption>) -> Vec<String> {
    let instant = |at: Option<UnixTime>| at.map(stamp).unwrap_or_default();
    vec![
        person.user.clone(),
        person.status.word().into(),
        person.status.reason().unwrap_or_default(),
        instant(person.since),
        instant(person.last_code),
        person.authenticators.join(" "),
        exempt.map(|exempt| exempt.rule.to_string()).unwrap_or_default(),
        exempt.map(reach).unwrap_or_default().into(),
        person.last_host.clone().unwrap_or_default(),
    ]
}

/// Numbers of users: of all, of the enrolled ones, and of those with each status in [`OTHERS`].
#[derive(Default)]
struct StatusCounts {
    all: usize,
    enrolled: usize,
    others: [usize; 5],
}

/// Names in the summary for the statuses other than enrolled, in the order of `StatusCounts::others`.
const OTHERS: [&str; 5] =
    ["without an account", "pending", "removed", "not enrolled", "broken (twinlock why USER)"];

impl StatusCounts {
    fn count(&mut self, status: EnrollmentStatus) {
        self.all += 1;
        let [gone, pending, removed, never, broken] = &mut self.others;
        *match status {
            EnrollmentStatus::Enrolled => &mut self.enrolled,
            EnrollmentStatus::NoAccount => gone,
            EnrollmentStatus::Pending => pending,
            EnrollmentStatus::Removed => removed,
            EnrollmentStatus::NotEnrolled => never,
            EnrollmentStatus::Broken(_) => broken,
        } += 1;
    }

    fn said(&self) -> String {
        let mut parts = vec![format!("{} enrolled", self.enrolled)];
        let some = self.others.iter().zip(OTHERS).filter(|(number, _)| **number > 0);
        parts.extend(some.map(|(number, what)| format!("{number} {what}")));
        let people = count(self.all, "user");
        format!("{people}: {}. Times are {}.", parts.join(", "), zone())
    }
}

#[cfg(test)]
mod tests;
