//! A line that names pam_twinlock.so: what it claims to stand behind, and what it answers.
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
    /// Two that contradict each other.
    Twice,
    /// A word that is no argument, and the nearest one that is.
    Unknown(String, Option<&'static str>),
}

/// The arguments of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arguments {
    /// What it says of the first factor.
    pub stand: Stand,
    /// What is wrong with it.
    pub mistakes: Vec<Mistake>,
}

/// Who stands before the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Somebody with the right code.
    Right,
    /// Somebody without it.
    Wrong,
    /// An account of which no code is asked.
    Exempt,
}

const STANDS: [(&str, Stand); 5] = [
    ("first_factor=publickey", Stand::PublicKey),
    ("first_factor=stack", Stand::Stack),
    ("first_factor=follows", Stand::Follows),
    ("first_factor=failed", Stand::Failed),
    ("probe=publickey", Stand::Probe),
];
const OTHERS: [&str; 4] = ["prompt=", "config=", "echo", "debug"];

/// Whether the path names this module.
#[must_use]
pub fn is_twinlock(path: &str) -> bool {
    file_name(path) == MODULE
}

/// Reads the arguments of a line.
#[must_use]
pub fn read(args: &[String]) -> Arguments {
    let mut stands = Vec::new();
    let mut mistakes = Vec::new();
    for arg in args {
        match STANDS.iter().find(|(text, _)| text == arg) {
            Some((_, stand)) => stands.push(*stand),
            None if known(arg) => {}
            None => mistakes.push(Mistake::Unknown(arg.clone(), nearest(arg))),
        }
    }
    let stand = match stands.as_slice() {
        [one] => *one,
        [] => {
            if !args.iter().any(|arg| arg.starts_with("first_factor")) {
                mistakes.push(Mistake::NoFirstFactor);
            }
            Stand::Nothing
        }
        [_, ..] => {
            mistakes.push(Mistake::Twice);
            Stand::Nothing
        }
    };
    let stand = if mistakes.is_empty() { stand } else { Stand::Nothing };
    Arguments { stand, mistakes }
}

fn known(arg: &str) -> bool {
    OTHERS.iter().any(|other| {
        let has_value = other.ends_with('=');
        if has_value { arg.starts_with(other) && arg != *other } else { arg == *other }
    })
}

fn nearest(arg: &str) -> Option<&'static str> {
    STANDS
        .iter()
        .map(|(text, _)| *text)
        .chain(OTHERS)
        .map(|text| (strsim::jaro_winkler(text, arg), text))
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .filter(|(likeness, _)| *likeness > 0.75)
        .map(|(_, text)| text)
}

impl Stand {
    /// What the module answers on such a line.
    #[must_use]
    pub fn answer(self, key: bool, answer: Answer) -> Code {
        match self {
            Self::Failed | Self::Nothing => Code::AUTH_ERR,
            Self::Probe if key => Code::SUCCESS,
            Self::Probe => Code::IGNORE,
            Self::PublicKey if !key => Code::AUTH_ERR,
            Self::PublicKey | Self::Stack | Self::Follows => match answer {
                Answer::Right => Code::SUCCESS,
                Answer::Wrong => Code::AUTH_ERR,
                Answer::Exempt if self == Self::PublicKey => Code::SUCCESS,
                Answer::Exempt => Code::IGNORE,
            },
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
        for (text, stand) in STANDS {
            let line = of(&format!("{text} echo debug prompt=Code: config=/etc/x"));
            assert_eq!((line.stand, line.mistakes), (stand, vec![]));
        }
        assert!(is_twinlock("/lib/security/pam_twinlock.so"));
        assert!(!is_twinlock("pam_twinlock.so.old"));
    }

    #[test]
    fn mistakes_refuse_and_name_the_nearest_word() {
        for (args, mistake) in [
            ("", Mistake::NoFirstFactor),
            ("echo", Mistake::NoFirstFactor),
            ("first_factor=stack probe=publickey", Mistake::Twice),
            (
                "first_factor=pubkey",
                Mistake::Unknown("first_factor=pubkey".into(), Some("first_factor=publickey")),
            ),
            ("first_factor=stack ecko", Mistake::Unknown("ecko".into(), Some("echo"))),
            ("first_factor=stack nullok", Mistake::Unknown("nullok".into(), None)),
            ("first_factor=stack prompt=", Mistake::Unknown("prompt=".into(), Some("prompt="))),
        ] {
            let line = of(args);
            assert_eq!((line.stand, line.mistakes), (Stand::Nothing, vec![mistake]), "{args}");
        }
    }

    #[test]
    fn an_exempt_account_is_ignored_unless_the_module_saw_the_key() {
        assert_eq!(Stand::Stack.answer(false, Answer::Exempt), Code::IGNORE);
        assert_eq!(Stand::PublicKey.answer(true, Answer::Exempt), Code::SUCCESS);
        assert_eq!(Stand::PublicKey.answer(false, Answer::Exempt), Code::AUTH_ERR);
        assert_eq!(Stand::PublicKey.answer(false, Answer::Right), Code::AUTH_ERR);
        assert_eq!(Stand::Failed.answer(true, Answer::Right), Code::AUTH_ERR);
        assert_eq!(Stand::Probe.answer(false, Answer::Right), Code::IGNORE);
    }
}
