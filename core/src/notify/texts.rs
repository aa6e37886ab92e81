//! The built-in texts of mails, `en/KIND.txt` and `sv/KIND.txt`. An administrator can replace them by texts of the same
//! form.

use crate::policy::Language;

/// Returns the built-in mail texts of a language, each with the word of its topic. The text `closing` ends every mail.
macro_rules! texts {
    ($language:literal) => {
        texts!($language: "backup-code-used" "break-glass" "bypass-code" "bypass-given" "closing" "codes-renewed" "few-codes-left"
            "guessed" "host-changed" "key-changed" "key-exported" "key-shown" "mail-changed" "record-imported" "removed" "reset"
            "resynchronized" "role-report" "role-used" "set-up-done" "ticket-codes" "ticket-set-up" "unlocked")
    };
    ($language:literal: $($word:literal)*) => {
        &[$(($word, include_str!(concat!($language, "/", $word, ".txt")))),*]
    };
}

const ENGLISH: &[(&str, &str)] = texts!("en");
const SWEDISH: &[(&str, &str)] = texts!("sv");

/// In one language, the words with which a mail names the source of a login.
pub(crate) struct Sources {
    /// The words before the user id, if the source is a user of this host.
    pub(crate) uid: &'static str,
    /// The words before the name of the terminal, if the source is a terminal of this host.
    pub(crate) tty: &'static str,
    /// The words for a source that is not known.
    pub(crate) unknown: &'static str,
}

/// Returns the built-in text of the topic with this word; an empty text if there is none.
pub(crate) fn text(language: Language, word: &str) -> &'static str {
    let texts = match language {
        Language::English => ENGLISH,
        Language::Swedish => SWEDISH,
    };
    texts.iter().find(|(known, _)| *known == word).map_or("", |(_, text)| text)
}

/// Returns the words of a language for the source of a login.
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
