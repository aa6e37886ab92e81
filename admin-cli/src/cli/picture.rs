//! Arguments of `import qr`.

use clap::Args;

use crate::cli::Grounds;

/// The key of a picture or export that is imported.
#[derive(Clone, Copy, Default)]
pub(crate) struct Choice<'a> {
    /// The value of `--name`.
    pub(crate) name: Option<&'a str>,
    /// The value of `--index`, from 1.
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
    /// Reason and break-glass
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

impl FromPicture {
    /// Returns the user name. The user and the file may be given in either order, because `import oath` takes its file
    /// first; the file is recognized by its name.
    pub(crate) fn user(&self) -> &str {
        if self.is_turned() { &self.file } else { &self.user }
    }

    /// Returns the path of the picture.
    pub(crate) fn file(&self) -> &str {
        match if self.is_turned() { self.user.as_str() } else { self.file.as_str() } {
            "-" => "/dev/stdin",
            path => path,
        }
    }

    /// Returns which key is selected.
    pub(crate) fn choice(&self) -> Choice<'_> {
        Choice { name: self.name.as_deref(), index: self.index }
    }

    fn is_turned(&self) -> bool {
        is_path(&self.user) && !is_path(&self.file)
    }
}

/// Returns whether a word is the path of a picture and not a user name. No account name contains a slash or ends like a
/// picture's name.
fn is_path(word: &str) -> bool {
    let suffix = word.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let suffixes = ["png", "jpg", "jpeg"];
    word == "-" || word.contains('/') || suffixes.iter().any(|one| suffix.eq_ignore_ascii_case(one))
}
