//! Arguments of `import qr`.

use clap::Args;

use super::Grounds;
use crate::commands::Choice;

/// A picture of a QR code.
#[derive(Args)]
pub struct FromPicture {
    /// User name
    pub user: String,
    /// Picture, PNG or JPEG (`-` for standard input)
    pub file: String,
    /// Which of several keys in it, by the name that the app shows
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Which of several keys in it, by its number in the list that is shown
    #[arg(long, value_name = "N")]
    pub index: Option<usize>,
    /// Why, and by which right
    #[command(flatten)]
    pub grounds: Grounds,
}

impl FromPicture {
    /// Returns the user. `import oath` takes its file first, so both orders are accepted: the picture is recognized by
    /// its name.
    pub fn user(&self) -> &str {
        if self.is_turned() { &self.file } else { &self.user }
    }

    /// Returns the path of the picture.
    pub fn file(&self) -> &str {
        match if self.is_turned() { self.user.as_str() } else { self.file.as_str() } {
            "-" => "/dev/stdin",
            path => path,
        }
    }

    /// Returns which key is selected.
    pub fn choice(&self) -> Choice<'_> {
        Choice { name: self.name.as_deref(), index: self.index }
    }

    fn is_turned(&self) -> bool {
        is_path(&self.user) && !is_path(&self.file)
    }
}

/// Reports whether a word is no user name: no account name contains a slash or ends like a picture's.
fn is_path(word: &str) -> bool {
    let suffix = word.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let suffixes = ["png", "jpg", "jpeg"];
    word == "-" || word.contains('/') || suffixes.iter().any(|one| suffix.eq_ignore_ascii_case(one))
}
