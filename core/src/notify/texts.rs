//! The built-in texts of mails: `en/KIND.txt` and `sv/KIND.txt`, in the form in which an administrator replaces them.

use crate::policy::Language;

/// Returns the texts of a language with their words; `closing` is the end of every mail.
macro_rules! texts {
    ($language:literal) => {
        texts!($language: "backup-code-used" "break-glass" "bypass-given" "closing" "codes-renewed" "few-codes-left"
            "guessed" "key-changed" "key-exported" "key-shown" "mail-changed" "record-imported" "removed" "reset"
            "resynchronized" "set-up-done" "ticket-codes" "ticket-set-up" "unlocked")
    };
    ($language:literal: $($word:literal)*) => {
        &[$(($word, include_str!(concat!($language, "/", $word, ".txt")))),*]
    };
}

const ENGLISH: &[(&str, &str)] = texts!("en");
const SWEDISH: &[(&str, &str)] = texts!("sv");

/// Words for sources.
pub(crate) struct Sources {
    /// A local user.
    pub(crate) uid: &'static str,
    /// A terminal of the host.
    pub(crate) tty: &'static str,
    /// An unknown source.
    pub(crate) unknown: &'static str,
}

/// Returns the text with that word; empty if there is none.
pub(crate) fn text(language: Language, word: &str) -> &'static str {
    let texts = match language {
        Language::English => ENGLISH,
        Language::Swedish => SWEDISH,
    };
    texts.iter().find(|(known, _)| *known == word).map_or("", |(_, text)| text)
}

/// Returns the words for sources.
pub(crate) fn sources(language: Language) -> Sources {
    match language {
        Language::English => Sources {
            uid: "this machine, user number",
            tty: "this machine, terminal",
            unknown: "not known",
        },
        Language::Swedish => Sources {
            uid: "datorn själv, användarnummer",
            tty: "datorn själv, terminal",
            unknown: "okänt",
        },
    }
}
