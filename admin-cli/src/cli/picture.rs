//! Arguments of `import qr`.

use clap::Args;

use crate::cli::Grounds;

/// Selection on the command line.
#[derive(Clone, Copy, Default)]
pub(crate) struct Choice<'a> {
    /// `--name`.
    pub(crate) name: Option<&'a str>,
    /// `--index`, from 1.
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
    /// Returns the user. `import oath` takes its file first, so both orders are accepted: the picture is recognized by
    /// its name.
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

/// Reports whether a word is no user name: no account name contains a slash or ends like a picture's.
fn is_path(word: &str) -> bool {
    let suffix = word.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let suffixes = ["png", "jpg", "jpeg"];
    word == "-" || word.contains('/') || suffixes.iter().any(|one| suffix.eq_ignore_ascii_case(one))
}
