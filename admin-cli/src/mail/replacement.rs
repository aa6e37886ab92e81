//! The administrator's own mail texts, which replace the built-in ones: `/etc/twinlock/text/KIND.txt`.

use twinlock_core::{
    base::error::FileError,
    notify::{
        notification::Topic,
        template::{self, Blanks, TemplateError, WrittenMail},
    },
    policy::Language,
};
use twinlock_host::trusted_dir::{self, Owner, READABLE};

use crate::{error::settings_errors, text::plain};

/// Folder with the administrator's mail texts. It does not depend on the settings file.
const FOLDER: &str = "/etc/twinlock/text";
/// Maximum length in bytes of a mail text.
const TEXT_MAX: usize = 16 * 1024;

/// Why a mail text of the administrator cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextError {
    /// The file cannot be read, or its owner or mode is not trusted.
    File(FileError),
    /// The file is not UTF-8.
    NotUtf8,
    /// The text is not a valid template.
    Text(TemplateError),
}

impl core::fmt::Display for TextError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::NotUtf8 => f.write_str("it is not UTF-8"),
            Self::Text(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TextError {}

/// Returns the path of the file with the administrator's text for a topic.
pub(crate) fn path(topic: Topic) -> String {
    format!("{FOLDER}/{}.txt", topic.word())
}

/// Reads a mail text of the administrator; `None` if the file does not exist. `owner` is the user who must own it.
fn read(path: &str, owner: Owner) -> Result<Option<String>, TextError> {
    let bytes = match trusted_dir::read_file(path, owner, READABLE, TEXT_MAX) {
        Err(fault) if trusted_dir::is_absent(fault) => return Ok(None),
        read => read.map_err(TextError::File)?,
    };
    String::from_utf8(bytes).map(Some).map_err(|_| TextError::NotUtf8)
}

/// Returns a mail with the administrator's text. If there is no such text, or it cannot be used, the mail has the
/// built-in text.
pub(crate) fn write(language: Language, topic: Topic, blanks: &Blanks) -> WrittenMail {
    let text = read(&path(topic), Owner(0)).ok().flatten();
    let replaced = text.and_then(|text| template::replaced(&text, topic, blanks).ok());
    replaced.unwrap_or_else(|| template::built_in(language, topic, blanks))
}

/// Returns three texts about each mail text that cannot be used: its path, what is wrong, and what to do.
pub(crate) fn unusable() -> Vec<(String, String, String)> {
    let of = |topic: Topic| {
        let path = path(topic);
        let unusable = match read(&path, Owner(0)) {
            Ok(None) => None,
            Ok(Some(text)) => template::check(&text, topic).err().map(TextError::Text),
            Err(unusable) => Some(unusable),
        };
        let (what, remedy) = explain(&path, topic, &unusable?);
        Some((path, what, remedy))
    };
    Topic::all().filter_map(of).collect()
}

fn explain(path: &str, topic: Topic, unusable: &TextError) -> (String, String) {
    let known = || {
        let words: Vec<String> = topic.blanks().iter().map(|word| format!("{{{word}}}")).collect();
        format!("Known here: {}. Write a literal brace twice.", words.join(" "))
    };
    let remedy = match unusable {
        TextError::File(_) => settings_errors::FILE_REMEDY.into(),
        TextError::NotUtf8 => "Save it as UTF-8.".into(),
        TextError::Text(
            TemplateError::Unknown(_) | TemplateError::Unpaired | TemplateError::NoTicket,
        ) => known(),
        TextError::Text(TemplateError::NoSubject) => {
            "Begin it with a line such as: Subject: News about your codes".into()
        }
        TextError::Text(TemplateError::NoBody) => "Add the text.".into(),
        TextError::Text(TemplateError::Control) => "Remove them.".into(),
    };
    let what = match unusable {
        TextError::File(fault) => settings_errors::of_file(path, *fault),
        TextError::NotUtf8 | TextError::Text(_) => plain(&unusable.to_string()),
    };
    (what, remedy)
}
