//! PAM lines that call twinlock's module: their arguments about the first factor, and the module's return codes.
use twinlock_core::base::request::Claim;
use twinlock_core::policy::foreign_arguments;
use twinlock_core::policy::pam_line::{self, PamLine, Task};

use crate::pam::code::PamCode;
use crate::pam::modules::file_name;

/// File name of twinlock's module.
pub const MODULE: &str = "pam_twinlock.so";

/// The argument of a twinlock line that says which first factor is verified, and whether that is done before or after
/// the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stand {
    /// `first_factor=publickey`: sshd has verified a key.
    PublicKey,
    /// `first_factor=stack`: an earlier line has verified the password.
    Stack,
    /// `first_factor=follows`: a later line verifies the password.
    Follows,
    /// `first_factor=failed`: the password was wrong, and the line always refuses.
    Failed,
    /// `probe=publickey`: the line only tells whether sshd has verified a key.
    Probe,
    /// The arguments are missing or wrong. The module refuses every login.
    Nothing,
}

/// An error in the arguments of a twinlock line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArgumentError {
    /// The line has neither `first_factor=` nor `probe=`.
    NoFirstFactor,
    /// Another error, in the words of the module's own message.
    Other(String),
    /// An unknown argument, and the most similar known argument; `None` if no known argument is similar.
    Unknown(String, Option<&'static str>),
}

impl core::fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoFirstFactor => f.write_str(
                "The line does not say which first factor comes before it, so the module refuses every user.",
            ),
            Self::Other(sentence) => write!(f, "The module refuses every user: {sentence}."),
            Self::Unknown(word, _) => write!(
                f,
                "The module does not know the argument `{word}`, so it refuses every user."
            ),
        }
    }
}

impl core::error::Error for ArgumentError {}

/// The arguments of one twinlock line, as far as doctor needs them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arguments {
    /// The argument that names the first factor.
    pub stand: Stand,
    /// The error because of which the module refuses every login; `None` if the arguments are valid.
    pub mistake: Option<ArgumentError>,
    /// The parsed arguments; `None` if they are not valid.
    pub line: Option<PamLine>,
}

/// Whether the user gives a correct code, or why twinlock's module verifies no code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModuleAnswer {
    /// The user gives a correct code.
    Right,
    /// The user gives a wrong code or none.
    Wrong,
    /// The module cannot verify any code and returns this PAM code.
    Broken(PamCode),
    /// The account is exempt, so the module verifies no code.
    Exempt,
}

/// Return codes of the module if it cannot verify codes: it cannot use the settings, the store or the conversation, or
/// it has panicked.
pub const BROKEN: [PamCode; 4] =
    [PamCode::SERVICE_ERR, PamCode::AUTHINFO_UNAVAIL, PamCode::CONV_ERR, PamCode::ABORT];

/// Whole arguments with which an unknown argument is compared, in addition to those that twinlock_core lists.
const WHOLE: [&str; 5] = [
    "first_factor=publickey",
    "first_factor=stack",
    "first_factor=follows",
    "first_factor=failed",
    "probe=publickey",
];

/// Reports whether the path names twinlock's module: its last part is [`MODULE`].
#[must_use]
pub fn is_twinlock(path: &str) -> bool {
    file_name(path) == MODULE
}

/// Parses the arguments of a twinlock line as the module does.
#[must_use]
pub fn read(args: &[String]) -> Arguments {
    match pam_line::read(args.iter().map(String::as_str)) {
        Ok(line) => Arguments { stand: stand(line.task), mistake: None, line: Some(line) },
        Err(fault) => {
            Arguments { stand: Stand::Nothing, mistake: Some(mistake(args, fault.0)), line: None }
        }
    }
}

fn stand(task: Task) -> Stand {
    match task {
        Task::ProbePublickey => Stand::Probe,
        Task::Ask(Claim::Publickey) => Stand::PublicKey,
        Task::Ask(Claim::Stack) => Stand::Stack,
        Task::Ask(Claim::Follows) => Stand::Follows,
        Task::Ask(Claim::Failed) => Stand::Failed,
    }
}

fn mistake(args: &[String], sentence: String) -> ArgumentError {
    let has = |name: &str| args.iter().any(|arg| arg.starts_with(name));
    let alone = |arg: &String| {
        // The module refuses a second `first_factor=`, which is reported only once.
        let other = Some("first_factor=follows").filter(|_| !arg.starts_with("first_factor="));
        pam_line::read(other.into_iter().chain([arg.as_str()])).is_err()
    };
    let unknown = args.iter().find(|arg| *arg != "probe=publickey" && alone(arg));
    match unknown {
        Some(word) => match foreign_arguments::instead(word) {
            Some(sentence) => ArgumentError::Other(sentence.to_owned()),
            None => ArgumentError::Unknown(word.clone(), nearest(word)),
        },
        None if !has("first_factor=") && !has("probe=") => ArgumentError::NoFirstFactor,
        None => ArgumentError::Other(sentence),
    }
}

fn nearest(arg: &str) -> Option<&'static str> {
    let likeness = |text: &'static str| (strsim::jaro_winkler(text, arg), text);
    WHOLE
        .into_iter()
        .chain(pam_line::ARGUMENTS)
        .map(likeness)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .filter(|(likeness, _)| *likeness > 0.75)
        .map(|(_, text)| text)
}

impl Stand {
    /// Returns the module's return code on a line with this argument. `key` tells whether sshd has verified a key.
    #[must_use]
    pub fn answer(self, key: bool, answer: ModuleAnswer) -> PamCode {
        match (self, answer) {
            (Self::Nothing, _) => PamCode::SERVICE_ERR,
            (Self::Probe, _) if key => PamCode::SUCCESS,
            (Self::Probe, _) => PamCode::IGNORE,
            (_, ModuleAnswer::Broken(code)) => code,
            (Self::Failed, _) | (_, ModuleAnswer::Wrong) => PamCode::AUTH_ERR,
            (Self::PublicKey, _) if !key => PamCode::AUTH_ERR,
            (_, ModuleAnswer::Right) => PamCode::SUCCESS,
            (_, ModuleAnswer::Exempt) if key => PamCode::SUCCESS,
            (_, ModuleAnswer::Exempt) => PamCode::IGNORE,
        }
    }

    /// Reports whether the module asks for a code and verifies it on a line with this argument.
    #[must_use]
    pub fn judges(self) -> bool {
        match self {
            Self::PublicKey | Self::Stack | Self::Follows => true,
            Self::Failed | Self::Probe | Self::Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &str) -> Arguments {
        read(&args.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn each_stand_is_read() {
        let stands = [Stand::PublicKey, Stand::Stack, Stand::Follows, Stand::Failed, Stand::Probe];
        for (text, stand) in WHOLE.into_iter().zip(stands) {
            let line = of(&format!("{text} echo debug prompt=Code: config=/etc/x"));
            assert_eq!((line.stand, line.mistake), (stand, None));
        }
        assert!(is_twinlock("/lib/security/pam_twinlock.so"));
        assert!(!is_twinlock("pam_twinlock.so.old"));
    }

    #[test]
    fn mistakes_refuse_and_name_the_nearest_word() {
        let unknown = |word: &str, near| Some(ArgumentError::Unknown(word.to_owned(), near));
        for (args, mistake) in [
            ("", Some(ArgumentError::NoFirstFactor)),
            ("echo", Some(ArgumentError::NoFirstFactor)),
            ("first_factor=pubkey", unknown("first_factor=pubkey", Some("first_factor=publickey"))),
            ("probe=pubkey", unknown("probe=pubkey", Some("probe=publickey"))),
            ("first_factor=stack ecko", unknown("ecko", Some("echo"))),
            ("first_factor=stack nulok", unknown("nulok", Some("nullok"))),
            ("first_factor=stack gate", unknown("gate", None)),
        ] {
            let line = of(args);
            assert_eq!((line.stand, line.mistake), (Stand::Nothing, mistake), "{args}");
        }
        let both = of("first_factor=stack probe=publickey");
        assert!(matches!(both.mistake, Some(ArgumentError::Other(_))));
        for (args, says) in [
            ("first_factor=stack secret=/etc/keys/${USER}", "twinlock import"),
            ("first_factor=stack forward_pass", "first_factor=follows forward_pass"),
        ] {
            let Some(ArgumentError::Other(sentence)) = of(args).mistake else { panic!("{args}") };
            assert!(sentence.contains(says), "{sentence}");
        }
    }

    #[test]
    fn an_exempt_account_is_ignored_unless_the_module_saw_the_key() {
        assert_eq!(Stand::Stack.answer(false, ModuleAnswer::Exempt), PamCode::IGNORE);
        assert_eq!(Stand::Stack.answer(true, ModuleAnswer::Exempt), PamCode::SUCCESS);
        assert_eq!(Stand::PublicKey.answer(true, ModuleAnswer::Exempt), PamCode::SUCCESS);
        assert_eq!(Stand::PublicKey.answer(false, ModuleAnswer::Exempt), PamCode::AUTH_ERR);
        assert_eq!(Stand::PublicKey.answer(false, ModuleAnswer::Right), PamCode::AUTH_ERR);
        assert_eq!(Stand::Failed.answer(true, ModuleAnswer::Right), PamCode::AUTH_ERR);
        assert_eq!(Stand::Failed.answer(true, ModuleAnswer::Exempt), PamCode::AUTH_ERR);
        assert_eq!(Stand::Probe.answer(false, ModuleAnswer::Right), PamCode::IGNORE);
        assert_eq!(
            Stand::Stack.answer(true, ModuleAnswer::Broken(PamCode::CONV_ERR)),
            PamCode::CONV_ERR
        );
    }
}
