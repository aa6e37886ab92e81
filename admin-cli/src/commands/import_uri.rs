//! `twinlock import uri USER`: takes over a key that an app or a token already has, from an otpauth:// line on standard input.

use twinlock_core::{
    enrolment,
    otp::otpauth::{self, UriFault},
};
use twinlock_host::prepare;

use crate::{
    acting::Acting,
    commands::key_text,
    desk::Desk,
    exit::{Exit, Failure},
    piped::Piped,
    successor::place,
    wording::plain,
};

/// More than any line that can be used.
const INPUT_MAX: u64 = 16 * 1024;

/// Reads the line and enrols its key.
pub fn run(desk: &Desk, user: &str) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    let acting = Acting::of(desk)?;
    let account = desk.account(user)?;
    let piped = Piped::read(INPUT_MAX).map_err(|_| failure(UriFault::Scheme))?;
    let authenticator = otpauth::parse(&piped.data).map_err(failure)?;
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

/// Somebody who is enrolled keeps the key that works.
pub fn already(user: &str) -> Failure {
    Failure::new(
        Exit::NotInState,
        format!("{0} is enrolled already, and keeps the key that works", plain(user)),
        format!("To begin anew: twinlock remove {}, then enroll again.", plain(user)),
    )
}

fn failure(fault: UriFault) -> Failure {
    let what = match fault {
        UriFault::Scheme => "standard input has no otpauth:// line".into(),
        UriFault::Type => "only otpauth://totp/ and otpauth://hotp/ can be taken over".into(),
        UriFault::TooLong => "the line is longer than any otpauth:// line".into(),
        UriFault::Encoding => "the line has a percent sign without two digits after it".into(),
        UriFault::NoSecret => "the line has no secret=".into(),
        UriFault::Twice => "the line has a parameter twice".into(),
        UriFault::Secret(fault) => key_text::complaint("secret=", fault),
        UriFault::Digits => "digits= must be 6, 7 or 8".into(),
        UriFault::Period => "period= must be 1 to 3600".into(),
        UriFault::Algorithm => "algorithm= must be SHA1, SHA256 or SHA512".into(),
        UriFault::Counter => {
            "otpauth://hotp/ needs counter=, a number: that of the next code".into()
        }
    };
    Failure::new(
        Exit::Usage,
        what,
        "Write a line like otpauth://totp/host:user?secret=BASE32&issuer=host to standard input.",
    )
}
