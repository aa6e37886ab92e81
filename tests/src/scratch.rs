//! Backup codes in the form in which an import stores them. Their hashes were computed by the reference implementation
//! of Argon2.

use crate::machine::Machine;

const STORE: &str = "/var/lib/twinlock/users";

/// Backup codes of a user, stored together in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// Id by which the user's record refers to these backup codes.
    pub id: &'static str,
    text: &'static str,
}

impl Scratch {
    /// The three backup codes [`Scratch::CODES`], hashed as an import hashes them.
    pub const FEW: Scratch =
        Scratch { id: "0123456789abcdef", text: include_str!("../vectors/codes-1.toml") };
    /// The 24 backup codes that [`Scratch::code`] returns. To hash one of them takes less memory than usual, so that
    /// many tests can verify codes at the same time.
    pub const MANY: Scratch =
        Scratch { id: "fedcba9876543210", text: include_str!("../vectors/codes-24.toml") };
    /// The three backup codes of [`Scratch::FEW`].
    pub const CODES: [&'static str; 3] = ["12345678", "87654321", "40961024"];
    /// A code that is none of these backup codes.
    pub const WRONG: &'static str = "55555555";

    /// Returns the backup code of [`Scratch::MANY`] at the index `place`, from 0.
    #[must_use]
    pub fn code(place: u32) -> String {
        (10_000_019 + place * 3_000_017).to_string()
    }
}

impl Machine {
    /// Gives `user`, who must be enrolled, these backup codes.
    pub fn scratch(&self, user: &str, set: Scratch) -> &Self {
        let name = self.run(["sh", "-c", &format!("cd {STORE}/{user}; ls -d record.*")]);
        let record = format!("{STORE}/{user}/{}", name.ok().trim());
        let text = self.file(&record).read();
        let (head, rest) = text.split_once("\n\n").expect("a record with an authenticator");
        let named = format!("{head}\ncodes = \"{}\"\n\n{rest}", set.id);
        self.file(&record).write(named);
        let file = self.codes_file(user, set);
        self.file(&file).write(set.text).mode(0o600);
        self
    }

    /// Returns the path of the file with these backup codes of the user.
    pub fn codes_file(&self, user: &str, set: Scratch) -> String {
        format!("{STORE}/{user}/codes.{}", set.id)
    }

    /// Returns how many backup codes `user` has used.
    pub fn spent(&self, user: &str) -> usize {
        self.tree(&format!("{STORE}/{user}")).matches("/spent.").count()
    }
}
