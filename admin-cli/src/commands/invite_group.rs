//! `twinlock invite --group G --until DATE`: issues tickets to all members who are not enrolled, then writes a rule
//! that reminds them.

mod acceptance;
pub(crate) mod plan;

use twinlock_core::base::{account::Account, error::LookupError, time::UnixTime};
use twinlock_host::{
    create_store,
    directory::{Directory, Whose},
    settings::RULES,
};

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::GroupInvite,
    commands::{invite_group::plan::InvitePreview, list},
    context::Context,
    enrollment::{
        batch::{Batch, BatchOutcome},
        inviting::{Handing, Invited, invite},
        reminder::{self, Reminder, RuleChange},
        report_file::ReportPlace,
    },
    error::exit::{CliError, Exit},
    terminal::keyboard::{Keyboard, tell},
    text::{WIDTH, date, plain, wrap},
};

const STOPPED: &str =
    "Stopped before the rule was written: users who are not enrolled are still refused.";

/// Invites the members of a group, then writes the reminder rule. With `--dry-run`, only prints what would be done.
pub(crate) fn run(context: &Context, group: &str, wanted: &GroupInvite) -> Result<(), CliError> {
    context.need_root("invite users")?;
    if context.policy.fleet.is_on {
        return Err(no_reminder_in_a_fleet());
    }
    let authorizer = if wanted.dry_run { None } else { Some(Authorizer::of(context)?) };
    let now = context.now()?.unix;
    let until = day(wanted.until.as_deref().unwrap_or_default(), now)?;
    let reminder = Reminder { group, until };
    let whose = Whose::Members(group.to_owned());
    let mut directory =
        Directory::open(&whose).map_err(|fault| list::no_directory(&whose, fault))?;
    // Errors that prevent writing the rule are reported before any ticket is issued.
    let written = reminder::plan(context, reminder)?;
    acceptance::check(reminder)?;
    let report = wanted.report.as_deref();
    let Some(authorizer) = authorizer else {
        list::warn_of_silence(&whose);
        return InvitePreview { whose: &whose, reminder, written, report, now }.print(context);
    };
    plan::check_mail(context, &whose, report, now)?;
    let report = report.map(ReportPlace::find).transpose()?;
    create_store::prepare_store(&context.machine)?;
    let mut keyboard = Keyboard::open()?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let mut report = report.map(ReportPlace::create).transpose()?;
    list::warn_of_silence(&whose);
    let mut handing = Handing { report: report.as_mut() };
    let mut batch = Batch::begin(context, 0)?;
    while let Some(account) = directory.next_account().map_err(broken_off)? {
        if keyboard.is_interrupted() {
            say(context, STOPPED);
            return batch.interrupted();
        }
        one(context, &by, &account, &mut batch, &mut handing)?;
    }
    rule(context, &by, reminder, batch)
}

fn no_reminder_in_a_fleet() -> CliError {
    CliError::new(
        Exit::NotInState,
        "a fleet forbids the rule that lets members in who are not enrolled, because a user could then log in without a code after the record is deleted in etcd",
        "Invite each member (twinlock list --group GROUP --not-enrolled, then twinlock invite USER). To ask for no code until a date, write a rule with `action = \"exempt\"`, `group` and `until` in twinlock.toml; it exempts enrolled members, too.",
    )
}

/// Writes the reminder rule and prints the totals. It is called after the tickets were issued, and writes no rule if no
/// user is enrolled or invited.
fn rule(
    context: &Context,
    by: &Authorized,
    reminder: Reminder<'_>,
    batch: Batch<'_>,
) -> Result<(), CliError> {
    if batch.nobody_can_begin() {
        say(context, "No ticket was issued, so no rule was written.");
        return batch.end();
    }
    // The entry for doctor is written before the rule. If the process is killed in between, accepted.toml has an entry
    // for a rule that does not exist.
    let written = acceptance::write(reminder).and_then(|()| reminder::write(context, reminder));
    if let Ok(written) = written {
        announce(context, by, reminder, written);
    }
    let people = batch.end();
    written.map_err(|failure| failure.or("the rule was not written"))?;
    people
}

fn broken_off(fault: LookupError) -> CliError {
    CliError::from(fault).but("earlier invitations remain valid, and the rule was not written")
}

fn say(context: &Context, sentence: &str) {
    if !context.json {
        tell(&format!("{}\n", wrap(sentence, WIDTH, 0)));
    }
}

fn one(
    context: &Context,
    by: &Authorized,
    account: &Account,
    batch: &mut Batch<'_>,
    handing: &mut Handing<'_>,
) -> Result<(), CliError> {
    match invite(context, by, account, None, handing) {
        Ok(Invited::Enrolled) => {
            batch.pass();
            Ok(())
        }
        other => batch.add(0, &account.name, other.map(BatchOutcome::Invited)),
    }
}

fn day(text: &str, now: UnixTime) -> Result<UnixTime, CliError> {
    let odd = |what: String| {
        CliError::new(
            Exit::Usage,
            what,
            "Give the first day on which a code is needed, such as 2027-01-31.",
        )
    };
    let parts: Vec<&str> = text.split('-').collect();
    let date = match parts.as_slice() {
        [year, month, day] if [year.len(), month.len(), day.len()] == [4, 2, 2] => {
            let numbers = (year.parse().ok(), month.parse().ok(), day.parse().ok());
            numbers
                .0
                .zip(numbers.1)
                .zip(numbers.2)
                .and_then(|((year, month), day)| UnixTime::of_date(year, month, day))
        }
        _ => None,
    };
    let date = date.ok_or_else(|| odd(format!("--until {} is not a date", plain(text))))?;
    if date <= now {
        return Err(odd(format!("--until {} is in the past", plain(text))));
    }
    Ok(date)
}

fn announce(context: &Context, by: &Authorized, reminder: Reminder<'_>, written: RuleChange) {
    let day = date(reminder.until);
    if written == RuleChange::Before {
        let group = plain(reminder.group);
        say(context, &format!("The rule for {group} until {day} exists already."));
        return;
    }
    by.log(context, "rule_written", &[("group", reminder.group), ("until", &day)]);
    by.tell_root_of_change(context);
    say(context, &format!("{RULES}: {}", reminder.effect()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_that_is_still_to_come() {
        let now = UnixTime(1_801_353_599);
        assert_eq!(day("2027-01-31", now), Ok(UnixTime(1_801_353_600)));
        for text in ["2027-01-30", "2027-1-31", "2027-02-30", "tomorrow", "", "2027-01-31-1"] {
            assert_eq!(day(text, now).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
