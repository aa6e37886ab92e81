//! `twinlock invite --group G --until DATE`: issues tickets to all members who are not enrolled, then writes a reminder
//! rule.

use twinlock_core::{account::Account, fault::LookupFault, time::UnixTime};
use twinlock_host::{
    directory::{Directory, Whose},
    prepare,
    settings::RULES,
};

use crate::{
    acting::{Acting, Proven},
    commands::{
        crowd::{Crowd, Fate},
        invite_plan::{self, Preview},
        list,
    },
    desk::Desk,
    exit::{Exit, Failure},
    inviting::{Handing, Invited, invite},
    keyboard::{Keyboard, tell},
    reminder::{self, Reminder, Written},
    report_file::ReportFile,
    verbs::GroupInvite,
    wording::{WIDTH, date, plain, wrap},
};

const STOPPED: &str =
    "Stopped before the rule was written: without it, who is not enrolled is refused as before.";

/// Invites the members one after the other, then writes the rule.
pub fn run(desk: &Desk, group: &str, wanted: &GroupInvite) -> Result<(), Failure> {
    desk.need_root("invite people")?;
    let acting = if wanted.dry_run { None } else { Some(Acting::of(desk)?) };
    let now = desk.now()?.unix;
    let until = day(wanted.until.as_deref().unwrap_or_default(), now)?;
    let reminder = Reminder { group, until };
    let whose = Whose::Members(group.to_owned());
    let mut directory =
        Directory::open(&whose).map_err(|fault| list::no_directory(&whose, fault))?;
    // Whatever prevents the rule is reported before any ticket is issued.
    let written = reminder::plan(desk, reminder)?;
    let report = wanted.report.as_deref();
    let Some(acting) = acting else {
        list::warn_of_silence(&whose);
        return Preview { whose: &whose, reminder, written, report, now }.print(desk);
    };
    invite_plan::check_mail(desk, &whose, report, now)?;
    prepare::prepare_store(&desk.machine)?;
    let mut keyboard = Keyboard::open()?;
    let by = acting.prove(desk, &mut keyboard)?;
    let mut report = report.map(ReportFile::create).transpose()?;
    list::warn_of_silence(&whose);
    let mut handing = Handing { report: report.as_mut() };
    let mut crowd = Crowd::begin(desk, 0)?;
    while let Some(account) = directory.next_account().map_err(broken_off)? {
        if keyboard.is_interrupted() {
            say(desk, STOPPED);
            return crowd.interrupted();
        }
        one(desk, &by, &account, (&mut crowd, &mut handing))?;
    }
    rule(desk, &by, reminder, crowd)
}

/// Writes the rule after the tickets are issued.
fn rule(desk: &Desk, by: &Proven, reminder: Reminder<'_>, crowd: Crowd<'_>) -> Result<(), Failure> {
    if crowd.nobody_can_begin() {
        say(desk, "Nobody has got a ticket, so no rule is written.");
        return crowd.end();
    }
    let written = reminder::write(desk, reminder);
    if let Ok(written) = written {
        announce(desk, by, reminder, written);
    }
    let people = crowd.end();
    written.map_err(|failure| failure.or("the rule is not written"))?;
    people
}

fn broken_off(fault: LookupFault) -> Failure {
    Failure::from(fault).but("who was invited before stays so, and the rule is not written")
}

fn say(desk: &Desk, sentence: &str) {
    if !desk.json {
        tell(&format!("{}\n", wrap(sentence, WIDTH, 0)));
    }
}

fn one(
    desk: &Desk,
    by: &Proven,
    account: &Account,
    (crowd, handing): (&mut Crowd<'_>, &mut Handing<'_>),
) -> Result<(), Failure> {
    match invite(desk, by, account, (None, handing)) {
        Ok(Invited::Enrolled) => {
            crowd.pass();
            Ok(())
        }
        other => crowd.add((0, &account.name), other.map(Fate::Invited)),
    }
}

fn day(text: &str, now: UnixTime) -> Result<UnixTime, Failure> {
    let odd = |what: String| {
        Failure::new(
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
    let date = date.ok_or_else(|| odd(format!("--until {} is no date", plain(text))))?;
    if date <= now {
        return Err(odd(format!("--until {} is over", plain(text))));
    }
    Ok(date)
}

fn announce(desk: &Desk, by: &Proven, reminder: Reminder<'_>, written: Written) {
    let day = date(reminder.until);
    if written == Written::Before {
        let group = plain(reminder.group);
        say(desk, &format!("The rule for {group} until {day} stands already."));
        return;
    }
    by.log(desk, "rule_written", &[("group", reminder.group), ("until", &day)]);
    say(desk, &format!("{RULES}: {}", reminder.effect()));
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
