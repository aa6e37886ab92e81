//! `twinlock enroll USER`: shows a QR code, verifies one code, then writes the record.

use std::io::IsTerminal;

use twinlock_core::{
    answer::{self, Answer},
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
        secret::{Key, Typed},
        time::UnixTime,
    },
    dialogue::set_up::CodesShown,
    ports::{Creation, Entropy, Ledger, LedgerKey, Records, UserLedger},
    record::{
        Authenticator, MovingFactor, Record,
        enrollment::{self, Successor},
        extras::KeyDisclosure,
    },
    text::duration,
    verify::{claimant::Claimant, generate, history, judge::Evidence, ruling::Match},
};
use twinlock_host::{create_store, entropy::KernelEntropy};
use zeroize::Zeroizing;

use crate::{
    authorize::{
        authorizer::{Authorized, Authorizer},
        own_code::with_tries,
    },
    cli::Enroll,
    context::Context,
    enrollment::{
        code_diagnosis::{CodeDiagnosis, examine, hint},
        first_codes,
        key_display::{self, Owned, SeenWhere},
        key_text,
        record_update::in_doubt,
    },
    error::exit::{CliError, Exit},
    import::uri,
    terminal::{
        keyboard::{InputLine, Keyboard, tell},
        qr_image::Pictures,
    },
    text::{WIDTH, plain, wrap},
};

/// Length in bytes of a new key: 160 bits, as RFC 4226 section 4 recommends.
const KEY_BYTES: usize = 20;
/// Number of codes that the user may type before the enrollment fails.
const TRIES: u8 = 5;

/// Enrolls the user whom the arguments name.
pub(crate) fn run(context: &Context, wanted: &Enroll) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    check_arguments(context, wanted)?;
    let account = context.account(wanted.user.as_deref().unwrap_or_default())?;
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    let authorizer = Authorizer::of(context)?;
    let prepared = create_store::prepare_store(&context.machine);
    prepared.map_err(|fault| CliError::from(fault).unchanged())?;
    let before = context.machine.records.before_enrollment(&account);
    let before = before.map_err(|fault| CliError::from(fault).unchanged())?;
    if before.as_ref().is_some_and(enrollment::is_enrolled) {
        context.machine.records.finish_first(&account);
        return Err(uri::already(&account.name));
    }
    let mut keyboard = Keyboard::open()?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let mut authenticator = new_authenticator(context, wanted, &mut keyboard)?;
    authenticator.seen = seen(context, &account, &by)?;
    let stamp = context.stamp()?;
    let mut successor = enrollment::enroll(&account, before.as_ref(), authenticator, stamp)
        .map_err(|_| uri::already(&account.name))?;
    if !wanted.secret_stdin {
        mark_as_fresh(context, &mut successor.record)?;
    }
    let user_ledger = user_ledger(context, &folder)?;
    let pictures =
        show(context, wanted, &successor).map_err(|failure| failure.but("nothing was changed"))?;
    prove(context, &successor, user_ledger.as_ref(), &mut keyboard)?;
    still_first(context, &account, &by)?;
    let mail = successor.record.extras.mail.clone();
    put_in_force(context, &account, &folder, successor, &by)?;
    pictures.keep();
    by.log(context, "enrolled", &[("user", &account.name), ("authenticator", wanted.name.trim())]);
    by.write_set_up(context, &account.name, mail.as_deref(), stamp.at);
    // If the codes cannot be shown now, the next login shows them. The enrollment succeeds anyway.
    let codes = match by.shows_to(&account) {
        true => first_codes::show(context, &account, stamp.generation, &mut keyboard).ok(),
        false => None,
    };
    finish(context, &account, wanted, codes.unwrap_or(CodesShown::Owed));
    Ok(())
}

/// Checks that this run may still enroll the user without a code. It may, if no other run has enrolled an account since
/// this run began. A run that has asked the acting user for a code may always go on.
///
/// # Errors
/// [`CliError`] if another run has enrolled an account. The message says so if that account is the one that this run
/// was going to enroll.
fn still_first(context: &Context, account: &Account, by: &Authorized) -> Result<(), CliError> {
    by.is_still_first(context).map_err(|failure| match context.machine.records.newest(account) {
        Ok(Some(found)) if enrollment::is_enrolled(&found) => overtaken(&account.name),
        Ok(_) | Err(_) => failure,
    })
}

/// Returns a note for the record that the acting user has seen a new key; `None` if the key is the acting user's own.
/// Because of the note, the next logins ask the user to replace the key.
fn seen(
    context: &Context,
    account: &Account,
    by: &Authorized,
) -> Result<Option<KeyDisclosure>, CliError> {
    let audit = by.audit(context.now()?.unix);
    Ok((!by.shows_to(account)).then_some(KeyDisclosure { audit, postponed: 0 }))
}

/// Opens the ledger folder of the user who is being enrolled. Call this before the key is shown: if the ledger cannot
/// be opened, no code can be verified, and the user would scan the QR code for nothing.
///
/// # Errors
/// [`CliError`] if the ledger cannot be opened. It tells the administrator that nothing was changed.
fn user_ledger<'a>(
    context: &'a Context,
    folder: &Folder,
) -> Result<Box<dyn UserLedger + 'a>, CliError> {
    let opened = context.machine.ledger.open(&LedgerKey::Account(folder.clone()));
    opened.map_err(|fault| CliError::from(fault).unchanged())
}

/// Notes in the record that this host has generated the key, in which boot and when. A login then knows that no code of
/// the key was used before that. Creates the ledger if it is missing.
fn mark_as_fresh(context: &Context, record: &mut Record) -> Result<(), CliError> {
    let now = context.now()?;
    if context.machine.ledger.floor(now).is_ok()
        && let Ok(boot_id) = context.machine.ledger.boot_id()
    {
        twinlock_core::verify::fresh_key::mark_as_fresh(record, &boot_id, now.boot);
    }
    Ok(())
}

fn check_arguments(context: &Context, wanted: &Enroll) -> Result<(), CliError> {
    let name = &wanted.name;
    if name.trim().is_empty() || name.chars().count() > 64 || name.contains(char::is_control) {
        return Err(CliError::new(
            Exit::Usage,
            "--name must be 1 to 64 characters, without control characters",
            "Give a name that the user knows, such as phone.",
        ));
    }
    let drawing = &wanted.drawing;
    let handed_over = drawing.png.is_some() || drawing.svg.is_some() || wanted.secret_stdin;
    if context.json && !handed_over {
        return Err(CliError::new(
            Exit::Usage,
            "--json prints no key, so there would be nothing to scan",
            "Add --png FILE or --svg FILE, or give the key with --secret-stdin.",
        ));
    }
    Ok(())
}

fn show(context: &Context, wanted: &Enroll, successor: &Successor) -> Result<Pictures, CliError> {
    let record = &successor.record;
    let Some(authenticator) = record.authenticators.first() else {
        return Err(uri::already(&record.user));
    };
    let seen = if wanted.secret_stdin { SeenWhere::InFiles } else { SeenWhere::OnScreen };
    key_display::show(context, &wanted.drawing, &Owned { user: &record.user, authenticator, seen })
}

fn new_authenticator(
    context: &Context,
    wanted: &Enroll,
    keyboard: &mut Keyboard,
) -> Result<Authenticator, CliError> {
    let key = if wanted.secret_stdin { key_text::read(keyboard)? } else { fresh_key()? };
    Ok(Authenticator {
        name: wanted.name.trim().to_owned(),
        key,
        parameters: context.policy.new_keys,
        moving: MovingFactor::default(),
        seen: None,
    })
}

fn fresh_key() -> Result<Key, CliError> {
    let mut bytes = Zeroizing::new(vec![0; KEY_BYTES]);
    KernelEntropy.fill(&mut bytes)?;
    Key::new(std::mem::take(&mut *bytes))
        .map_err(|_| twinlock_core::base::error::MachineError.into())
}

/// Asks for a code until one proves that the app has the key. Marks the code as used, so that no login accepts it.
fn prove(
    context: &Context,
    successor: &Successor,
    user_ledger: &dyn UserLedger,
    keyboard: &mut Keyboard,
) -> Result<(), CliError> {
    let user = &successor.record.user;
    let digits = context.policy.new_keys.digits.get();
    let prompt = format!("{digits}-digit code now shown in the app: ");
    let mut empty = false;
    for left in (0..TRIES).rev() {
        let typed = match keyboard.ask(&prompt)? {
            InputLine::Typed(line) => Typed::new(line.as_str().to_owned()),
            InputLine::End if left + 1 < TRIES => return Err(unproven(user)),
            InputLine::End | InputLine::Interrupted => return Err(stopped(user)),
        };
        let said = match answer::read(&typed) {
            // The first empty answer may be a mistake, and the app has the key by now. Only a second empty answer in a
            // row ends the dialogue.
            Answer::Stop if empty || !std::io::stdin().is_terminal() => return Err(stopped(user)),
            Answer::Stop => {
                empty = true;
                tell("Nothing was typed. Type the code, or press Enter once more to stop.\n");
                continue;
            }
            Answer::Help | Answer::Other => {
                format!("That is not a code. The app shows {digits} digits.")
            }
            Answer::Code(code) => match check(context, successor, &code, user_ledger)? {
                None => return Ok(()),
                Some(said) => said,
            },
        };
        empty = false;
        tell(&format!("{}\n", wrap(&with_tries(&said, left), WIDTH, 0)));
    }
    Err(unproven(user))
}

/// Verifies a code of the new key and marks it as used. Returns `None` if the code is correct, otherwise a message for
/// the user.
fn check(
    context: &Context,
    successor: &Successor,
    code: &answer::Code,
    user_ledger: &dyn UserLedger,
) -> Result<Option<String>, CliError> {
    let now = context.now()?.unix;
    let facts = history::read(user_ledger, None)?;
    // A code from before the epoch is accepted: it only proves that the app has the key, and no login accepts it later.
    let evidence = Evidence {
        used: &facts.used,
        floor: UnixTime(0),
        known: None,
        ahead: &[],
        now,
        window: context.policy.window,
    };
    Ok(match examine(&successor.record, code, &evidence) {
        CodeDiagnosis::Right { found, .. }
            if claim(user_ledger, &found, now)? == Creation::Made =>
        {
            None
        }
        CodeDiagnosis::Right { .. } => {
            Some("That code was used already. Wait for the next one.".into())
        }
        CodeDiagnosis::Used { wait } | CodeDiagnosis::BeforeEpoch { wait, .. } => {
            Some(format!("That code was used already. Wait for the next one ({}).", duration(wait)))
        }
        CodeDiagnosis::Off { apart } => Some(format!("That code is not current. {}", hint(apart))),
        CodeDiagnosis::Wrong => Some("That code is wrong.".into()),
    })
}

fn claim(user_ledger: &dyn UserLedger, found: &Match, now: UnixTime) -> Result<Creation, CliError> {
    Ok(Claimant::new(user_ledger, now, generate::nonce(&KernelEntropy)?).claim(&found.used())?)
}

fn put_in_force(
    context: &Context,
    account: &Account,
    folder: &Folder,
    mut successor: Successor,
    by: &Authorized,
) -> Result<(), CliError> {
    let now = context.now()?;
    successor.record.since = now.unix;
    enrollment::promise_first_codes(&mut successor.record, by.audit(now.unix).by);
    match context.machine.records.commit(folder, successor.after, &successor.record) {
        Ok(()) => {}
        Err(CommitError::Overtaken) => return Err(overtaken(&account.name)),
        Err(CommitError::Store(fault)) => {
            return Err(in_doubt(context, account, &successor.record, fault));
        }
    }
    context.machine.records.mark_clock(now);
    Ok(())
}

fn finish(context: &Context, account: &Account, wanted: &Enroll, codes: CodesShown) {
    let authenticator = wanted.name.trim();
    let (word, next) = match codes {
        CodesShown::InForce => ("in_force", ""),
        CodesShown::Owed => ("owed", ", and shows the backup codes"),
    };
    context.say(
        &format!(
            "{} is enrolled with the authenticator {}. The next login needs the next code{next}.",
            plain(&account.name),
            plain(authenticator)
        ),
        serde_json::json!({
            "user": account.name, "authenticator": authenticator, "codes": word,
        }),
    );
}

fn stopped(user: &str) -> CliError {
    CliError::new(
        Exit::Interrupted,
        format!("stopped; {} is not enrolled", plain(user)),
        "If the app already has the entry, delete it: its key does not work.",
    )
}

fn unproven(user: &str) -> CliError {
    CliError::new(
        Exit::Refused,
        format!("no correct code was typed, so {} is not enrolled", plain(user)),
        "Delete the entry from the app, compare the clocks of phone and machine, and enroll again.",
    )
}

fn overtaken(user: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!(
            "{} was enrolled by another process in the meantime; that key is in force",
            plain(user)
        ),
        "Delete the new entry from the app: its key does not work.",
    )
}
