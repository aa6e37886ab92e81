//! Arguments of `import qr`.

use clap::Args;

use crate::cli::Grounds;

/// Which of several keys in a picture or export is imported. If both fields are `None`, there must be only one key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Choice<'a> {
    /// Name of the key as the app shows it, the value of `--name`.
    pub(crate) name: Option<&'a str>,
    /// Number of the key in the printed list, from 1, the value of `--index`.
    pub(crate) index: Option<usize>,
}

/// Arguments of `import qr`.
#[derive(Args)]
pub(crate) struct FromPicture {
    /// User name
    pub(crate) user: String,
    /// PNG or JPEG file (`-` for standard input)
    pub(crate) file: String,
    /// Key to import, by the name shown in the app
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Key to import, by its number in the printed list (from 1)
    #[arg(long, value_name = "N")]
    pub(crate) index: Option<usize>,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

impl FromPicture {
    /// Returns the user name. User and file may be given in either order, since `import oath` takes its file first. The
    /// file is recognized by its name.
    pub(crate) fn user(&self) -> &str {
        if self.is_turned() { &self.file } else { &self.user }
    }

    /// Returns the path of the picture; `/dev/stdin` for `-`.
    pub(crate) fn file(&self) -> &str {
        match if self.is_turned() { self.user.as_str() } else { self.file.as_str() } {
            "-" => "/dev/stdin",
            path => path,
        }
    }

    /// Returns which of the picture's keys is imported.
    pub(crate) fn choice(&self) -> Choice<'_> {
        Choice { name: self.name.as_deref(), index: self.index }
    }

    fn is_turned(&self) -> bool {
        is_path(&self.user) && !is_path(&self.file)
    }
}

/// Returns whether the word is the path of a picture, and not a user name: it is `-`, contains a slash, or ends with
/// `.png`, `.jpg` or `.jpeg`.
fn is_path(word: &str) -> bool {
    let suffix = word.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let suffixes = ["png", "jpg", "jpeg"];
    word == "-" || word.contains('/') || suffixes.iter().any(|one| suffix.eq_ignore_ascii_case(one))
}
