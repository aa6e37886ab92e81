//! The arguments of a PAM line. They say which first factor the line relies on, and change settings for one service.

use alloc::{format, string::String};

use crate::{
    base::request::Claim,
    policy::{Author, Echo, Field, NotEnrolled, Policy, Questions, Resync, foreign_arguments},
};

/// The arguments of a PAM line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PamLine {
    /// What the module does for this line: ask for a code, or report whether sshd has verified a public key.
    pub task: Task,
    /// Text of the first prompt, from `prompt=` or `authtok_prompt=`; `None` if not given.
    pub prompt: Option<String>,
    /// Whether the answer is shown while it is typed: `echo` or `echo_verification_code`.
    pub echo: Echo,
    /// Path of the settings file, from `config=`; `None` for the default path.
    pub config: Option<String>,
    /// How much a login logs: `debug` adds a line.
    pub debug: Debug,
    /// How the line uses the answer to an earlier module, from `try_first_pass` or `use_first_pass`.
    pub first_pass: FirstPass,
    /// What the line passes on to the next module, from `forward_pass`.
    pub forward: Forward,
    /// How to treat a user who is not enrolled, if the settings do not say it. `nullok` permits the login without a
    /// code.
    pub not_enrolled: NotEnrolled,
    /// Whether two adjacent codes may reveal the error of an app's clock: `noskewadj` turns this off.
    pub resync: Resync,
    /// Maximum number of answers, from `tries=`; `None` if not given.
    pub tries: Option<u8>,
    /// The questions besides the code: `code_only` turns them off.
    pub questions: Questions,
}

/// What a PAM line asks of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Ask for a code. Holds the value of `first_factor=`: which first factor precedes the line, or whether it follows
    /// or has failed.
    Ask(Claim),
    /// Report whether sshd has verified a public key, without asking for anything (`probe=publickey`).
    ProbePublickey,
}

/// How much a login logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debug {
    /// One line per login.
    Quiet,
    /// One line per login, and a line that names the settings file in use.
    Wordy,
}

/// How a PAM line uses the answer that an earlier module has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPass {
    /// The stored answer is ignored, and the user is asked.
    Ignored,
    /// The stored answer is used. If there is none, the user is asked.
    Tried,
    /// The stored answer is used, and the user is never asked.
    Used,
}

/// What a PAM line passes on to the next module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// Nothing is passed on.
    Nothing,
    /// The password that precedes the code is passed on.
    Password,
}

/// Whether an earlier module has stored an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// An earlier module has stored an answer.
    Something,
    /// No answer is stored, or an empty one.
    Nothing,
}

/// What is wrong with a PAM line, as a sentence that says what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PamLineError(pub String);

impl core::fmt::Display for PamLineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for PamLineError {}

/// All arguments of a PAM line. The error for a misspelt argument suggests the nearest of them.
pub const ARGUMENTS: [&str; 17] = [
    "first_factor=",
    "probe=",
    "prompt=",
    "authtok_prompt=",
    "echo",
    "echo_verification_code",
    "echo-verification-code",
    "config=",
    "debug",
    "try_first_pass",
    "use_first_pass",
    "forward_pass",
    "nullok",
    "noskewadj",
    "no_increment_hotp",
    "tries=",
    "code_only",
];

/// Parses the arguments of a PAM line. Unknown arguments are errors, because they may have been meant to make the line
/// stricter.
///
/// # Errors
/// [`PamLineError`] with a sentence for the log, if an argument is unknown, invalid, repeated or contradicts another.
pub fn read<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<PamLine, PamLineError> {
    let mut first_factor = None;
    let mut probe = None;
    let mut line = bare();
    for argument in arguments {
        match argument.split_once('=') {
            Some((name @ "first_factor", value)) => once(&mut first_factor, name, claim(value)?)?,
            Some((name @ "probe", "publickey")) => once(&mut probe, name, Task::ProbePublickey)?,
            Some((name @ ("prompt" | "authtok_prompt"), value)) => {
                // libpam ends such an argument at the first space.
                if value.starts_with('[') && !value.contains(']') {
                    let form = format!("write [{name}=TEXT], with the brackets around all of it");
                    return Err(PamLineError(form));
                }
                once(&mut line.prompt, name, value.into())?;
            }
            Some((name @ "tries", value)) => once(&mut line.tries, name, tries(value)?)?,
            Some((name @ "config", value)) => once(&mut line.config, name, config(value)?)?,
            Some(_) => return Err(unknown(argument)),
            None => word(&mut line, argument)?,
        }
    }
    line.task = match (first_factor, probe) {
        (Some(claim), None) => Task::Ask(claim),
        (None, Some(probe)) => probe,
        (Some(_), Some(_)) => {
            return Err(PamLineError("first_factor= and probe= exclude each other".into()));
        }
        (None, None) => return Err(missing()),
    };
    agreeing(line)
}

fn bare() -> PamLine {
    PamLine {
        task: Task::ProbePublickey,
        prompt: None,
        echo: Echo::Hidden,
        config: None,
        debug: Debug::Quiet,
        first_pass: FirstPass::Ignored,
        forward: Forward::Nothing,
        not_enrolled: NotEnrolled::Deny,
        resync: Resync::Offered,
        tries: None,
        questions: Questions::All,
    }
}

/// Parses an argument that has no value, and stores it in `line`.
fn word(line: &mut PamLine, argument: &str) -> Result<(), PamLineError> {
    match argument {
        "echo" | "echo_verification_code" | "echo-verification-code" => line.echo = Echo::Shown,
        "debug" => line.debug = Debug::Wordy,
        "try_first_pass" => return first_pass(line, FirstPass::Tried),
        "use_first_pass" => return first_pass(line, FirstPass::Used),
        "forward_pass" => line.forward = Forward::Password,
        "nullok" => line.not_enrolled = NotEnrolled::Allow,
        "noskewadj" => line.resync = Resync::Off,
        "code_only" => line.questions = Questions::CodeOnly,
        // twinlock never moves the counter of a token after a wrong code, so the argument changes nothing.
        "no_increment_hotp" => {}
        _ => return Err(unknown(argument)),
    }
    Ok(())
}

fn first_pass(line: &mut PamLine, wanted: FirstPass) -> Result<(), PamLineError> {
    if line.first_pass != FirstPass::Ignored && line.first_pass != wanted {
        return Err(PamLineError("try_first_pass and use_first_pass exclude each other".into()));
    }
    line.first_pass = wanted;
    Ok(())
}

/// Stores the value of the argument `name` in `place`. Returns an error if `place` has a value already: the argument
/// was given twice, and one of the two values, perhaps the stricter one, would be ignored.
fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), PamLineError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(PamLineError(format!("{name}= stands twice"))),
    }
}

/// Checks that the arguments of a line do not contradict each other, and returns the line unchanged.
///
/// # Errors
/// [`PamLineError`] if two arguments contradict each other.
fn agreeing(line: PamLine) -> Result<PamLine, PamLineError> {
    let word = match (line.forward, line.first_pass) {
        (Forward::Password, _) => "forward_pass",
        (Forward::Nothing, FirstPass::Tried) => "try_first_pass",
        (Forward::Nothing, FirstPass::Used) => "use_first_pass",
        (Forward::Nothing, FirstPass::Ignored) => return Ok(line),
    };
    if line.task != Task::Ask(Claim::Follows) {
        return Err(PamLineError(format!(
            "{word} is for a password that is checked after the code; write: \
             auth required pam_twinlock.so first_factor=follows {word} - and behind it the line that checks the password, \
             with use_first_pass"
        )));
    }
    if line.forward == Forward::Password && line.echo == Echo::Shown {
        return Err(PamLineError(
            "echo and forward_pass exclude each other: the password would be shown; take echo out"
                .into(),
        ));
    }
    Ok(line)
}

fn claim(value: &str) -> Result<Claim, PamLineError> {
    [Claim::Publickey, Claim::Stack, Claim::Follows, Claim::Failed]
        .into_iter()
        .find(|claim| claim.word() == value)
        .ok_or_else(|| {
            PamLineError(format!(
                "first_factor={} is none of publickey, stack, follows, failed",
                tidy(value)
            ))
        })
}

fn tries(value: &str) -> Result<u8, PamLineError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (1..=10).contains(number));
    number
        .ok_or_else(|| PamLineError(format!("tries={} must be a number from 1 to 10", tidy(value))))
}

fn config(value: &str) -> Result<String, PamLineError> {
    if value.starts_with('/') {
        return Ok(value.into());
    }
    Err(PamLineError(format!("config={} must be a whole path", tidy(value))))
}

fn unknown(argument: &str) -> PamLineError {
    if let Some(("window", value)) = argument.split_once('=')
        && matches!(value.parse(), Ok(0..=10_u8))
    {
        return PamLineError(format!(
            "window= is of pam_oath; write window = {value} into twinlock.toml instead"
        ));
    }
    PamLineError(match foreign_arguments::instead(argument) {
        Some(sentence) => sentence.into(),
        None => format!("unknown argument {}; see pam_twinlock(8)", tidy(argument)),
    })
}

fn missing() -> PamLineError {
    PamLineError(
        "first_factor= is missing, so a code alone would be a login; behind a verified ssh key write: \
         auth required pam_twinlock.so first_factor=publickey - behind a password write: \
         auth required pam_twinlock.so first_factor=stack"
            .into(),
    )
}

fn tidy(text: &str) -> String {
    let harmless = |letter: char| {
        if letter.is_ascii_graphic() { letter } else { '?' }
    };
    text.chars().take(60).map(harmless).collect()
}

impl PamLine {
    /// Returns what one answer on this line contains. `given` says whether an earlier module has stored an answer.
    #[must_use]
    pub fn field(&self, given: Given) -> Field {
        match (self.first_pass, given, self.forward) {
            (FirstPass::Used, Given::Nothing, _) => Field::Missing,
            (_, _, Forward::Password) => Field::PasswordAndCode,
            (FirstPass::Tried | FirstPass::Used, Given::Something, _) => Field::Given,
            (FirstPass::Ignored | FirstPass::Tried, _, _) => Field::Code,
        }
    }
}

/// Applies the arguments of a PAM line to the settings. Only `nullok` makes a login more permissive. It has no effect
/// if the settings file says how to treat a user who is not enrolled.
#[must_use]
pub fn over(line: &PamLine, given: Given, mut policy: Policy) -> Policy {
    policy.field = line.field(given);
    if policy.field == Field::PasswordAndCode {
        // The settings `prompt` and `echo` are meant for an answer that contains only a code.
        policy.prompt = None;
        policy.echo = Echo::Hidden;
    }
    if let Some(prompt) = &line.prompt {
        policy.prompt = Some(prompt.clone());
    }
    if line.echo == Echo::Shown {
        policy.echo = Echo::Shown;
    }
    if line.resync == Resync::Off {
        policy.resync = Resync::Off;
    }
    if let Some(tries) = line.tries {
        policy.tries = policy.tries.min(tries);
    }
    if line.questions == Questions::CodeOnly {
        policy.questions = Questions::CodeOnly;
    }
    if line.not_enrolled == NotEnrolled::Allow && policy.not_enrolled_by == Author::Nobody {
        policy.not_enrolled = NotEnrolled::Allow;
    }
    policy
}

#[cfg(test)]
mod tests;
