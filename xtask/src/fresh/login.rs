//! Logs in to the fresh system (see `system`) by ssh.

use std::path::Path;

use crate::command::Done;
use crate::screen::Screen;

/// Password of the account ada.
pub(crate) const PASSWORD: &str = "correct horse";
/// Port at which the fresh system's sshd listens.
pub(crate) const PORT: u16 = 2222;

/// The answers that are typed at a login.
pub(crate) struct Typed<'a> {
    /// The password; `None` if no password is typed, because ssh offers the user's key.
    pub(crate) password: Option<&'a str>,
    /// The code; `None` if the login must show no prompt for a code.
    pub(crate) code: Option<&'a str>,
}

impl Typed<'_> {
    /// Logs in as ada. Returns whether the login succeeded. `root` is the folder of the fresh system.
    ///
    /// # Errors
    /// A sentence if a prompt is missing, or if ssh ends neither with a login nor with a refusal.
    pub(crate) fn logs_in(&self, root: &Path) -> Done<bool> {
        let mut screen = Screen::start(&self.words(root), "ssh ada@127.0.0.1")?;
        if let Some(password) = self.password {
            screen.expect(&["assword: "])?;
            screen.type_hidden(password)?;
        }
        if let Some(code) = self.code {
            screen.expect(&["Verification code"])?;
            screen.expect(&[": "])?;
            screen.type_hidden(code)?;
        }
        let (which, _) = screen.expect(&["I am ada", "ermission denied", "tries left"])?;
        if which == 2 {
            // An empty answer to the prompt ends the login.
            screen.expect(&[": "])?;
            screen.type_hidden("")?;
        }
        let (status, shown) = screen.end()?;
        match (which, status.code()) {
            (0, Some(0)) => Ok(true),
            (1 | 2, Some(255)) => Ok(false),
            _ => Err(format!("ssh ended with {status}, and said: {shown}")),
        }
    }

    fn words(&self, root: &Path) -> Vec<String> {
        let key = if self.password.is_some() { "no" } else { "yes" };
        let (root, port) = (root.to_string_lossy(), PORT.to_string());
        let key = format!("PubkeyAuthentication={key}");
        [
            &["chroot", &root, "ssh", "-p", &port, "-i", "/root/key", "-o", &key][..],
            &["-o", "StrictHostKeyChecking=accept-new", "-o", "NumberOfPasswordPrompts=1"],
            &["ada@127.0.0.1", "echo I am $(whoami)"],
        ]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
    }
}
