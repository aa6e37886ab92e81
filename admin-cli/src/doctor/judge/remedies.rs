//! The lines to write: the same words in every remedy.
use crate::judge::case::Reach;

/// Public key and code.
pub const KEY_LINE: &str = "auth required pam_twinlock.so first_factor=publickey";

/// What sshd has to ask of a person with a key.
pub const KEY_METHODS: &str = "AuthenticationMethods publickey,keyboard-interactive:pam";

/// What sshd has to ask of a person with a password.
pub const PASSWORD_METHODS: &str = "AuthenticationMethods keyboard-interactive:pam";

/// What a whole stack is made of.
pub struct Recipe<'a> {
    /// The file to write it into.
    pub file: &'a str,
    /// With what people come.
    pub reach: Reach,
    /// The modules that ask for a password, in their order.
    pub proofs: Vec<&'a str>,
}

impl Recipe<'_> {
    /// A sentence, and below it the lines.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.lines().join("\n");
        format!(
            "In {}, write these lines in place of all auth lines and of any `@include common-auth`:\n{lines}",
            self.file
        )
    }

    fn lines(&self) -> Vec<String> {
        if !self.reach.without_key {
            return vec![KEY_LINE.to_owned()];
        }
        let proofs = if self.proofs.is_empty() { vec!["pam_unix.so"] } else { self.proofs.clone() };
        let mut lines = Vec::new();
        if self.reach.with_key {
            let over = proofs.len() + 2;
            lines.push(format!(
                "auth [success={over} default=ignore] pam_twinlock.so probe=publickey"
            ));
        }
        for (number, module) in proofs.iter().enumerate() {
            let over = proofs.len() - number + 1;
            let again = if number == 0 { "" } else { " try_first_pass" };
            // A delay of its own would tell a wrong password from a right one.
            let quick = if *module == "pam_unix.so" { " nodelay" } else { "" };
            lines.push(format!("auth [success={over} default=ignore] {module}{quick}{again}"));
        }
        lines.extend(
            [
                "auth [default=die] pam_twinlock.so first_factor=failed",
                "auth requisite pam_deny.so",
                "auth required pam_permit.so",
                "auth requisite pam_twinlock.so first_factor=stack",
            ]
            .map(str::to_owned),
        );
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(without_key: bool, with_key: bool, proofs: &[&'static str]) -> Vec<String> {
        Recipe { file: "", reach: Reach { without_key, with_key }, proofs: proofs.to_vec() }.lines()
    }

    #[test]
    fn jumps_land_on_the_line_that_says_yes_so_far() {
        assert_eq!(lines(false, true, &["pam_unix.so"]), [KEY_LINE]);
        let both = lines(true, true, &["pam_unix.so", "pam_sss.so"]);
        for (number, over) in [(0, 4), (1, 3), (2, 2)] {
            assert!(both[number].contains(&format!("[success={over} ")), "{}", both[number]);
            assert_eq!(both[number + over + 1], "auth required pam_permit.so");
        }
        assert_eq!(lines(true, false, &[]).len(), 5);
    }
}
