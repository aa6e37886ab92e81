//! The two kinds of libpam. Debian's has patches by which it reads and runs stacks differently.

/// Which libpam a machine has.
///
/// In pam_setcred, the original libpam counts the return code of a line that jumps, as if the line were `required`.
/// Debian's does not count it (patch `045_pam_dispatch_jump_is_ignore`). In a login, neither of them counts it. Only
/// Debian's knows `@include` (patch `031_pam_include`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Libpam {
    /// The libpam of Debian and of the distributions that are derived from it.
    Debian,
    /// The libpam of all other distributions.
    Original,
    /// Not known, because no libpam was found.
    #[default]
    Unknown,
}

impl Libpam {
    /// Returns the kinds that a machine may have: one, or both if the kind is unknown.
    pub fn possible(self) -> impl Iterator<Item = Self> {
        let both = [Self::Debian, Self::Original].into_iter();
        both.filter(move |one| self == Self::Unknown || *one == self)
    }

    /// Returns the kind of the libpam library with the content `library`. Debian's looks for a module in the folder of
    /// its architecture and also in one without an architecture (patch `lib_security_multiarch_compat`).
    #[must_use]
    pub fn of(library: &str) -> Self {
        let mut strings = library.split('\0');
        let of_architecture = |text: &str| {
            let folder = text.strip_suffix("/security/").and_then(|one| one.rsplit_once("/lib/"));
            folder.is_some_and(|(_, name)| name.contains("-linux-") && !name.contains('/'))
        };
        let common = |text: &str| ["/lib/security", "/usr/lib/security"].contains(&text);
        match strings.clone().any(of_architecture) && strings.any(common) {
            true => Self::Debian,
            false => Self::Original,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_libpam_is_known_by_its_folders() {
        for (strings, expected) in [
            // Debian 12 and 13.
            ("\0/lib/security\0$ISA\0/lib/x86_64-linux-gnu/security/\0", Libpam::Debian),
            ("\0/usr/lib/aarch64-linux-gnu/security/\0x\0/usr/lib/security\0", Libpam::Debian),
            // Fedora, Arch, Alpine, NixOS, and a libpam of no distribution in Debian's folders.
            ("\0/usr/lib64/security/\0$ISA\0", Libpam::Original),
            ("\0/usr/lib/security/\0../lib/security\0", Libpam::Original),
            ("\0/lib/security/\0", Libpam::Original),
            ("\0/nix/store/x-linux-pam-1.6.1/lib/security/\0", Libpam::Original),
            ("\0/usr/lib/x86_64-linux-gnu/security/\0$ISA\0", Libpam::Original),
        ] {
            assert_eq!(Libpam::of(strings), expected, "{strings:?}");
        }
    }
}
