//! `twinlock verify USER`: tries a code as a login would, and spends and counts nothing.

use twinlock_core::{
    answer::{self, Answer},
    enrolment, facts,
    fault::CodesFault,
    judge::Evidence,
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
    proof::{Finding, clock_hint, examine},
    reasons,
    wording::plain,
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
    let floor = desk.machine.ledger.floor(now)?;
    let evidence = Evidence { used: &facts.used, floor, now: now.unix, window: desk.policy.window };
    let finding = examine(&found.record, &code, &evidence);
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
        Answer::Help | Answer::Other | Answer::Code(_) => {
            Failure::new(Exit::Refused, "that is not a code", "A code has 6 to 8 digits.")
        }
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

fn conclude(desk: &Desk, record: &Record, finding: Finding) -> Result<(), Failure> {
    let user = plain(&record.user);
    match finding {
        Finding::Right { found, ahead } => {
            let name = record.authenticators.get(found.authenticator).map(|one| one.name.as_str());
            let said = format!(
                "Right: a code of {}'s authenticator {}, and not used yet. {}",
                user,
                plain(name.unwrap_or_default()),
                clock(ahead)
            );
            desk.say(
                &said,
                serde_json::json!({
                    "user": record.user, "finding": "right",
                    "authenticator": name, "clock_ahead": ahead,
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

fn clock(ahead: i64) -> String {
    let by = duration(ahead.unsigned_abs());
    match ahead {
        0 => "Its clock agrees with this machine's.".into(),
        1.. => format!("Its clock is up to {by} ahead of this machine's."),
        _ => format!("Its clock is up to {by} behind this machine's, or the code was typed late."),
    }
}

/// Why a login would refuse a code, and what to do.
fn explain(user: &str, finding: Finding) -> (String, String) {
    match finding {
        Finding::Right { .. } => (String::from("right"), String::new()),
        Finding::Used { wait } => (
            format!("right for {user}, but that code or a later one was used already"),
            format!("The next one is shown in {}.", duration(wait)),
        ),
        Finding::BeforeEpoch { wait } => (
            format!("right for {user}, but perhaps used before this machine's start"),
            format!("The first one that counts is shown in {}.", duration(wait)),
        ),
        Finding::Off { ahead } => (
            format!("not of now: a login would refuse it. {}", clock_hint(ahead)),
            "Set both clocks by the network.".into(),
        ),
        Finding::Wrong => (
            format!("wrong: no authenticator of {user} shows that code around now"),
            "Look whether the app shows this host's entry; else remove and enroll again.".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_sentence_and_remedy() {
        for (finding, sentence, remedy) in [
            (Finding::Used { wait: 17 }, "used already", "The next one is shown in 17 s."),
            (Finding::BeforeEpoch { wait: 60 }, "this machine's start", "shown in 1 min."),
            (Finding::Off { ahead: -270 }, "about 4 min 30 s behind", "Set both clocks"),
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
        assert!(clock(0).contains("agrees"));
        assert!(clock(30).contains("30 s ahead"));
        assert!(clock(-30).contains("30 s behind"));
    }
}
