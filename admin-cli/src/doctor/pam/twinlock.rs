//! A line that names pam_twinlock.so: what it claims to stand behind, and what it answers.
use twinlock_core::format::foreign_arguments;
use twinlock_core::format::pam_line::{self, Line, Task};
use twinlock_core::request::Claim;

use super::code::Code;
use super::modules::file_name;

/// The file that makes a line one of ours.
pub const MODULE: &str = "pam_twinlock.so";

/// What the line says of the first factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stand {
    /// `first_factor=publickey`
    PublicKey,
    /// `first_factor=stack`
    Stack,
    /// `first_factor=follows`
    Follows,
    /// `first_factor=failed`
    Failed,
    /// `probe=publickey`
    Probe,
    /// Nothing that the module accepts: it refuses everybody.
    Nothing,
}

/// What is wrong with the arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// No `first_factor=` and no `probe=`.
    NoFirstFactor,
    /// Something else that the module says in this sentence.
    Other(String),
    /// A word that is no argument, and the nearest one that is.
    Unknown(String, Option<&'static str>),
}

/// The arguments of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arguments {
    /// What it says of the first factor.
    pub stand: Stand,
    /// What is wrong with it: the module then refuses everybody.
    pub mistake: Option<Mistake>,
    /// All that the module reads there, where it can be read.
    pub line: Option<Line>,
}

/// Who stands before the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Somebody with the right code.
    Right,
    /// Somebody without it.
    Wrong,
    /// Somebody without it, while the module cannot judge and says so with this code.
    Broken(Code),
    /// An account of which no code is asked.
    Exempt,
}

/// What the module answers when it cannot judge: settings, store or conversation are out of reach, or it panicked.
pub const BROKEN: [Code; 4] =
    [Code::SERVICE_ERR, Code::AUTHINFO_UNAVAIL, Code::CONV_ERR, Code::ABORT];

/// Whole arguments that somebody may have meant; the others are core's.
const WHOLE: [&str; 5] = [
    "first_factor=publickey",
    "first_factor=stack",
    "first_factor=follows",
    "first_factor=failed",
    "probe=publickey",
];

/// Whether the path names this module.
#[must_use]
pub fn is_twinlock(path: &str) -> bool {
    file_name(path) == MODULE
}

/// Reads the arguments of a line, as the module itself does.
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

fn mistake(args: &[String], sentence: String) -> Mistake {
    let has = |name: &str| args.iter().any(|arg| arg.starts_with(name));
    let alone = |arg: &String| {
        // Said once: the module refuses a first factor that stands twice.
        let other = Some("first_factor=follows").filter(|_| !arg.starts_with("first_factor="));
        pam_line::read(other.into_iter().chain([arg.as_str()])).is_err()
    };
    let unknown = args.iter().find(|arg| *arg != "probe=publickey" && alone(arg));
    match unknown {
        Some(word) => match foreign_arguments::instead(word) {
            Some(sentence) => Mistake::Other(sentence.to_owned()),
            None => Mistake::Unknown(word.clone(), nearest(word)),
        },
        None if !has("first_factor=") && !has("probe=") => Mistake::NoFirstFactor,
        None => Mistake::Other(sentence),
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
    /// What the module answers on such a line.
    #[must_use]
    pub fn answer(self, key: bool, answer: Answer) -> Code {
        match (self, answer) {
            (Self::Nothing, _) => Code::SERVICE_ERR,
            (Self::Probe, _) if key => Code::SUCCESS,
            (Self::Probe, _) => Code::IGNORE,
            (_, Answer::Broken(code)) => code,
            (Self::Failed, _) | (_, Answer::Wrong) => Code::AUTH_ERR,
            (Self::PublicKey, _) if !key => Code::AUTH_ERR,
            (_, Answer::Right) => Code::SUCCESS,
            (_, Answer::Exempt) if key => Code::SUCCESS,
            (_, Answer::Exempt) => Code::IGNORE,
        }
    }

    /// Whether a code is judged there.
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
        let unknown = |word: &str, near| Some(Mistake::Unknown(word.to_owned(), near));
        for (args, mistake) in [
            ("", Some(Mistake::NoFirstFactor)),
            ("echo", Some(Mistake::NoFirstFactor)),
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
        assert!(matches!(both.mistake, Some(Mistake::Other(_))));
        for (args, says) in [
            ("first_factor=stack secret=/etc/keys/${USER}", "twinlock import"),
            ("first_factor=stack forward_pass", "first_factor=follows forward_pass"),
        ] {
            let Some(Mistake::Other(sentence)) = of(args).mistake else { panic!("{args}") };
            assert!(sentence.contains(says), "{sentence}");
        }
    }

    #[test]
    fn an_exempt_account_is_ignored_unless_the_module_saw_the_key() {
        assert_eq!(Stand::Stack.answer(false, Answer::Exempt), Code::IGNORE);
        assert_eq!(Stand::Stack.answer(true, Answer::Exempt), Code::SUCCESS);
        assert_eq!(Stand::PublicKey.answer(true, Answer::Exempt), Code::SUCCESS);
        assert_eq!(Stand::PublicKey.answer(false, Answer::Exempt), Code::AUTH_ERR);
        assert_eq!(Stand::PublicKey.answer(false, Answer::Right), Code::AUTH_ERR);
        assert_eq!(Stand::Failed.answer(true, Answer::Right), Code::AUTH_ERR);
        assert_eq!(Stand::Failed.answer(true, Answer::Exempt), Code::AUTH_ERR);
        assert_eq!(Stand::Probe.answer(false, Answer::Right), Code::IGNORE);
        assert_eq!(Stand::Stack.answer(true, Answer::Broken(Code::CONV_ERR)), Code::CONV_ERR);
    }
}
