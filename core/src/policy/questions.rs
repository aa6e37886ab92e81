//! What one answer at a prompt contains, and the questions that a login may ask in addition to the one for the code.

/// The content of one answer of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    /// A code only. The user is asked up to `tries` times.
    #[default]
    Code,
    /// The answer that the user gave to an earlier module. The code is the whole answer, or the end of it after a
    /// password.
    Given,
    /// Nothing. The PAM line uses the answer to an earlier module, but no answer is stored.
    Missing,
    /// A password and a code after it, in one answer.
    PasswordAndCode,
}

impl Field {
    /// Returns the word by which the module tells the agent what an answer contains.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Given => "given",
            Self::Missing => "missing",
            Self::PasswordAndCode => "password-and-code",
        }
    }

    /// Parses a word that [`Field::word`] returned; `None` for any other text, and for [`Field::Missing`], which no
    /// answer has.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Code, Self::Given, Self::PasswordAndCode].into_iter().find(|one| one.word() == word)
    }
}

/// The questions that a login may ask besides the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Questions {
    /// All questions, for changes that the record requires or the user requests.
    #[default]
    All,
    /// No questions, because the PAM line says `code_only`. A dialogue that the record requires is postponed, and the
    /// postponement counts.
    CodeOnly,
    /// No questions, because a local user runs the program (sudo, su) and may replace every prompt. A dialogue that the
    /// record requires is left to the user's next login by ssh or at the console.
    Elsewhere,
}
