//! `twinlock enroll --from people.csv`: enrolls or invites the users of a list, each completely or not at all. A second
//! run skips users who are enrolled already.

use std::collections::HashMap;

use twinlock_core::{
    base::{account::Account, address::Address, base32},
    otp::{hotp::Keyed, otpauth},
    record::{Algorithm, Authenticator, MovingFactor, extras::KeyDisclosure},
};
use twinlock_host::create_store;
use twinlock_migrate::{plan::ImportPlan, user_list::UserRow};

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::Enroll,
    context::Context,
    enrollment::{
        batch::{Batch, BatchOutcome},
        inviting::{Handing, invite},
        people_list::{ListStop, PeopleList},
        report_file::ReportPlace,
    },
    error::exit::{CliError, Exit},
    import::take_over::{ImportOutcome, take_over},
    terminal::keyboard::Keyboard,
    text::plain,
};

/// The users to whom the list gives keys. Maps the identifier of each key to the user of the first line with this key.
#[derive(Default)]
struct Owners(HashMap<[u8; 16], String>);

impl Owners {
    /// Checks that no earlier line gives the key to another user.
    ///
    /// # Errors
    /// [`CliError`] if an earlier line does. A line was probably copied by mistake, and both users would have the same
    /// codes.
    fn only(&mut self, user: &str, authenticator: &Authenticator) -> Result<(), CliError> {
        let keyed = Keyed::new(&authenticator.key, Algorithm::Sha256);
        let Some(keyed) = keyed else { return Ok(()) };
        let owner = self.0.entry(keyed.mark(authenticator).0).or_insert_with(|| user.to_owned());
        if owner == user {
            return Ok(());
        }
        let what = format!("this list has the same key for {}", plain(owner));
        Err(odd_key(&what))
    }
}

/// Enrolls each user of the list who has a key there, and invites the others. `path` is that of the list.
pub(crate) fn run(context: &Context, path: &str, wanted: &Enroll) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let authorizer = Authorizer::of(context)?;
    create_store::prepare_store(&context.machine)?;
    let total = PeopleList::rows(path)?;
    let mut list = PeopleList::open(path)?;
    let report = wanted.many.report.as_deref().map(ReportPlace::find).transpose()?;
    // Standard input is the list, so codes are read from the terminal.
    let at_terminal = path == "-" && authorizer.is_asked();
    let mut keyboard = if at_terminal { Keyboard::at_terminal()? } else { Keyboard::open()? };
    let by = authorizer.prove(context, &mut keyboard)?;
    let mut report = report.map(ReportPlace::create).transpose()?;
    let mut handing = Handing { report: report.as_mut() };
    let mut batch = Batch::begin(context, total)?;
    let mut owners = Owners::default();
    loop {
        if keyboard.is_interrupted() {
            return batch.interrupted();
        }
        match list.next() {
            Ok(ListStop::End) => return batch.end(),
            Ok(ListStop::Row) => {
                let row = list.row();
                let user = row.as_ref().map(|row| row.user.to_owned()).unwrap_or_default();
                let fate = row.and_then(|row| {
                    let listed = ListedUser { row: &row, name: &wanted.name };
                    one(context, &by, &listed, &mut owners, &mut handing)
                });
                batch.add(list.line(), &user, fate)?;
            }
            Err(failure) => {
                batch.add(list.line(), "", Err(failure))?;
                return batch.end();
            }
        }
    }
}

/// A row of the list, and the name that its authenticator gets.
struct ListedUser<'a> {
    row: &'a UserRow<'a>,
    name: &'a str,
}

fn one(
    context: &Context,
    by: &Authorized,
    row: &ListedUser<'_>,
    owners: &mut Owners,
    handing: &mut Handing<'_>,
) -> Result<BatchOutcome, CliError> {
    let ListedUser { row, name } = *row;
    let account = context.account(row.user)?;
    if let Some(odd) = row.mail.filter(|mail| Address::read(mail).is_none()) {
        return Err(CliError::new(
            Exit::Refused,
            format!("{} is not a mail address that can be used", plain(odd)),
            "Give a plain address, such as ada@example.org.",
        ));
    }
    match row.key {
        Some(key) => {
            let authenticator = authenticator(context, by, key, name)?;
            owners.only(&account.name, &authenticator)?;
            enroll(context, by, &account, row.mail, authenticator)
        }
        None => by
            .may_invite()
            .and_then(|()| invite(context, by, &account, row.mail, handing))
            .map(BatchOutcome::Invited),
    }
}

/// Returns an authenticator with the key of a row. The key is marked as seen by the acting user, who can read the list.
fn authenticator(
    context: &Context,
    by: &Authorized,
    key: &str,
    name: &str,
) -> Result<Authenticator, CliError> {
    let audit = by.audit(context.now()?.unix);
    let seen = Some(KeyDisclosure { audit, postponed: 0 });
    if key.contains("://") {
        let found = otpauth::parse(key).map_err(|fault| odd_key(&fault.to_string()))?;
        return Ok(Authenticator { seen, ..found });
    }
    let key = base32::parse(key).map_err(|fault| odd_key(&fault.to_string()))?;
    Ok(Authenticator {
        name: name.trim().to_owned(),
        key,
        parameters: context.policy.new_keys,
        moving: MovingFactor::default(),
        seen,
    })
}

fn enroll(
    context: &Context,
    by: &Authorized,
    account: &Account,
    mail: Option<&str>,
    authenticator: Authenticator,
) -> Result<BatchOutcome, CliError> {
    let takeover = ImportPlan {
        promised_by: authenticator.seen.as_ref().map(|seen| seen.audit.by.clone()),
        authenticators: vec![authenticator],
        mail: mail.map(str::to_owned),
        ..ImportPlan::default()
    };
    Ok(match take_over(context, Some(by), account, takeover)? {
        ImportOutcome::Imported => BatchOutcome::Enrolled,
        ImportOutcome::Already | ImportOutcome::MovedOn => BatchOutcome::EnrolledAlready,
        ImportOutcome::OtherKey => BatchOutcome::OtherKey,
    })
}

fn odd_key(what: &str) -> CliError {
    CliError::new(Exit::Refused, what, "Correct the line; without a key the user gets a ticket.")
}
