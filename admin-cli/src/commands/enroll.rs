//! `twinlock enroll USER`: shows a QR code, verifies one code, then writes the record.

use std::io::IsTerminal;

use twinlock_core::{
    account::{Account, Folder},
    answer::{self, Answer},
    beside::Seen,
    claimant::Claimant,
    dialogue::set_up::CodesShown,
    draw,
    enrolment::{self, Successor},
    facts,
    fault::{CommitFault, StoreFault},
    judge::{Evidence, Match},
    ports::{Creation, Entropy, Ledger, Records, Seat, Shelf},
    record::{Authenticator, Moving, Record},
    secret::{Key, Typed},
    text::duration,
    time::UnixTime,
};
use twinlock_host::{entropy::KernelEntropy, prepare};
use zeroize::Zeroizing;

use crate::{
    acting::{Acting, Proven},
    commands::{
        first_codes, import_uri, key_text,
        showing::{self, Owned, SeenWhere},
    },
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::{Keyboard, Line, tell},
    own_code::with_tries,
    picture::Pictures,
    proof::{Finding, examine, hint},
    successor::in_doubt,
    verbs::Enroll,
    wording::{WIDTH, plain, wrap},
};

/// 160 bits, as RFC 4226 section 4 recommends.
const KEY_BYTES: usize = 20;
/// Number of answers to the prompt for the proof.
const TRIES: u8 = 5;

/// Enrolls a user.
pub fn run(desk: &Desk, wanted: &Enroll) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    check_arguments(desk, wanted)?;
    let account = desk.account(wanted.user.as_deref().unwrap_or_default())?;
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    let acting = Acting::of(desk)?;
    prepare::prepare_store(&desk.machine).map_err(|fault| Failure::from(fault).unchanged())?;
    let before = desk.machine.records.before_enrolment(&account);
    let before = before.map_err(|fault| Failure::from(fault).unchanged())?;
    if let Some(found) = before.as_ref()
        && enrolment::is_enrolled(found)
    {
        desk.machine.records.finish_first(&account);
        return Err(import_uri::already(&account.name));
    }
    let mut keyboard = Keyboard::open()?;
    let by = acting.prove(desk, &mut keyboard)?;
    let mut authenticator = new_authenticator(desk, wanted, &mut keyboard)?;
    authenticator.seen = seen(desk, &account, &by)?;
    let stamp = desk.stamp()?;
    let mut successor = enrolment::enrol(&account, before.as_ref(), authenticator, stamp)
        .map_err(|_| import_uri::already(&account.name))?;
    if !wanted.secret_stdin {
        mark_as_fresh(desk, &mut successor.record)?;
    }
    let pictures =
        show(desk, wanted, &successor).map_err(|failure| failure.but("nothing was changed"))?;
    prove(desk, &successor, &mut keyboard)?;
    still_first(desk, &account, &by)?;
    let mail = successor.record.beside.mail.clone();
    put_in_force(desk, (&account, &folder), (successor, &by))?;
    pictures.keep();
    by.log(desk, "enrolled", &[("user", &account.name), ("authenticator", wanted.name.trim())]);
    by.write_set_up(desk, &account.name, mail.as_deref(), stamp.1);
    let codes = match by.shows_to(&account) {
        true => first_codes::show(desk, &account, stamp.0, &mut keyboard),
        false => Ok(CodesShown::Owed),
    };
    // Codes that cannot be shown are owed at the next login; the enrollment is done anyway.
    finish(desk, &account, wanted, codes.unwrap_or(CodesShown::Owed));
    Ok(())
}

/// Refuses if another account was enrolled first on this host; names an enrollment of the same user as such.
fn still_first(desk: &Desk, account: &Account, by: &Proven) -> Result<(), Failure> {
    by.is_still_first(desk).map_err(|failure| match desk.machine.records.newest(account) {
        Ok(Some(found)) if enrolment::is_enrolled(&found) => overtaken(&account.name),
        Ok(_) | Err(_) => failure,
    })
}

/// Marks a key as disclosed if it belongs to another user: it is on the administrator's screen, so its owner is asked
/// to change it at the next logins.
fn seen(desk: &Desk, account: &Account, by: &Proven) -> Result<Option<Seen>, Failure> {
    let trace = by.trace(desk.now()?.unix);
    Ok((!by.shows_to(account)).then_some(Seen { trace, postponed: 0 }))
}

/// Records that the key was generated here, before its first code is accepted. Starts the ledger if there is none.
fn mark_as_fresh(desk: &Desk, record: &mut Record) -> Result<(), Failure> {
    let now = desk.now()?;
    if desk.machine.ledger.floor(now).is_ok()
        && let Ok(boot_id) = desk.machine.ledger.boot_id()
    {
        enrolment::mark_as_fresh(record, &boot_id, now.boot);
    }
    Ok(())
}

fn check_arguments(desk: &Desk, wanted: &Enroll) -> Result<(), Failure> {
    let name = &wanted.name;
    if name.trim().is_empty() || name.chars().count() > 64 || name.contains(char::is_control) {
        return Err(Failure::new(
            Exit::Usage,
            "--name must be 1 to 64 letters without control characters",
            "Call the authenticator what its owner calls it, such as phone.",
        ));
    }
    let drawing = &wanted.drawing;
    let handed_over = drawing.png.is_some() || drawing.svg.is_some() || wanted.secret_stdin;
    if desk.json && !handed_over {
        return Err(Failure::new(
            Exit::Usage,
            "--json prints no key, so nobody could scan it",
            "Add --png FILE or --svg FILE, or bring the key with --secret-stdin.",
        ));
    }
    Ok(())
}

fn show(desk: &Desk, wanted: &Enroll, successor: &Successor) -> Result<Pictures, Failure> {
    let record = &successor.record;
    let Some(authenticator) = record.authenticators.first() else {
        return Err(import_uri::already(&record.user));
    };
    let seen = if wanted.secret_stdin { SeenWhere::InFiles } else { SeenWhere::OnScreen };
    showing::show(desk, &wanted.drawing, &Owned { user: &record.user, authenticator, seen })
}

fn new_authenticator(
    desk: &Desk,
    wanted: &Enroll,
    keyboard: &mut Keyboard,
) -> Result<Authenticator, Failure> {
    let key = if wanted.secret_stdin { key_text::read(keyboard)? } else { fresh_key()? };
    Ok(Authenticator {
        name: wanted.name.trim().to_owned(),
        key,
        parameters: desk.policy.new_keys,
        moving: Moving::default(),
        seen: None,
    })
}

fn fresh_key() -> Result<Key, Failure> {
    let mut bytes = Zeroizing::new(vec![0; KEY_BYTES]);
    KernelEntropy.fill(&mut bytes)?;
    Key::new(std::mem::take(&mut *bytes)).map_err(|_| twinlock_core::fault::MachineFault.into())
}

/// Asks until a code proves that the app has the key, and claims its step, so that the code is not accepted by a login.
fn prove(desk: &Desk, successor: &Successor, keyboard: &mut Keyboard) -> Result<(), Failure> {
    let user = &successor.record.user;
    let folder = Folder::of(user).map_err(|_| StoreFault::NameTooLong)?;
    let shelf = desk.machine.ledger.open(&Seat::Account(folder))?;
    let digits = desk.policy.new_keys.digits.get();
    let prompt = format!("{digits}-digit code now shown in the app: ");
    let mut empty = false;
    for left in (0..TRIES).rev() {
        let typed = match keyboard.ask(&prompt)? {
            Line::Typed(line) => Typed::new(line.as_str().to_owned()),
            Line::End if left + 1 < TRIES => return Err(unproven(user)),
            Line::End | Line::Interrupted => return Err(stopped(user)),
        };
        let said = match answer::read(&typed) {
            // An empty answer may be a mistake, and the app has the key by now: only a second one ends the dialogue.
            Answer::Stop if empty || !std::io::stdin().is_terminal() => return Err(stopped(user)),
            Answer::Stop => {
                empty = true;
                tell("Nothing was typed. Type the code, or press Enter once more to stop.\n");
                continue;
            }
            Answer::Help | Answer::Other => {
                format!("That is not a code. The app shows {digits} digits.")
            }
            Answer::Code(code) => match weigh(desk, successor, &code, shelf.as_ref())? {
                None => return Ok(()),
                Some(said) => said,
            },
        };
        empty = false;
        tell(&format!("{}\n", wrap(&with_tries(&said, left), WIDTH, 0)));
    }
    Err(unproven(user))
}

/// Verifies the code and claims its step; returns a message if it is not accepted.
fn weigh(
    desk: &Desk,
    successor: &Successor,
    code: &answer::Code,
    shelf: &dyn Shelf,
) -> Result<Option<String>, Failure> {
    let now = desk.now()?.unix;
    let facts = facts::read(shelf, None)?;
    // A code from before the epoch is accepted: it only proves that the app has the key, and no login accepts it later.
    let evidence = Evidence {
        used: &facts.used,
        floor: UnixTime(0),
        ahead: &[],
        now,
        window: desk.policy.window,
    };
    Ok(match examine(&successor.record, code, &evidence) {
        Finding::Right { found, .. } if claim(shelf, &found, now)? == Creation::Made => None,
        Finding::Right { .. } => Some("That code was used already. Wait for the next one.".into()),
        Finding::Used { wait } | Finding::BeforeEpoch { wait, .. } => {
            Some(format!("That code was used already. Wait for the next one ({}).", duration(wait)))
        }
        Finding::Off { apart } => Some(format!("That code is not of now. {}", hint(apart))),
        Finding::Wrong => Some("That code is wrong.".into()),
    })
}

fn claim(shelf: &dyn Shelf, found: &Match, now: UnixTime) -> Result<Creation, Failure> {
    Ok(Claimant::new(shelf, now, draw::nonce(&KernelEntropy)?).claim(&found.used())?)
}

fn put_in_force(
    desk: &Desk,
    (account, folder): (&Account, &Folder),
    (mut successor, by): (Successor, &Proven),
) -> Result<(), Failure> {
    let now = desk.now()?;
    successor.record.since = now.unix;
    enrolment::promise_first_codes(&mut successor.record, by.trace(now.unix).by);
    match desk.machine.records.commit(folder, successor.after, &successor.record) {
        Ok(()) => {}
        Err(CommitFault::Overtaken) => return Err(overtaken(&account.name)),
        Err(CommitFault::Store(fault)) => {
            return Err(in_doubt(desk, account, (&successor.record, fault)));
        }
    }
    desk.machine.records.mark_clock(now);
    Ok(())
}

fn finish(desk: &Desk, account: &Account, wanted: &Enroll, codes: CodesShown) {
    let authenticator = wanted.name.trim();
    let (word, next) = match codes {
        CodesShown::InForce => ("in_force", ""),
        CodesShown::Owed => ("owed", ", and shows the backup codes"),
    };
    desk.say(
        &format!(
            "{} is enrolled with the authenticator {}. The next login takes the next code{next}.",
            plain(&account.name),
            plain(authenticator)
        ),
        serde_json::json!({
            "user": account.name, "authenticator": authenticator, "codes": word,
        }),
    );
}

fn stopped(user: &str) -> Failure {
    Failure::new(
        Exit::Interrupted,
        format!("stopped; {} is not enrolled", plain(user)),
        "Delete the entry from the app again, if there is one already: its key opens nothing.",
    )
}

fn unproven(user: &str) -> Failure {
    Failure::new(
        Exit::Refused,
        format!("no right code was typed, so {} is not enrolled", plain(user)),
        "Delete the entry from the app, compare the clocks of phone and machine, and enroll again.",
    )
}

fn overtaken(user: &str) -> Failure {
    Failure::new(
        Exit::NotInState,
        format!("somebody else enrolled {} meanwhile; that key counts", plain(user)),
        "Delete the entry just made from the app: its key opens nothing.",
    )
}
