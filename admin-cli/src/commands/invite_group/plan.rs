//! Plans a group invitation: for `--dry-run`, and to refuse it before the first change.

use serde_json::{Value, json};
use twinlock_core::{
    base::{account::Account, address::Address, time::UnixTime},
    policy::settings::rules as rules_form,
    record::{State, extras::Purpose},
};
use twinlock_host::{
    directory::{Directory, Whose},
    settings::RULES,
};

use crate::{
    commands::list,
    context::Context,
    enrollment::reminder::{Reminder, RuleChange},
    error::exit::{CliError, Exit},
    mail::{MailError, sender_fault},
    terminal::keyboard::tell,
    text::{WIDTH, count, date, plain, stamp, wrap},
};

/// What the invitation would do for one member of the group.
enum Member {
    Enrolled,
    Invited(UnixTime),
    ToMail(Address),
    ToReport(MailError),
    Failing(CliError),
}

/// Calls `act` for each member as soon as it is read. The members are not collected first, since a group may be large.
pub(crate) fn each_member(
    whose: &Whose,
    act: &mut dyn FnMut(&Account) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut directory = Directory::open(whose).map_err(|fault| list::no_directory(whose, fault))?;
    while let Some(account) = directory.next_account()? {
        act(&account)?;
    }
    Ok(())
}

/// Checks that at least one ticket can be mailed, or that no member needs a ticket. If no ticket can be mailed, but
/// there is a report file for the tickets, only prints a warning. Without a report file, this is an error.
pub(crate) fn check_mail(
    context: &Context,
    whose: &Whose,
    report: Option<&str>,
    now: UnixTime,
) -> Result<(), CliError> {
    let Some(fault) = without_mail(context, whose, now)? else { return Ok(()) };
    let what = format!("no ticket can be mailed: {fault}");
    let Some(report) = report else {
        let remedy = format!("{} Or add --report FILE, for tickets by hand.", fault.remedy());
        return Err(CliError::new(
            Exit::NotInState,
            format!("{what}; nothing was changed"),
            remedy,
        ));
    };
    let said = format!("twinlock: {what}; all tickets go into {}", plain(report));
    tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
    Ok(())
}

/// Returns why no ticket can be mailed to any member; `None` if one can be, or if no member needs a ticket.
fn without_mail(
    context: &Context,
    whose: &Whose,
    now: UnixTime,
) -> Result<Option<MailError>, CliError> {
    let sender = sender_fault(&context.policy);
    let (mut first, mut mailed) = (None, false);
    each_member(whose, &mut |account| {
        match member(context, account, now, sender.as_ref()) {
            Member::ToMail(_) => mailed = true,
            Member::ToReport(fault) => drop(first.get_or_insert(fault)),
            Member::Enrolled | Member::Invited(_) | Member::Failing(_) => {}
        }
        Ok(())
    })?;
    Ok(first.filter(|_| !mailed))
}

/// A group invitation that `--dry-run` prints.
pub(crate) struct InvitePreview<'a> {
    /// The group whose members are invited.
    pub(crate) whose: &'a Whose,
    /// The rule that would remind the members to enroll.
    pub(crate) reminder: Reminder<'a>,
    /// How rules.toml would change.
    pub(crate) written: RuleChange,
    /// Path of the report file for tickets that cannot be mailed; `None` if the caller has named no file.
    pub(crate) report: Option<&'a str>,
    /// Present time, at which tickets are checked for validity.
    pub(crate) now: UnixTime,
}

impl InvitePreview<'_> {
    /// Prints what would be done for each member, and the rule.
    pub(crate) fn print(&self, context: &Context) -> Result<(), CliError> {
        if context.json { self.print_json(context) } else { self.print_text(context) }
    }

    fn print_json(&self, context: &Context) -> Result<(), CliError> {
        context.print("{\"dry_run\":true,\"people\":[")?;
        let sender = sender_fault(&context.policy);
        let mut comma = "";
        each_member(self.whose, &mut |account| {
            let member = member(context, account, self.now, sender.as_ref());
            let object = object(account, &member, self.report);
            context.print(&format!("{}{object}", std::mem::replace(&mut comma, ",")))
        })?;
        let rule = json!({
            "file": RULES, "group": self.reminder.group, "until": date(self.reminder.until),
            "state": self.written.word(),
        });
        context.print(&format!("],\"rule\":{rule}}}\n"))
    }

    fn print_text(&self, context: &Context) -> Result<(), CliError> {
        context.print("Nothing was written. Without --dry-run this would be written:\n")?;
        let sender = sender_fault(&context.policy);
        let mut to_invite = 0;
        each_member(self.whose, &mut |account| {
            let member = member(context, account, self.now, sender.as_ref());
            let (said, invites) = said(&member, self.report);
            to_invite += usize::from(invites);
            let line = format!("{}: {said}", plain(&account.name));
            context.print(&format!("{}\n", wrap(&line, WIDTH, 4)))
        })?;
        let rule = || rules_form::one(&self.reminder.rule());
        let rule = match self.written {
            RuleChange::Before => format!("{RULES} is not changed."),
            RuleChange::Added => format!("{RULES} gets:\n{}", rule()),
            RuleChange::Moved => format!("{RULES} has another date:\n{}", rule()),
        };
        context.print(&format!(
            "{} to invite.\n{}\n{}\n",
            count(to_invite, "user"),
            rule.trim_end(),
            wrap(&self.reminder.effect(), WIDTH, 0)
        ))
    }
}

fn member(
    context: &Context,
    account: &Account,
    now: UnixTime,
    fault: Option<&MailError>,
) -> Member {
    if account.uid == 0 {
        return Member::Failing(CliError::new(
            Exit::NotInState,
            "root cannot set up an app at a login, so a ticket would not work",
            "Enroll root here: twinlock enroll root",
        ));
    }
    let found = match context.machine.records.before_enrollment(account) {
        Ok(found) => found.map(|found| found.record),
        Err(fault) => return Member::Failing(fault.into()),
    };
    if found.as_ref().is_some_and(|found| found.state == State::Active) {
        return Member::Enrolled;
    }
    let tickets = found.iter().flat_map(|found| &found.extras.tickets);
    let works = tickets.filter(|one| one.purpose == Purpose::SetUp && now < one.voucher.until);
    if let Some(until) = works.map(|one| one.voucher.until).max() {
        return Member::Invited(until);
    }
    let on_record = found.as_ref().and_then(|found| found.extras.mail.as_deref());
    match (fault, Address::of(&account.name, on_record, context.policy.mail.domain.as_deref())) {
        (Some(fault), _) => Member::ToReport(fault.clone()),
        (None, Ok(address)) => Member::ToMail(address),
        (None, Err(fault)) => Member::ToReport(fault.into()),
    }
}

/// Returns a phrase that says what would be done for a member, and whether the member would be invited.
fn said(member: &Member, report: Option<&str>) -> (String, bool) {
    match (member, report) {
        (Member::Enrolled, _) => ("enrolled already".into(), false),
        (Member::Invited(until), _) => (format!("invited already, until {}", stamp(*until)), false),
        (Member::ToMail(address), _) => (format!("to be invited by mail to {address}"), true),
        (Member::ToReport(_), Some(_)) => {
            ("to be invited; the ticket goes into the report".into(), true)
        }
        (Member::ToReport(fault), None) => (format!("would fail: {fault}"), false),
        (Member::Failing(CliError { what, .. }), _) => (format!("would fail: {what}"), false),
    }
}

fn object(account: &Account, member: &Member, report: Option<&str>) -> Value {
    let (word, error) = match (member, report) {
        (Member::Enrolled, _) => ("enrolled_already", None),
        (Member::Invited(_), _) => ("invited_already", None),
        (Member::ToMail(_), _) => ("would_mail", None),
        (Member::ToReport(_), Some(_)) => ("would_report", None),
        (Member::ToReport(fault), None) => ("would_fail", Some(fault.to_string())),
        (Member::Failing(failure), _) => ("would_fail", Some(failure.what.clone())),
    };
    json!({ "user": account.name, "line": null, "state": word, "error": error })
}
