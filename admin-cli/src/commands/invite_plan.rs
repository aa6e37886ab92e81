//! What an invitation of a group would do, found out before anything is done: for `--dry-run`, and to refuse in time.

use serde_json::{Value, json};
use twinlock_core::{
    account::Account, beside::Purpose, format::settings::rules as rules_form, record::State,
    time::UnixTime,
};
use twinlock_host::settings::RULES;

use crate::{
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::tell,
    mail::{Address, MailFault, sender_fault},
    reminder::{Reminder, Written},
    verbs::GroupInvite,
    wording::{WIDTH, count, date, plain, stamp, wrap},
};

/// What would become of one member.
enum Member {
    Enrolled,
    Invited(UnixTime),
    ToMail(Address),
    ToReport(MailFault),
    Failing(Failure),
}

/// What would become of all.
pub struct Plan {
    members: Vec<(Account, Member)>,
    /// Why no ticket at all goes by mail, where none does.
    without_mail: Option<MailFault>,
}

impl Plan {
    /// Looks at the members, and writes nothing.
    pub fn of(desk: &Desk, accounts: Vec<Account>, now: UnixTime) -> Self {
        let fault = sender_fault(&desk.policy);
        let member = |account: Account| {
            let member = member(desk, &account, now, fault.as_ref());
            (account, member)
        };
        let members: Vec<_> = accounts.into_iter().map(member).collect();
        let mut to_invite = members.iter().filter_map(|(_, member)| match member {
            Member::ToMail(_) => Some(None),
            Member::ToReport(fault) => Some(Some(fault)),
            Member::Enrolled | Member::Invited(_) | Member::Failing(_) => None,
        });
        let first = to_invite.next().flatten().cloned();
        let without_mail = first.filter(|_| to_invite.all(|fault| fault.is_some()));
        Self { members, without_mail }
    }

    /// Those whom it is about.
    pub fn into_accounts(self) -> impl Iterator<Item = Account> {
        self.members.into_iter().map(|(account, _)| account)
    }

    /// Says once that no ticket goes by mail; without a report that is a refusal.
    pub fn check_mail(&self, report: Option<&str>) -> Result<(), Failure> {
        let Some(fault) = &self.without_mail else { return Ok(()) };
        let what = format!("no ticket can be mailed: {}", fault.what());
        let Some(report) = report else {
            let remedy = format!("{} Or add --report FILE, for tickets by hand.", fault.remedy());
            return Err(Failure::new(
                Exit::NotInState,
                format!("{what}; nothing was changed"),
                remedy,
            ));
        };
        let said = format!("twinlock: {what}; all tickets go into {}", plain(report));
        tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
        Ok(())
    }

    /// Prints it.
    pub fn print(
        &self,
        desk: &Desk,
        wanted: &GroupInvite,
        reminder: Reminder<'_>,
        written: Written,
    ) -> Result<(), Failure> {
        let report = wanted.report.as_deref();
        if desk.json {
            let people: Vec<Value> = self
                .members
                .iter()
                .map(|(account, member)| object(account, member, report))
                .collect();
            let rule = json!({
                "file": RULES, "group": reminder.group, "until": date(reminder.until),
                "state": written.word(),
            });
            let object = json!({ "dry_run": true, "people": people, "rule": rule });
            return desk.print(&format!("{object}\n"));
        }
        let mut text = String::from("Nothing is written. Without --dry-run it would be:\n");
        let mut to_invite = 0;
        for (account, member) in &self.members {
            let (said, invites) = said(member, report);
            to_invite += usize::from(invites);
            let line = format!("{}: {said}", plain(&account.name));
            text.push_str(&format!("{}\n", wrap(&line, WIDTH, 4)));
        }
        text.push_str(&format!("{} to invite.\n", count(to_invite, "person")));
        let rule = match written {
            Written::Before => format!("{RULES} is left as it is."),
            Written::Added => format!("{RULES} gets:\n{}", rules_form::one(&reminder.rule())),
            Written::Moved => {
                format!("{RULES} has another day:\n{}", rules_form::one(&reminder.rule()))
            }
        };
        text.push_str(&format!("{}\n{}\n", rule.trim_end(), wrap(&reminder.effect(), WIDTH, 0)));
        desk.print(&text)
    }
}

fn member(desk: &Desk, account: &Account, now: UnixTime, fault: Option<&MailFault>) -> Member {
    if account.uid == 0 {
        return Member::Failing(Failure::new(
            Exit::NotInState,
            "root is never set up at a login, so a ticket would open nothing",
            "Set root up here: twinlock enroll root",
        ));
    }
    let found = match desk.machine.records.before_enrolment(account) {
        Ok(found) => found.map(|found| found.record),
        Err(fault) => return Member::Failing(fault.into()),
    };
    if found.as_ref().is_some_and(|found| found.state == State::Active) {
        return Member::Enrolled;
    }
    let tickets = found.iter().flat_map(|found| &found.beside.tickets);
    let works = tickets.filter(|one| one.purpose == Purpose::SetUp && now < one.voucher.until);
    if let Some(until) = works.map(|one| one.voucher.until).max() {
        return Member::Invited(until);
    }
    let on_record = found.as_ref().and_then(|found| found.beside.mail.as_deref());
    match (fault, Address::of(&account.name, on_record, &desk.policy.mail)) {
        (Some(fault), _) => Member::ToReport(fault.clone()),
        (None, Ok(address)) => Member::ToMail(address),
        (None, Err(fault)) => Member::ToReport(fault),
    }
}

/// What would become of a member, and whether that is an invitation.
fn said(member: &Member, report: Option<&str>) -> (String, bool) {
    match (member, report) {
        (Member::Enrolled, _) => ("enrolled already".into(), false),
        (Member::Invited(until), _) => (format!("invited already, until {}", stamp(*until)), false),
        (Member::ToMail(address), _) => (format!("to be invited by mail to {address}"), true),
        (Member::ToReport(_), Some(_)) => {
            ("to be invited; the ticket goes into the report".into(), true)
        }
        (Member::ToReport(fault), None) => (format!("would fail: {}", fault.what()), false),
        (Member::Failing(Failure { what, .. }), _) => (format!("would fail: {what}"), false),
    }
}

fn object(account: &Account, member: &Member, report: Option<&str>) -> Value {
    let (word, error) = match (member, report) {
        (Member::Enrolled, _) => ("enrolled_already", None),
        (Member::Invited(_), _) => ("invited_already", None),
        (Member::ToMail(_), _) => ("would_mail", None),
        (Member::ToReport(_), Some(_)) => ("would_report", None),
        (Member::ToReport(fault), None) => ("would_fail", Some(fault.what())),
        (Member::Failing(failure), _) => ("would_fail", Some(failure.what.clone())),
    };
    json!({ "user": account.name, "line": null, "state": word, "error": error })
}
