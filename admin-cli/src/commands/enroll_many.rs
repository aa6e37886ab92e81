//! `twinlock enroll --from people.csv`: enrolls the users of a list, each one completely or not at all; can be
//! repeated.

use std::collections::HashMap;

use twinlock_core::{
    account::Account,
    beside::Seen,
    format::people::Row,
    otp::{base32, hotp::Keyed, otpauth},
    record::{Algorithm, Authenticator, Moving},
    takeover::Takeover,
};
use twinlock_host::prepare;

use crate::{
    acting::{Acting, Proven},
    commands::{
        crowd::{Crowd, Fate},
        import_text::of_uri,
        key_text::complaint,
        take_over::{Outcome, take_over},
    },
    desk::Desk,
    exit::{Exit, Failure},
    inviting::{Handing, invite},
    keyboard::Keyboard,
    mail::Address,
    people_list::{Next, PeopleList},
    report_file::ReportFile,
    verbs::Enroll,
    wording::plain,
};

/// Owners of the list's keys, by the ledger key of their used steps.
#[derive(Default)]
struct Owners(HashMap<[u8; 16], String>);

impl Owners {
    /// Refuses a key that another user has: a line was copied, and both would have the same codes.
    fn only(&mut self, user: &str, authenticator: &Authenticator) -> Result<(), Failure> {
        let keyed = Keyed::new(&authenticator.key, Algorithm::Sha256);
        let Some(keyed) = keyed else { return Ok(()) };
        let owner = self.0.entry(keyed.mark(authenticator).0).or_insert_with(|| user.to_owned());
        if owner == user {
            return Ok(());
        }
        let what = format!("the key stands in this list for {}, too", plain(owner));
        Err(odd_key(&what))
    }
}

/// Enrolls or invites the users of the list.
pub fn run(desk: &Desk, path: &str, wanted: &Enroll) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    let acting = Acting::of(desk)?;
    prepare::prepare_store(&desk.machine)?;
    let total = PeopleList::rows(path)?;
    let mut list = PeopleList::open(path)?;
    let mut report = wanted.many.report.as_deref().map(ReportFile::create).transpose()?;
    let mut handing = Handing { report: report.as_mut() };
    // Standard input is the list, so codes are read from the terminal.
    let at_terminal = path == "-" && acting.is_asked();
    let mut keyboard = if at_terminal { Keyboard::at_terminal()? } else { Keyboard::open()? };
    let by = acting.prove(desk, &mut keyboard)?;
    let mut crowd = Crowd::begin(desk, total)?;
    let mut owners = Owners::default();
    loop {
        if keyboard.is_interrupted() {
            return crowd.interrupted();
        }
        match list.next() {
            Ok(Next::End) => return crowd.end(),
            Ok(Next::Row) => {
                let row = list.row();
                let user = row.as_ref().map(|row| row.user.to_owned()).unwrap_or_default();
                let fate = row.and_then(|row| {
                    one(desk, &by, (&row, &wanted.name), (&mut owners, &mut handing))
                });
                crowd.add((list.line(), &user), fate)?;
            }
            Err(failure) => {
                crowd.add((list.line(), ""), Err(failure))?;
                return crowd.end();
            }
        }
    }
}

fn one(
    desk: &Desk,
    by: &Proven,
    (row, name): (&Row<'_>, &str),
    (owners, handing): (&mut Owners, &mut Handing<'_>),
) -> Result<Fate, Failure> {
    let account = desk.account(row.user)?;
    if let Some(odd) = row.mail.filter(|mail| Address::read(mail).is_none()) {
        return Err(Failure::new(
            Exit::Refused,
            format!("{} is no address that mail is sent to", plain(odd)),
            "Give a plain address, such as ada@example.org.",
        ));
    }
    match row.key {
        Some(key) => {
            let authenticator = authenticator(desk, by, (key, name))?;
            owners.only(&account.name, &authenticator)?;
            enrol(desk, by, (&account, row.mail), authenticator)
        }
        None => by
            .may_invite()
            .and_then(|()| invite(desk, by, &account, (row.mail, handing)))
            .map(Fate::Invited),
    }
}

/// Marks a key from a list as disclosed to the list's reader.
fn authenticator(
    desk: &Desk,
    by: &Proven,
    (key, name): (&str, &str),
) -> Result<Authenticator, Failure> {
    let trace = by.trace(desk.now()?.unix);
    let seen = Some(Seen { trace, postponed: 0 });
    if key.contains("://") {
        let found = otpauth::parse(key).map_err(|fault| odd_key(&of_uri(fault)))?;
        return Ok(Authenticator { seen, ..found });
    }
    let key = base32::parse(key).map_err(|fault| odd_key(&complaint("the key", fault)))?;
    Ok(Authenticator {
        name: name.trim().to_owned(),
        key,
        parameters: desk.policy.new_keys,
        moving: Moving::default(),
        seen,
    })
}

fn enrol(
    desk: &Desk,
    by: &Proven,
    (account, mail): (&Account, Option<&str>),
    authenticator: Authenticator,
) -> Result<Fate, Failure> {
    let takeover = Takeover {
        promised_by: authenticator.seen.as_ref().map(|seen| seen.trace.by.clone()),
        authenticators: vec![authenticator],
        mail: mail.map(str::to_owned),
        ..Takeover::default()
    };
    Ok(match take_over(desk, Some(by), account, takeover)? {
        Outcome::Imported => Fate::Enrolled,
        Outcome::Already | Outcome::MovedOn => Fate::EnrolledAlready,
        Outcome::OtherKey => Fate::OtherKey,
    })
}

fn odd_key(what: &str) -> Failure {
    Failure::new(Exit::Refused, what, "Correct the line; without a key the person gets a ticket.")
}
