//! `twinlock import uri USER`: imports the key of an app or token from an otpauth:// line on standard input.

use twinlock_core::{
    enrolment,
    otp::otpauth::{self, UriFault},
};
use twinlock_host::prepare;

use crate::{
    acting::Acting,
    commands::import_text,
    desk::Desk,
    exit::{Exit, Failure},
    piped::Piped,
    successor::place,
    wording::plain,
};

/// Longest input, in bytes: more than any usable line.
const INPUT_MAX: u64 = 16 * 1024;

/// Reads the line and enrolls its key.
pub fn run(desk: &Desk, user: &str) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    let acting = Acting::of(desk)?;
    let account = desk.account(user)?;
    let piped = Piped::read(INPUT_MAX).map_err(|error| import_text::unreadable(error, user))?;
    let authenticator = otpauth::parse(&piped.data).map_err(|fault| failure(fault, user))?;
    prepare::prepare_store(&desk.machine).map_err(|fault| Failure::from(fault).unchanged())?;
    let before = desk.machine.records.before_enrolment(&account);
    let before = before.map_err(|fault| Failure::from(fault).unchanged())?;
    let successor = enrolment::enrol(&account, before.as_ref(), authenticator, desk.stamp()?)
        .map_err(|_| {
            desk.machine.records.finish_first(&account);
            already(&account.name)
        })?;
    let by = acting.prove(desk, &mut piped.keyboard()?)?;
    by.is_still_first(desk)?;
    place(desk, (&account, successor.after), &successor.record)?;
    let name = successor.record.authenticators.first().map_or("", |first| &first.name);
    by.log(desk, "enrolled", &[("user", &account.name), ("authenticator", name)]);
    by.write_set_up(
        desk,
        &account.name,
        successor.record.beside.mail.as_deref(),
        successor.record.since,
    );
    desk.say(
        &format!("{} is enrolled with the authenticator {}.", plain(&account.name), plain(name)),
        serde_json::json!({ "user": account.name, "authenticator": name }),
    );
    Ok(())
}

/// Refuses to replace the key of an enrolled user.
pub fn already(user: &str) -> Failure {
    Failure::new(
        Exit::NotInState,
        format!("{0} is enrolled already, and keeps the key that works", plain(user)),
        format!("To begin anew: twinlock remove {}, then enroll again.", plain(user)),
    )
}

fn failure(fault: UriFault, user: &str) -> Failure {
    Failure::new(Exit::Usage, import_text::of_uri(fault), import_text::uri_remedy(fault, user))
}
