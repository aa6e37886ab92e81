//! PAM lines and sshd settings that remedies propose. They are defined here once, so that all remedies write them in
//! the same form.
use crate::finding::Finding;
use crate::judge::case::Reach;
use crate::judge::kept::Kept;
use crate::pam::load::FOLDERS;

/// PAM line for users who log in with a public key and a code.
pub const KEY_LINE: &str = "auth required pam_twinlock.so first_factor=publickey";

/// sshd setting for logins with a public key and a code.
pub const KEY_METHODS: &str = "AuthenticationMethods publickey,keyboard-interactive:pam";

/// sshd setting for logins with a password and a code.
pub const PASSWORD_METHODS: &str = "AuthenticationMethods keyboard-interactive:pam";

/// sshd setting for logins with a code and either a key or a password.
pub const BOTH_METHODS: &str =
    "AuthenticationMethods publickey,keyboard-interactive:pam keyboard-interactive:pam";

/// The facts from which a remedy writes a whole new stack.
pub struct StackRecipe<'a> {
    /// Path of the PAM file to write.
    pub file: &'a str,
    /// Whether users reach PAM with a key, without one, or both.
    pub reach: Reach,
    /// File names of the modules that ask for a password (also called proofs), in the order of the old stack.
    pub proofs: Vec<&'a str>,
    /// What a user with a key must give in addition to the code.
    pub beside_key: OtherFactor,
    /// Lines of the present stack that are also in the new stack.
    pub kept: Kept,
}

/// What a user with a key must give in addition to the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OtherFactor {
    /// No further factor: key and code are enough.
    Nothing,
    /// A password.
    Password,
}

impl StackRecipe<'_> {
    /// Returns the remedy as text: a first line that names the file and the lines to replace, then the new lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "In {}, replace all auth lines and any `@include common-auth` by these lines",
            self.file
        );
        if self.three() {
            text.push_str(&format!(
                " (a key, a password and a code, as in 10-twinlock-key-and-password.conf with `{KEY_METHODS}`; for a key and a code, write only `{KEY_LINE}` in place of the lines with pam_unix.so or a similar module, pam_twinlock.so, pam_deny.so and pam_permit.so)"
            ));
        }
        text.extend(self.kept.farewell());
        format!("{text}:\n{}", self.lines().join("\n"))
    }

    fn three(&self) -> bool {
        !self.reach.without_key && self.beside_key == OtherFactor::Password
    }

    /// Returns the auth lines of the new stack.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.kept.first.clone();
        if !self.reach.without_key && !self.three() {
            lines.push(KEY_LINE.to_owned());
            return lines;
        }
        let proofs = if self.proofs.is_empty() { vec!["pam_unix.so"] } else { self.proofs.clone() };
        let failed = self.kept.on_failure.len();
        if self.reach.with_key && !self.three() {
            let over = proofs.len() + 2 + failed;
            lines.push(format!(
                "auth [success={over} default=ignore] pam_twinlock.so probe=publickey"
            ));
        }
        for (number, module) in proofs.iter().enumerate() {
            let over = proofs.len() - number + 1 + failed;
            let again = if number == 0 { "" } else { " try_first_pass" };
            // Without `nodelay`, the delay of pam_unix would show whether a password was right.
            let quick = if *module == "pam_unix.so" { " nodelay" } else { "" };
            lines.push(format!("auth [success={over} default=ignore] {module}{quick}{again}"));
        }
        lines.extend(self.kept.on_failure.iter().cloned());
        lines.push("auth [default=die] pam_twinlock.so first_factor=failed".to_owned());
        lines.push("auth requisite pam_deny.so".to_owned());
        lines.push("auth required pam_permit.so".to_owned());
        lines.extend(self.kept.on_success.iter().cloned());
        lines.push("auth requisite pam_twinlock.so first_factor=stack".to_owned());
        lines
    }
}

/// Changes the remedies that edit a PAM file below `/usr`, which belongs to a package. The next upgrade of the package
/// would undo such an edit. The remedy therefore begins with a copy of the file to /etc/pam.d, which libpam reads in
/// place of the original.
pub fn copy_first(findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|one| !one.remedy.is_empty()) {
        let file = finding.place.split(':').next().unwrap_or_default();
        let [own, vendors @ ..] = &FOLDERS;
        let Some((folder, name)) = file.rsplit_once('/') else { continue };
        if vendors.contains(&folder) {
            let copy = format!("{own}/{name}");
            finding.remedy = format!(
                "Copy {file} to {copy}: libpam reads the copy in its place, and no upgrade of its package replaces it. {}",
                finding.remedy.replace(file, &copy)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;

    #[test]
    fn file_of_a_package_is_copied_before_it_is_changed() {
        let remedy = |place: &str, remedy: &str| {
            let finding = Finding {
                level: Level::WayIn,
                id: "x",
                place: place.to_owned(),
                what: String::new(),
                remedy: remedy.to_owned(),
            };
            let mut all = [finding];
            copy_first(&mut all);
            all[0].remedy.clone()
        };
        for place in ["/usr/lib/pam.d/polkit-1", "/usr/lib/pam.d/polkit-1:3"] {
            let text = remedy(place, "In /usr/lib/pam.d/polkit-1, write:\nauth required a.so");
            assert!(text.starts_with("Copy /usr/lib/pam.d/polkit-1 to /etc/pam.d/polkit-1: "));
            assert!(
                text.ends_with(" In /etc/pam.d/polkit-1, write:\nauth required a.so"),
                "{text}"
            );
        }
        for place in ["/etc/pam.d/doas:1", "/usr/lib/x86_64-linux-gnu/security/a.so", ""] {
            assert_eq!(remedy(place, "Remove the line."), "Remove the line.");
        }
        assert_eq!(remedy("/usr/share/pam.d/su:1", ""), "");
    }

    fn lines(without_key: bool, with_key: bool, proofs: &[&'static str]) -> Vec<String> {
        let (reach, proofs) = (Reach { without_key, with_key }, proofs.to_vec());
        let kept = Kept::default();
        StackRecipe { file: "", reach, proofs, beside_key: OtherFactor::Nothing, kept }.lines()
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
