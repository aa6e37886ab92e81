//! `twinlock verify USER`: tries a code as a login would, and spends and counts nothing.

use twinlock_core::{
    answer::{self, Answer},
    enrolment, facts,
    fault::CodesFault,
    judge::Evidence,
    policy::Resync,
    ports::{Ledger, Records, Seat},
    record::Record,
    secret::Typed,
    text::duration,
};

use crate::{
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::{Keyboard, Line},
    one_time::{self, Left},
    proof::{Apart, Finding, Skew, examine, hint},
    reasons,
    wording::{instant, plain},
};

/// Asks for a code and says what it is.
pub fn run(desk: &Desk, user: &str) -> Result<(), Failure> {
    desk.need_root("try other people's codes")?;
    let account = desk.account(user)?;
    let found = desk.machine.records.newest(&account)?.filter(enrolment::is_enrolled);
    let Some(found) = found else {
        return Err(Failure::new(
            Exit::NotInState,
            format!("{} is not enrolled", plain(&account.name)),
            format!("To enroll: twinlock enroll {}", plain(&account.name)),
        ));
    };
    let shelf = desk.machine.ledger.open(&Seat::of(Some(&account), &account.name))?;
    let typed = ask(&account.name)?;
    let Answer::Code(code) = answer::read(&typed) else {
        return Err(not_a_code(&typed));
    };
    let now = desk.now()?;
    let facts = facts::read(shelf.as_ref(), None)?;
    let horizon = desk.machine.ledger.floor(now)?;
    let evidence = Evidence::of(&facts, &horizon, now.unix, desk.policy.window);
    let finding = as_learnt_here(desk.policy.resync, examine(&found.record, &code, &evidence));
    if !matches!(finding, Finding::Right { .. }) {
        let of_set = one_time::examine(&desk.machine.records, &found.record, &code);
        match of_set.map_err(|fault| of_set_failure(&found.record, fault))? {
            one_time::Finding::Wrong => {}
            other => return conclude_of_set(desk, &found.record, other),
        }
    }
    conclude(desk, &found.record, finding)
}

fn ask(user: &str) -> Result<Typed, Failure> {
    match Keyboard::open()?.ask(&format!("Code of {}: ", plain(user)))? {
        Line::Typed(line) => Ok(Typed::new(line.as_str().to_owned())),
        Line::End => Ok(Typed::new(String::new())),
        Line::Interrupted => Err(stopped()),
    }
}

fn stopped() -> Failure {
    Failure::new(Exit::Interrupted, "stopped", "No code was tried.")
}

fn not_a_code(typed: &Typed) -> Failure {
    match answer::read(typed) {
        Answer::Stop => stopped(),
        Answer::Help | Answer::Other | Answer::Code(_) => Failure::new(
            Exit::Refused,
            "that is not a code",
            "A code of an app has 6 to 8 digits, a backup code 20 letters or 8 digits.",
        ),
    }
}

fn of_set_failure(record: &Record, fault: CodesFault) -> Failure {
    let explained = reasons::explain(fault.reason(), &plain(&record.user));
    Failure::new(Exit::StoreUnreachable, explained.meaning, explained.remedy)
}

fn conclude_of_set(
    desk: &Desk,
    record: &Record,
    finding: one_time::Finding,
) -> Result<(), Failure> {
    let user = plain(&record.user);
    let one_time::Finding::Unspent(Left { left, of }) = finding else {
        return Err(Failure::new(
            Exit::Refused,
            format!("a backup code of {user} that was used already"),
            format!("Each of them works once. See what is left: twinlock status {user}"),
        ));
    };
    desk.say(
        &format!(
            "Right: one of {user}'s {left} backup codes that are left (of {of}). It was not spent."
        ),
        serde_json::json!({
            "user": record.user, "finding": "right",
            "authenticator": "scratch_code", "codes_left": left,
        }),
    );
    Ok(())
}

/// A finding on a host that may learn no clocks.
fn as_learnt_here(resync: Resync, finding: Finding) -> Finding {
    match (resync, finding) {
        (Resync::Off, Finding::Off { apart: Apart::Clock(skew) }) => {
            Finding::Off { apart: Apart::Clock(Skew { learnable: None, ..skew }) }
        }
        (Resync::Off | Resync::Offered, finding) => finding,
    }
}

fn conclude(desk: &Desk, record: &Record, finding: Finding) -> Result<(), Failure> {
    let user = plain(&record.user);
    match finding {
        Finding::Right { found, apart } => {
            let name = record.authenticators.get(found.authenticator).map(|one| one.name.as_str());
            let said = format!(
                "Right: a code of {}'s authenticator {}, and not used yet. {}",
                user,
                plain(name.unwrap_or_default()),
                within_reach(apart)
            );
            let (key, value) = number(apart);
            desk.say(
                &said,
                serde_json::json!({
                    "user": record.user, "finding": "right",
                    "authenticator": name, key: value,
                }),
            );
            Ok(())
        }
        other => {
            let (sentence, remedy) = explain(&user, other);
            Err(Failure::new(Exit::Refused, sentence, remedy))
        }
    }
}

/// Key and value for scripts.
fn number(apart: Apart) -> (&'static str, i64) {
    match apart {
        Apart::Clock(skew) => ("clock_ahead", skew.ahead),
        Apart::Presses { skipped } => ("presses_ahead", i64::try_from(skipped).unwrap_or(i64::MAX)),
    }
}

fn within_reach(apart: Apart) -> String {
    match apart {
        Apart::Clock(skew) => clock(skew),
        Apart::Presses { skipped: 0 } => "It is the next one of this token.".into(),
        Apart::Presses { skipped } => {
            format!("The token's button was pressed {skipped} more times since the last login.")
        }
    }
}

fn clock(Skew { ahead, learnt, .. }: Skew) -> String {
    let by = duration(ahead.unsigned_abs());
    match ahead {
        1.. if learnt != 0 => {
            format!("The app's clock is {by} fast, which is known and allowed for.")
        }
        ..0 if learnt != 0 => {
            format!("The app's clock is {by} slow, which is known and allowed for.")
        }
        0 => "Its clock agrees with this machine's.".into(),
        1.. => format!("Its clock is up to {by} ahead of this machine's."),
        _ => format!("Its clock is up to {by} behind this machine's, or the code was typed late."),
    }
}

/// Why a login would refuse a code, and what to do.
fn explain(user: &str, finding: Finding) -> (String, String) {
    match finding {
        Finding::Right { .. } => (String::from("right"), String::new()),
        Finding::Used { wait: 0 } => (
            format!("right for {user}, but that code or a later one was used already"),
            "Take the one shown now; on a token, press the button.".into(),
        ),
        Finding::Used { wait } => (
            format!("right for {user}, but that code or a later one was used already"),
            format!("The next one is shown in {}.", duration(wait)),
        ),
        Finding::BeforeEpoch { ahead: Some(until), .. } => (
            format!(
                "right for {user}, but perhaps used while the clock was ahead, until {}",
                instant(until)
            ),
            "Is the clock right now? Then run: twinlock epoch now".into(),
        ),
        Finding::BeforeEpoch { wait, .. } => (
            format!("right for {user}, but perhaps used before this machine's start"),
            format!("The first one that counts is shown in {}.", duration(wait)),
        ),
        Finding::Off { apart } => (
            format!("too far off: by itself a login refuses it. {}", hint(apart)),
            match apart {
                Apart::Clock(skew) => clock_remedy(skew),
                Apart::Presses { .. } => {
                    "Type this code and the next one after it at a login: two in a row are taken."
                        .into()
                }
            },
        ),
        Finding::Wrong => (
            format!("wrong: no authenticator of {user} shows that code around now"),
            "Look whether the app shows this host's entry; else remove and enroll again.".into(),
        ),
    }
}

fn clock_remedy(skew: Skew) -> String {
    let from = skew.learnable.map(|from| {
        let (hours, minutes, seconds) = from.clock();
        format!("from {hours:02}:{minutes:02}:{seconds:02} UTC on, let this host learn it.")
    });
    match (skew.ahead, from) {
        (0, Some(from)) => format!("Two codes in a row at a login, {from}"),
        (0, None) => "Remove and enroll again: this host learns no clock like that.".into(),
        (_, Some(from)) => {
            format!("Set both clocks by the network; or two codes in a row at a login, {from}")
        }
        (_, None) => "Set both clocks by the network.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::time::UnixTime;

    fn skewed(ahead: i64) -> Apart {
        Apart::Clock(Skew { ahead, learnt: 330, learnable: Some(UnixTime(1_800_000_000)) })
    }

    fn off(apart: Apart) -> Finding {
        Finding::Off { apart }
    }

    #[test]
    fn every_refusal_has_its_sentence_and_remedy() {
        for (finding, sentence, remedy) in [
            (Finding::Used { wait: 17 }, "used already", "The next one is shown in 17 s."),
            (
                Finding::BeforeEpoch { wait: 60, ahead: None },
                "this machine's start",
                "shown in 1 min.",
            ),
            (
                Finding::BeforeEpoch { wait: 600, ahead: Some(UnixTime(0)) },
                "while the clock was ahead, until 1970-01-01",
                "twinlock epoch now",
            ),
            (Finding::Used { wait: 0 }, "used already", "press the button"),
            (off(skewed(-270)), "about 4 min 30 s behind", "at a login, from 08:00:00 UTC on"),
            (off(skewed(0)), "the app's was set right since", "Two codes in a row at a login"),
            (off(Apart::Presses { skipped: 9 }), "pressed 9 times", "two in a row"),
            (Finding::Wrong, "no authenticator of ada", "Look whether"),
        ] {
            let said = explain("ada", finding);
            assert!(said.0.contains(sentence) && said.1.contains(remedy), "{said:?}");
        }
    }

    #[test]
    fn a_set_that_cannot_be_used_is_explained() {
        let failure =
            of_set_failure(&twinlock_core::record::Record::nobodys().unwrap(), CodesFault::Memory);
        assert!(failure.what.contains("19 MiB"), "{}", failure.what);
    }

    #[test]
    fn a_clock_is_said_to_be_off_which_way() {
        let clock = |ahead| clock(Skew { ahead, learnt: 0, learnable: None });
        assert!(clock(0).contains("agrees"));
        assert!(clock(30).contains("30 s ahead"));
        assert!(clock(-30).contains("30 s behind"));
        let said = super::clock(Skew { ahead: 330, learnt: 330, learnable: None });
        assert!(said.contains("5 min 30 s fast, which is known"), "{said}");
    }
}
