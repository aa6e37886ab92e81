//! Sets of backup codes, stored in the form in which an import stores them. The hashes come from the reference
//! implementation of Argon2.

use crate::machine::Machine;

const STORE: &str = "/var/lib/twinlock/users";

/// A set of backup codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// The id by which the record names the set.
    pub id: &'static str,
    text: &'static str,
}

impl Scratch {
    /// A set of the three codes [`Scratch::CODES`], hashed as an import hashes codes.
    pub const FEW: Scratch =
        Scratch { id: "0123456789abcdef", text: include_str!("../vectors/codes-1.toml") };
    /// A set of the 24 codes of [`Scratch::code`], hashed with less memory so that concurrent tests can use it.
    pub const MANY: Scratch =
        Scratch { id: "fedcba9876543210", text: include_str!("../vectors/codes-24.toml") };
    /// The codes of [`Scratch::FEW`].
    pub const CODES: [&'static str; 3] = ["12345678", "87654321", "40961024"];
    /// A code that is in no set.
    pub const WRONG: &'static str = "55555555";

    /// Returns the code with the index `place` of the set [`Scratch::MANY`].
    #[must_use]
    pub fn code(place: u32) -> String {
        (10_000_019 + place * 3_000_017).to_string()
    }
}

impl Machine {
    /// Adds a set of codes to the record of `user`, who must be enrolled.
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

    /// Returns the path of the file with this set of a user's backup codes.
    pub fn codes_file(&self, user: &str, set: Scratch) -> String {
        format!("{STORE}/{user}/codes.{}", set.id)
    }

    /// Counts the backup codes that `user` has used.
    pub fn spent(&self, user: &str) -> usize {
        self.tree(&format!("{STORE}/{user}")).matches("/spent.").count()
    }
}
