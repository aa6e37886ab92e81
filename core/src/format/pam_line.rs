//! The arguments of a PAM line: what stands before it, and what it sees differently from the settings.

use alloc::{format, string::String};

use crate::{
    policy::{Echo, Policy},
    request::Claim,
};

/// What a PAM line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is there for.
    pub task: Task,
    /// `prompt=`
    pub prompt: Option<String>,
    /// `echo`
    pub echo: Echo,
    /// `config=`
    pub config: Option<String>,
    /// `debug`
    pub debug: Debug,
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

/// What is wrong with a line, in a sentence that says what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault(pub String);

/// All arguments there are, for finding the nearest to a misspelt one.
pub const ARGUMENTS: [&str; 6] = ["first_factor=", "probe=", "prompt=", "echo", "config=", "debug"];

/// Reads the arguments. Nothing is passed over: an argument that is not understood may have been meant to make the line stricter.
///
/// # Errors
/// [`LineFault`], a sentence for the log.
pub fn read<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Line, LineFault> {
    let mut first_factor = None;
    let mut probe = None;
    let mut line = Line {
        task: Task::ProbePublickey,
        prompt: None,
        echo: Echo::Hidden,
        config: None,
        debug: Debug::Quiet,
    };
    for argument in arguments {
        match argument.split_once('=') {
            Some((name @ "first_factor", value)) => once(&mut first_factor, name, claim(value)?)?,
            Some((name @ "probe", "publickey")) => once(&mut probe, name, Task::ProbePublickey)?,
            Some((name @ "prompt", value)) => once(&mut line.prompt, name, value.into())?,
            Some((name @ "config", value)) => once(&mut line.config, name, config(value)?)?,
            None if argument == "echo" => line.echo = Echo::Shown,
            None if argument == "debug" => line.debug = Debug::Wordy,
            _ => return Err(unknown(argument)),
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
    Ok(line)
}

/// Of two values one would be passed over, and it may have been the stricter one.
fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), LineFault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(LineFault(format!("{name}= stands twice"))),
    }
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

fn config(value: &str) -> Result<String, LineFault> {
    if value.starts_with('/') {
        return Ok(value.into());
    }
    Err(LineFault(format!("config={} must be a whole path", tidy(value))))
}

fn unknown(argument: &str) -> LineFault {
    LineFault(format!("unknown argument {}; see pam_twinlock(8)", tidy(argument)))
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

/// Puts what a line says over the settings. Nothing here makes a login easier.
#[must_use]
pub fn over(line: &Line, mut policy: Policy) -> Policy {
    if let Some(prompt) = &line.prompt {
        policy.prompt = Some(prompt.clone());
    }
    if line.echo == Echo::Shown {
        policy.echo = Echo::Shown;
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str]) -> Result<Line, LineFault> {
        read(arguments.iter().copied())
    }

    #[test]
    fn each_argument_is_read() {
        let read = line(&[
            "first_factor=stack",
            "prompt=Code, please: ",
            "echo",
            "config=/etc/x",
            "debug",
        ]);
        let read = read.unwrap();
        assert_eq!(read.task, Task::Ask(Claim::Stack));
        assert_eq!(read.prompt.as_deref(), Some("Code, please: "));
        assert_eq!((read.echo, read.debug), (Echo::Shown, Debug::Wordy));
        assert_eq!(read.config.as_deref(), Some("/etc/x"));
        assert_eq!(line(&["probe=publickey"]).unwrap().task, Task::ProbePublickey);
        for claim in ["publickey", "follows", "failed"] {
            let argument = format!("first_factor={claim}");
            let Task::Ask(read) = line(&[&argument]).unwrap().task else { panic!() };
            assert_eq!(read.word(), claim);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_a_sentence() {
        for (arguments, says) in [
            (&[][..], "auth required pam_twinlock.so first_factor=publickey"),
            (&["nullok", "first_factor=stack"], "unknown argument nullok"),
            (&["first_factor=password"], "none of publickey, stack"),
            (&["first_factor=stack", "probe=publickey"], "exclude"),
            (&["first_factor=failed", "first_factor=stack"], "first_factor= stands twice"),
            (&["probe=publickey", "probe=publickey"], "probe= stands twice"),
            (&["first_factor=stack", "config=/a", "config=/b"], "config= stands twice"),
            (&["probe=stack"], "unknown argument probe=stack"),
            (&["first_factor=stack", "config=x"], "whole path"),
            (&["first_factor=stack", "echo=yes"], "unknown argument echo=yes"),
            (&["first_factor=stack", "a\nb"], "a?b"),
        ] {
            let LineFault(sentence) = line(arguments).unwrap_err();
            assert!(sentence.contains(says), "{sentence}");
            assert!(!sentence.contains('\n'));
        }
    }
}
