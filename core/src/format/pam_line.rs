//! The arguments of a PAM line: what stands before it, and what it sees differently from the settings.

use alloc::{format, string::String};

use crate::{
    format::foreign_arguments,
    policy::{Author, Echo, Field, NotEnrolled, Policy, Questions, Resync},
    request::Claim,
};

/// What a PAM line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is there for.
    pub task: Task,
    /// `prompt=`, `authtok_prompt=`
    pub prompt: Option<String>,
    /// `echo`, `echo_verification_code`
    pub echo: Echo,
    /// `config=`
    pub config: Option<String>,
    /// `debug`
    pub debug: Debug,
    /// `try_first_pass`, `use_first_pass`
    pub first_pass: FirstPass,
    /// `forward_pass`
    pub forward: Forward,
    /// `nullok`: what becomes of people who are not enrolled, where the settings do not say it.
    pub not_enrolled: NotEnrolled,
    /// `noskewadj`
    pub resync: Resync,
    /// `tries=`
    pub tries: Option<u8>,
    /// `code_only`
    pub questions: Questions,
}

/// What a line is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Asks for a code.
    Ask(Claim),
    /// `probe=publickey`: says whether a key was verified, and never asks.
    ProbePublickey,
}

/// Whether more is said in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debug {
    /// One line a login.
    Quiet,
    /// The settings file used, besides.
    Wordy,
}

/// What a line makes of the answer that a line before was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPass {
    /// Nothing: it asks.
    Ignored,
    /// It is the answer, and where there is none the line asks.
    Tried,
    /// It is the answer, and the line never asks.
    Used,
}

/// What a line leaves to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// Nothing.
    Nothing,
    /// The password that stood before the code.
    Password,
}

/// Whether a line before was given an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// It was.
    Something,
    /// It was not, or an empty one.
    Nothing,
}

/// What is wrong with a line, in a sentence that says what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault(pub String);

/// All arguments there are, for finding the nearest to a misspelt one.
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

/// Reads the arguments. Nothing is passed over: an argument that is not understood may have been meant to make the line stricter.
///
/// # Errors
/// [`LineFault`], a sentence for the log.
pub fn read<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Line, LineFault> {
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
                    return Err(LineFault(form));
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
            return Err(LineFault("first_factor= and probe= exclude each other".into()));
        }
        (None, None) => return Err(missing()),
    };
    agreeing(line)
}

fn bare() -> Line {
    Line {
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

/// An argument without a value.
fn word(line: &mut Line, argument: &str) -> Result<(), LineFault> {
    match argument {
        "echo" | "echo_verification_code" | "echo-verification-code" => line.echo = Echo::Shown,
        "debug" => line.debug = Debug::Wordy,
        "try_first_pass" => return first_pass(line, FirstPass::Tried),
        "use_first_pass" => return first_pass(line, FirstPass::Used),
        "forward_pass" => line.forward = Forward::Password,
        "nullok" => line.not_enrolled = NotEnrolled::Allow,
        "noskewadj" => line.resync = Resync::Off,
        "code_only" => line.questions = Questions::CodeOnly,
        // A wrong code never moves a counter here.
        "no_increment_hotp" => {}
        _ => return Err(unknown(argument)),
    }
    Ok(())
}

fn first_pass(line: &mut Line, wanted: FirstPass) -> Result<(), LineFault> {
    if line.first_pass != FirstPass::Ignored && line.first_pass != wanted {
        return Err(LineFault("try_first_pass and use_first_pass exclude each other".into()));
    }
    line.first_pass = wanted;
    Ok(())
}

/// Of two values one would be passed over, and it may have been the stricter one.
fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), LineFault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(LineFault(format!("{name}= stands twice"))),
    }
}

/// Arguments that are right alone, and wrong together.
fn agreeing(line: Line) -> Result<Line, LineFault> {
    let word = match (line.forward, line.first_pass) {
        (Forward::Password, _) => "forward_pass",
        (Forward::Nothing, FirstPass::Tried) => "try_first_pass",
        (Forward::Nothing, FirstPass::Used) => "use_first_pass",
        (Forward::Nothing, FirstPass::Ignored) => return Ok(line),
    };
    if line.task != Task::Ask(Claim::Follows) {
        return Err(LineFault(format!(
            "{word} is for a password that is checked after the code; write: \
             auth required pam_twinlock.so first_factor=follows {word} - and behind it the line that checks the password, \
             with use_first_pass"
        )));
    }
    if line.forward == Forward::Password && line.echo == Echo::Shown {
        return Err(LineFault(
            "echo and forward_pass exclude each other: the password would be shown; take echo out"
                .into(),
        ));
    }
    Ok(line)
}

fn claim(value: &str) -> Result<Claim, LineFault> {
    [Claim::Publickey, Claim::Stack, Claim::Follows, Claim::Failed]
        .into_iter()
        .find(|claim| claim.word() == value)
        .ok_or_else(|| {
            LineFault(format!(
                "first_factor={} is none of publickey, stack, follows, failed",
                tidy(value)
            ))
        })
}

fn tries(value: &str) -> Result<u8, LineFault> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (1..=10).contains(number));
    number.ok_or_else(|| LineFault(format!("tries={} must be a number from 1 to 10", tidy(value))))
}

fn config(value: &str) -> Result<String, LineFault> {
    if value.starts_with('/') {
        return Ok(value.into());
    }
    Err(LineFault(format!("config={} must be a whole path", tidy(value))))
}

fn unknown(argument: &str) -> LineFault {
    if let Some(("window", value)) = argument.split_once('=')
        && matches!(value.parse(), Ok(0..=10_u8))
    {
        return LineFault(format!(
            "window= is of pam_oath; write window = {value} into twinlock.toml instead"
        ));
    }
    LineFault(match foreign_arguments::instead(argument) {
        Some(sentence) => sentence.into(),
        None => format!("unknown argument {}; see pam_twinlock(8)", tidy(argument)),
    })
}

fn missing() -> LineFault {
    LineFault(
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

impl Line {
    /// What an answer on this line holds, and so whether it is asked for.
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

/// Puts what a line says over the settings. The one thing that makes a login easier, `nullok`, gives way to settings
/// that say otherwise.
#[must_use]
pub fn over(line: &Line, given: Given, mut policy: Policy) -> Policy {
    policy.field = line.field(given);
    if policy.field == Field::PasswordAndCode {
        // Both are meant for a code alone.
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
