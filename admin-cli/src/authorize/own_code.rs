//! Asks the acting user for a code of the user's own authenticator ("own code"). Verifies the code, marks it as used
//! and limits wrong codes, as a login does.

use core::fmt;

use twinlock_core::{
    answer::{self, Answer, Code},
    base::{account::Account, request::Source, secret::Typed},
    dialogue::owner_code::OwnerCode,
    event::{Accepted, Reason},
    ledger::Budget,
    policy::{Echo, Field, Policy},
    ports::{Conversation, ConversationError, Ledger, LedgerKey, Snapshot},
    record::code_set::Shape,
    text::duration,
    verify::{
        attempt::{Attempt, Outcome},
        resync::Memory,
    },
};

use crate::{
    context::Context,
    error::{
        exit::{CliError, Exit},
        refusal_messages,
    },
    terminal::keyboard::{InputLine, Keyboard, tell},
    text::{WIDTH, instant, plain, wrap},
};

const APP_ALONE: &str = "A backup code is not accepted here: type a code from your app.";

/// How many codes of which kinds to ask for, and what to do after the user has given them.
pub(crate) struct Question<'a> {
    /// Number of codes to ask for. They must differ, since each code can be used only once.
    pub(crate) codes: u8,
    /// Kinds of codes that are accepted.
    pub(crate) ways: OwnCodeWays,
    /// The work to do after the user has given all codes.
    pub(crate) then: AfterCodes<'a>,
}

/// The work to do after the last correct code. It is given the attempt that has verified the codes, and the keyboard
/// from which they were read.
pub(crate) type AfterCodes<'a> =
    &'a mut dyn FnMut(&mut Attempt<'_>, &mut Keyboard) -> Result<(), CliError>;

/// Kinds of codes that are accepted from the acting user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnCodeWays {
    /// Verification codes and backup codes.
    All,
    /// Only verification codes. Backup codes are not accepted, because the operation concerns them.
    App,
}

/// Asks a user for codes, verifies them against the record `found`, and then runs `question.then`.
///
/// # Errors
/// [`CliError`] if a code is refused, the user gives up or is locked out, the ledger cannot be opened, or
/// `question.then` fails.
pub(crate) fn ask(
    context: &Context,
    keyboard: &mut Keyboard,
    account: &Account,
    found: Snapshot,
    question: Question<'_>,
) -> Result<(), CliError> {
    let policy = Policy { field: Field::Code, ..context.own.policy.clone() };
    let machine = &context.own.machine;
    let user_ledger = machine.ledger.open(&LedgerKey::of(Some(account), &account.name))?;
    let source = Source::Uid(account.uid).label();
    let attempt = Attempt {
        policy: &policy,
        ports: machine.ports(&Nobody),
        user_ledger: user_ledger.as_ref(),
        person: Some((account, found)),
        stand_in: None,
        broken: None,
        source: &source,
        budget: Budget::Proven,
        memory: Memory::new(policy.resync),
    };
    let Question { codes, ways, then } = question;
    let owner = OwnerCode { account, attempt, source: Source::Uid(account.uid) };
    let mut asking = CodePrompt { owner, keyboard, ways };
    let name = plain(&account.name);
    for nth in 0..codes {
        if nth > 0 {
            let said = "This is your own account, so a second code is needed. Wait for the next code of your app, or use a backup code.";
            tell(&format!("{}\n", wrap(said, WIDTH, 0)));
        }
        let which = if nth == 0 { "own" } else { "next" };
        asking.ask(&format!("Your {which} code ({name}): "))?;
    }
    then(&mut asking.owner.attempt, asking.keyboard)
}

/// A prompt for codes of one user.
struct CodePrompt<'a> {
    owner: OwnerCode<'a>,
    keyboard: &'a mut Keyboard,
    ways: OwnCodeWays,
}

/// Why the user's answer to a prompt is not accepted.
#[derive(Debug)]
enum CodeError {
    /// The answer is wrong, and the user is asked again after this message.
    Again(String),
    /// No answer can be accepted now, and the command ends with this error.
    Over(CliError),
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again(said) => f.write_str(said),
            Self::Over(failure) => failure.fmt(f),
        }
    }
}

impl core::error::Error for CodeError {}

impl CodePrompt<'_> {
    fn ask(&mut self, prompt: &str) -> Result<(), CliError> {
        let tries = self.owner.attempt.policy.tries;
        for left in (0..tries).rev() {
            let typed = match self.keyboard.ask(prompt)? {
                InputLine::Typed(line) => Typed::new(line.as_str().to_owned()),
                InputLine::End if left + 1 < tries => return Err(refused()),
                InputLine::End | InputLine::Interrupted => return Err(stopped()),
            };
            let said = match self.check(&typed) {
                Ok(()) => return Ok(()),
                Err(CodeError::Over(failure)) => return Err(failure),
                Err(CodeError::Again(said)) => said,
            };
            tell(&format!("{}\n", wrap(&with_tries(&said, left), WIDTH, 0)));
        }
        Err(refused())
    }

    fn check(&mut self, typed: &Typed) -> Result<(), CodeError> {
        match answer::read(typed) {
            Answer::Stop => Err(CodeError::Over(stopped())),
            Answer::Code(code) if code.is_voucher() => Err(CodeError::Again(
                "A bypass code or a ticket is not accepted here: type a code from your app, or a backup code."
                    .into(),
            )),
            Answer::Code(code)
                if self.ways == OwnCodeWays::App && !code.of_shape(Shape::Letters20).is_empty() =>
            {
                Err(CodeError::Again(APP_ALONE.into()))
            }
            Answer::Help | Answer::Other => Err(CodeError::Again("That is not a code.".into())),
            Answer::Code(code) => self.judge(&code),
        }
    }

    fn judge(&mut self, code: &Code) -> Result<(), CodeError> {
        let again = |said: String| Err(CodeError::Again(said));
        match self.owner.judge(code) {
            Outcome::Granted(Accepted::App { .. }) => Ok(()),
            Outcome::Granted(_) if self.ways == OwnCodeWays::All => Ok(()),
            Outcome::Granted(_) => again(APP_ALONE.into()),
            Outcome::Wrong => again("That code is wrong.".into()),
            Outcome::Replayed { wait }
            | Outcome::Repeated { wait }
            | Outcome::BeforeEpoch { wait, .. } => again(format!(
                "That code was used already. Wait for the next one ({}).",
                duration(wait)
            )),
            Outcome::Spent => again("That backup code was used already.".into()),
            Outcome::ClockOff { .. } => {
                again("Those codes are not current: check the clock of your phone.".into())
            }
            Outcome::NoBypass | Outcome::NoTicket | Outcome::Ticket(_) => {
                again("That is not a code.".into())
            }
            Outcome::LastCode(_) => Err(CodeError::Over(last_code())),
            Outcome::Throttled { until, .. } => Err(CodeError::Over(throttled(&instant(until)))),
            Outcome::Locked => Err(CodeError::Over(locked(&self.owner.account.name))),
            Outcome::Faulty(reason) => Err(CodeError::Over(self.broken(reason))),
            Outcome::HalfJudged(fault) => Err(CodeError::Over(self.broken(Reason::Codes(fault)))),
        }
    }

    fn broken(&self, reason: Reason) -> CliError {
        if !reason.is_told_at_once() {
            self.owner.note(reason);
        }
        let explained = refusal_messages::explain(reason.word(), &plain(&self.owner.account.name));
        let what = format!("your code cannot be verified: {}", explained.meaning);
        CliError::new(Exit::StoreUnreachable, what, explained.remedy)
    }
}

/// A PAM conversation without a user, in which every question fails. The verification of a code that is typed already
/// asks no question.
pub(crate) struct Nobody;

impl Conversation for Nobody {
    fn ask(&self, _: &str, _: Echo) -> Result<Typed, ConversationError> {
        Err(ConversationError)
    }

    fn tell(&self, _: &str) {}
}

/// Returns `said` followed by the number of attempts that are left; `said` alone if there are none.
pub(crate) fn with_tries(said: &str, left: u8) -> String {
    match left {
        0 => said.into(),
        1 => format!("{said} 1 try left."),
        _ => format!("{said} {left} tries left."),
    }
}

fn refused() -> CliError {
    CliError::new(
        Exit::Refused,
        "no correct code of your own was typed; nothing was changed",
        "Each code works once. To check the app's clock: twinlock verify USER",
    )
}

fn stopped() -> CliError {
    CliError::new(
        Exit::Interrupted,
        "stopped; nothing was changed",
        "Give your own code as one line of standard input. A robot that logs in can be named in own_code_exempt.",
    )
}

fn last_code() -> CliError {
    CliError::new(
        Exit::Refused,
        "that is your last backup code, which only a login accepts; nothing was changed",
        "Type a code from your app. Without the app, log in again with this backup code: new ones are shown there.",
    )
}

fn throttled(until: &str) -> CliError {
    CliError::new(
        Exit::Throttled,
        format!("you typed too many wrong codes; nothing was changed (wait until {until})"),
        "Wait until then, and try again.",
    )
}

fn locked(name: &str) -> CliError {
    let name = plain(name);
    CliError::new(
        Exit::Throttled,
        format!("too many wrong codes for {name} in a row; nothing was changed"),
        format!("Ask another administrator to run: twinlock unlock {name}"),
    )
}
