//! `twinlock invite --group G --until DATE`: tickets for all members who are not enrolled, and a rule that reminds them.

use twinlock_core::{
    account::Account,
    fault::LookupFault,
    time::UnixTime,
    voucher::{TICKET_LIFE, TICKET_LONGEST},
};
use twinlock_host::{
    directory::{Directory, Whose},
    prepare,
};

use crate::{
    acting::{Acting, Proven},
    commands::{
        crowd::{Crowd, Fate},
        list,
    },
    desk::Desk,
    exit::{Exit, Failure},
    inviting::{Handing, Invited, invite},
    keyboard::{Keyboard, tell},
    reminder::{self, Written},
    report_file::ReportFile,
    verbs::GroupInvite,
    wording::{WIDTH, date, plain, wrap},
};

/// Writes the rule, then invites one member after the other.
pub fn run(desk: &Desk, group: &str, wanted: &GroupInvite) -> Result<(), Failure> {
    desk.need_root("invite people")?;
    let acting = Acting::of(desk)?;
    let now = desk.now()?.unix;
    let until = day(wanted.until.as_deref().unwrap_or_default(), now)?;
    let whose = Whose::Members(group.to_owned());
    let mut directory =
        Directory::open(&whose).map_err(|fault| list::no_directory(&whose, fault))?;
    prepare::prepare_store(&desk.machine)?;
    let mut keyboard = Keyboard::open()?;
    let by = acting.prove(desk, &mut keyboard)?;
    let mut report = wanted.report.as_deref().map(ReportFile::create).transpose()?;
    let written = reminder::write(desk, group, until)?;
    announce(desk, &by, group, (written, until));
    list::warn_of_silence(&whose);
    let mut handing = Handing {
        until: until.max(now.plus(TICKET_LIFE)).min(now.plus(TICKET_LONGEST)),
        report: report.as_mut(),
    };
    let mut crowd = Crowd::begin(desk, 0)?;
    while let Some(account) = directory.next_account().map_err(broken_off)? {
        if keyboard.is_interrupted() {
            return crowd.interrupted();
        }
        one(desk, &by, &account, (&mut crowd, &mut handing))?;
    }
    crowd.end()
}

fn broken_off(fault: LookupFault) -> Failure {
    Failure::from(fault).but("who was invited before stays so")
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

fn announce(desk: &Desk, by: &Proven, name: &str, (written, until): (Written, UnixTime)) {
    let (group, path) = (plain(name), plain(&desk.config));
    let said = match written {
        Written::Before => {
            format!("{path} has the rule for {group} until {} already.", date(until))
        }
        Written::Added | Written::Moved => format!(
            "{path}: until {} members of {group} who are not enrolled are reminded, and let in without a code.",
            date(until)
        ),
    };
    if written != Written::Before {
        by.log(desk, "rule_written", &[("group", name), ("until", &date(until))]);
    }
    if !desk.json {
        tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
    }
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
