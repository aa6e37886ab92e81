//! `twinlock verify USER`: verifies a code as a login does. Attempts are limited and a correct code is used up, so that
//! an attacker gains nothing from the answer.

use twinlock_core::{
    answer::{self, Answer, Code},
    base::{account::Account, request::SourceLabel, secret::Typed, time::UnixTime},
    ledger::{Budget, LedgerHistory, names},
    policy::Resync,
    ports::{Ledger, LedgerKey, Records, Snapshot, UserLedger},
    record::{Record, code_set::Shape, enrollment},
    text::duration,
    verify::{
        attempt::{Attempt, Outcome},
        history,
        judge::Evidence,
        resync::Memory,
    },
};

use crate::{
    authorize::{authorizer::Authorizer, own_code::Nobody},
    context::Context,
    enrollment::{
        code_diagnosis::{Apart, CodeDiagnosis, Skew, examine, hint},
        past_code,
    },
    error::{
        exit::{CliError, Exit},
        refusal_messages,
    },
    terminal::keyboard::{InputLine, Keyboard},
    text::{instant, plain, time_of_day},
};

/// Asks for a code of the user and prints whether it is correct, or what is wrong with it.
pub(crate) fn run(context: &Context, user: &str) -> Result<(), CliError> {
    context.need_root("verify codes of other users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(user)?;
    let enrolled =
        || context.machine.records.newest(&account).map(|it| it.filter(enrollment::is_enrolled));
    let (Some(found), Some(judged)) = (enrolled()?, enrolled()?) else {
        return Err(CliError::new(
            Exit::NotInState,
            format!("{} is not enrolled", plain(&account.name)),
            format!("To enroll: twinlock enroll {}", plain(&account.name)),
        ));
    };
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(&account), &account.name))?;
    let mut keyboard = Keyboard::open()?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let typed = ask(&mut keyboard, &account.name)?;
    let code = read(&typed, &account.name)?;
    let before = history::read(user_ledger.as_ref(), None)?;
    let asked = ChargedAttempt {
        context,
        user_ledger: user_ledger.as_ref(),
        record: &found.record,
        code: &code,
    };
    let answer = asked.answer(asked.charged(&account, judged, &by.source()), &before)?;
    by.log(context, "code_tried", &[("user", &account.name), ("finding", answer.word())]);
    answer.tell(context, &found.record)
}

fn ask(keyboard: &mut Keyboard, user: &str) -> Result<Typed, CliError> {
    match keyboard.ask(&format!("Code of {}: ", plain(user)))? {
        InputLine::Typed(line) => Ok(Typed::new(line.as_str().to_owned())),
        InputLine::End => Ok(Typed::new(String::new())),
        InputLine::Interrupted => Err(stopped()),
    }
}

fn read(typed: &Typed, user: &str) -> Result<Code, CliError> {
    match answer::read(typed) {
        Answer::Code(code) if code.is_voucher() || !code.of_shape(Shape::Letters20).is_empty() => {
            Err(not_tried(user))
        }
        Answer::Code(code) => Ok(code),
        Answer::Stop => Err(stopped()),
        Answer::Help | Answer::Other => Err(CliError::new(
            Exit::Refused,
            "that is not a code",
            "A code of an app has 6 to 8 digits.",
        )),
    }
}

fn stopped() -> CliError {
    CliError::new(Exit::Interrupted, "stopped", "No code was verified.")
}

fn not_tried(user: &str) -> CliError {
    CliError::new(
        Exit::Refused,
        "only codes of an authenticator app can be verified here",
        format!("To see what is left of the others: twinlock status {}", plain(user)),
    )
}

/// The typed code, and what is needed to count the attempt and verify the code.
struct ChargedAttempt<'a> {
    context: &'a Context,
    user_ledger: &'a dyn UserLedger,
    record: &'a Record,
    code: &'a Code,
}

/// Result of `twinlock verify`.
enum VerifyVerdict {
    /// The code was compared. The diagnosis says that it is correct, or what is wrong with it.
    Found(CodeDiagnosis),
    /// The code was not compared, because there were too many attempts. The field is the time from which codes are
    /// compared again.
    Throttled(UnixTime),
}

impl ChargedAttempt<'_> {
    /// Verifies the code as a login does, but counts the attempt for a separate limit, and not for that of logins.
    /// Marks a correct code as used before anything is printed.
    fn charged(&self, account: &Account, judged: Snapshot, source: &SourceLabel) -> Outcome {
        let mut attempt = Attempt {
            policy: &self.context.policy,
            ports: self.context.machine.ports(&Nobody),
            user_ledger: self.user_ledger,
            person: Some((account, judged)),
            stand_in: None,
            broken: None,
            source,
            budget: Budget::Verify,
            memory: Memory::new(self.context.policy.resync),
        };
        attempt.verify(self.code)
    }

    /// Turns the outcome of the attempt into the result of `twinlock verify`. `before` is the content of the ledger
    /// before the attempt. The code may be an old one from which a login could still learn by how much the app's clock
    /// is wrong. In this case, the code is first marked as used.
    fn answer(&self, outcome: Outcome, before: &LedgerHistory) -> Result<VerifyVerdict, CliError> {
        Ok(VerifyVerdict::Found(match outcome {
            Outcome::Granted(_) => self.right(before)?,
            Outcome::Replayed { wait } | Outcome::Repeated { wait } => CodeDiagnosis::Used { wait },
            Outcome::BeforeEpoch { wait, ahead } => CodeDiagnosis::BeforeEpoch { wait, ahead },
            Outcome::Throttled { until, .. } => return Ok(VerifyVerdict::Throttled(until)),
            Outcome::Faulty(reason) => {
                let explained = refusal_messages::explain(reason.word(), &plain(&self.record.user));
                let what = format!("the code cannot be verified: {}", explained.meaning);
                return Err(CliError::new(Exit::StoreUnreachable, what, explained.remedy));
            }
            Outcome::Wrong
            | Outcome::LastCode(_)
            | Outcome::Ticket(_)
            | Outcome::NoBypass
            | Outcome::NoTicket
            | Outcome::Spent
            | Outcome::ClockOff { .. }
            | Outcome::Locked
            | Outcome::HalfJudged(_) => self.of_the_past()?,
        }))
    }

    fn right(&self, before: &LedgerHistory) -> Result<CodeDiagnosis, CliError> {
        let now = self.context.now()?;
        let horizon = self.context.machine.ledger.floor(now)?;
        let evidence = Evidence::of(before, &horizon, now.unix, self.context.policy.window);
        let evidence = evidence.of_record(self.record, &horizon);
        Ok(examine(self.record, self.code, &evidence))
    }

    fn of_the_past(&self) -> Result<CodeDiagnosis, CliError> {
        let now = self.context.now()?;
        let horizon = self.context.machine.ledger.floor(now)?;
        let mut facts = history::read(self.user_ledger, None)?;
        let window = self.context.policy.window;
        let evidence = Evidence::of(&facts, &horizon, now.unix, window);
        if past_code::is_passed(self.record, self.code, &evidence) {
            return Ok(CodeDiagnosis::Used { wait: 0 });
        }
        let Some(found) = past_code::past(self.record, self.code, &evidence) else {
            return Ok(CodeDiagnosis::Wrong);
        };
        if found.is_unused {
            let name = names::used_name(&found.used);
            let _ = self.user_ledger.create(&name, &names::instant(now.unix))?;
            facts.used.push(found.used);
        }
        let evidence = Evidence::of(&facts, &horizon, now.unix, window);
        let skew = past_code::past(self.record, self.code, &evidence).unwrap_or(found).skew;
        let learnable = match self.context.policy.resync {
            Resync::Off => None,
            Resync::Offered => skew.learnable,
        };
        Ok(CodeDiagnosis::Off { apart: Apart::Clock(Skew { learnable, ..skew }) })
    }
}

impl VerifyVerdict {
    /// Returns the word for the result in log lines, such as `right`.
    fn word(&self) -> &'static str {
        match self {
            Self::Found(CodeDiagnosis::Right { .. }) => "right",
            Self::Found(CodeDiagnosis::Used { .. }) => "used",
            Self::Found(CodeDiagnosis::BeforeEpoch { .. }) => "before_epoch",
            Self::Found(CodeDiagnosis::Off { .. }) => "off",
            Self::Found(CodeDiagnosis::Wrong) => "wrong",
            Self::Throttled(_) => "throttled",
        }
    }

    fn tell(self, context: &Context, record: &Record) -> Result<(), CliError> {
        match self {
            Self::Found(finding) => conclude(context, record, finding),
            Self::Throttled(until) => Err(CliError::new(
                Exit::Throttled,
                format!(
                    "too many codes of {} were verified (wait until {})",
                    plain(&record.user),
                    instant(until)
                ),
                "Wait until then, and try again. Logins are not delayed.",
            )),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn conclude(context: &Context, record: &Record, finding: CodeDiagnosis) -> Result<(), CliError> {
    let user = plain(&record.user);
    match finding {
        CodeDiagnosis::Right { found, apart } => {
            let name = record.authenticators.get(found.authenticator).map(|one| one.name.as_str());
            let said = format!(
                "Correct: a code of {}'s authenticator {}, which is now used up. {}",
                user,
                plain(name.unwrap_or_default()),
                within_reach(apart)
            );
            let (key, value) = number(apart);
            context.say(
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
            Err(CliError::new(Exit::Refused, sentence, remedy))
        }
    }
}

/// Returns a JSON key and value that say how far the code is from the expected one: in seconds for an app, in codes for
/// a token.
fn number(apart: Apart) -> (&'static str, i64) {
    match apart {
        Apart::Clock(skew) => ("clock_ahead", skew.ahead),
        Apart::Presses { skipped } => ("presses_ahead", i64::try_from(skipped).unwrap_or(i64::MAX)),
    }
}

fn within_reach(apart: Apart) -> String {
    match apart {
        Apart::Clock(skew) => clock(skew),
        Apart::Presses { skipped: 0 } => "It is the token's next code.".into(),
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

/// Returns two texts about a code that a login would refuse: the reason, and what to do.
fn explain(user: &str, finding: CodeDiagnosis) -> (String, String) {
    match finding {
        CodeDiagnosis::Right { .. } => (String::from("right"), String::new()),
        CodeDiagnosis::Used { wait: 0 } => (
            format!("correct for {user}, but that code or a later one was used already"),
            "Use the code shown now; on a token, press the button.".into(),
        ),
        CodeDiagnosis::Used { wait } => (
            format!("correct for {user}, but that code or a later one was used already"),
            format!("The next one is shown in {}.", duration(wait)),
        ),
        CodeDiagnosis::BeforeEpoch { ahead: Some(until), .. } => (
            format!(
                "correct for {user}, but perhaps used while the clock was ahead, until {}",
                instant(until)
            ),
            "If the clock is right now, run: twinlock epoch now".into(),
        ),
        CodeDiagnosis::BeforeEpoch { wait, .. } => (
            format!("correct for {user}, but perhaps used before this machine was started"),
            format!("The first code that is accepted is shown in {}.", duration(wait)),
        ),
        CodeDiagnosis::Off { apart } => (
            format!("too far off: a login refuses it. {}", hint(apart)),
            match apart {
                Apart::Clock(skew) => clock_remedy(skew),
                Apart::Presses { .. } => {
                    "Type this code and the next one at a login: two in a row are accepted."
                        .into()
                }
            },
        ),
        CodeDiagnosis::Wrong => (
            format!("wrong: no authenticator of {user} shows that code at this time"),
            "Check that the app shows this host's entry, and that its clock is not fast (future codes are not recognized). If both are right, remove and enroll the user again.".into(),
        ),
    }
}

fn clock_remedy(skew: Skew) -> String {
    let from = skew
        .learnable
        .map(|from| format!("from {} on, let this host learn it.", time_of_day(from)));
    match (skew.ahead, from) {
        (0, Some(from)) => format!("Two codes in a row at a login, {from}"),
        (0, None) => "Remove and enroll the user again: this host cannot learn that clock.".into(),
        (_, Some(from)) => {
            format!("Set both clocks by the network. Or: two codes in a row at a login, {from}")
        }
        (_, None) => "Set both clocks by the network.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::base::time::UnixTime;

    fn skewed(ahead: i64) -> Apart {
        Apart::Clock(Skew { ahead, learnt: 330, learnable: Some(UnixTime(1_800_000_000)) })
    }

    fn off(apart: Apart) -> CodeDiagnosis {
        CodeDiagnosis::Off { apart }
    }

    #[test]
    fn every_refusal_has_its_sentence_and_remedy() {
        for (finding, sentence, remedy) in [
            (CodeDiagnosis::Used { wait: 17 }, "used already", "The next one is shown in 17 s."),
            (
                CodeDiagnosis::BeforeEpoch { wait: 60, ahead: None },
                "this machine was started",
                "shown in 1 min.",
            ),
            (
                CodeDiagnosis::BeforeEpoch { wait: 600, ahead: Some(UnixTime(0)) },
                "while the clock was ahead, until 1970-01-01",
                "twinlock epoch now",
            ),
            (CodeDiagnosis::Used { wait: 0 }, "used already", "press the button"),
            (off(skewed(-270)), "about 4 min 30 s behind", "at a login, from 08:00:00 UTC on"),
            (off(skewed(0)), "that clock was corrected since", "Two codes in a row at a login"),
            (off(Apart::Presses { skipped: 9 }), "pressed 9 times", "two in a row"),
            (CodeDiagnosis::Wrong, "no authenticator of ada", "Check that the app"),
        ] {
            let said = explain("ada", finding);
            assert!(said.0.contains(sentence) && said.1.contains(remedy), "{said:?}");
        }
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
