//! Possible answers of each module, as far as they are known from outside.
use crate::pam::code::PamCode;

/// How a module's answer comes about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Nature {
    /// Always the same.
    Fixed(PamCode),
    /// Depends on the account, the caller or the time; success proves no identity.
    Condition,
    /// Asks for a password or another secret of the user; the name distinguishes it from others.
    Proof(String),
    /// Checks another second factor.
    Second(Second),
}

/// A module that checks a second factor: its success does not replace a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Second {
    /// Name of its file.
    pub name: String,
    /// What it asks for.
    pub asks: Asks,
    /// Its answer for an account that it does not know.
    pub unknown: PamCode,
}

/// What a module of a second factor asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    /// A code, like ours; one app may generate the codes for both.
    Code,
    /// Another thing that the user owns.
    Thing,
}

/// Modules that ask for a code of an app or a list.
const CODES: [&str; 4] = ["pam_google_authenticator", "pam_oath", "pam_otpw", "pam_totp"];

/// Modules that ask for a device or call a telephone.
const THINGS: [&str; 4] = ["pam_duo", "pam_yubico", "pam_u2f", "pam_fido2"];

/// Arguments with which such a module accepts or ignores an account that it does not know.
const LENIENT: [&str; 2] = ["nullok", "nouserok"];

fn second(file: &str, args: &[String]) -> Option<Second> {
    let bare = file.strip_suffix(".so").unwrap_or(file);
    let asks = match (CODES.contains(&bare), THINGS.contains(&bare)) {
        (true, _) => Asks::Code,
        (false, true) => Asks::Thing,
        (false, false) => return None,
    };
    let lenient = args.iter().any(|arg| LENIENT.contains(&arg.as_str()));
    let unknown = if lenient { PamCode::IGNORE } else { PamCode::USER_UNKNOWN };
    Some(Second { name: file.to_owned(), asks, unknown })
}

/// Returns the nature of a module by its file name and arguments.
#[must_use]
pub fn nature(path: &str, args: &[String]) -> Nature {
    let file = file_name(path);
    match file.strip_suffix(".so").unwrap_or(file) {
        "pam_permit" | "pam_faildelay" => Nature::Fixed(PamCode::SUCCESS),
        "pam_deny" => Nature::Fixed(PamCode::AUTH_ERR),
        "pam_debug" => Nature::Fixed(debug_answer(args)),
        "pam_faillock" | "pam_tally2" => Nature::Fixed(counter_answer(args)),
        "pam_env" | "pam_warn" | "pam_echo" | "pam_issue" | "pam_group" | "pam_nologin"
        | "pam_sepermit" | "pam_keyinit" | "pam_mount" => Nature::Fixed(PamCode::IGNORE),
        "pam_succeed_if" | "pam_usertype" | "pam_localuser" | "pam_listfile" | "pam_access"
        | "pam_time" | "pam_wheel" | "pam_rootok" | "pam_exec" | "pam_shells" | "pam_securetty"
        | "pam_rhosts" | "pam_cap" | "pam_gnome_keyring" | "pam_kwallet5" | "pam_kwallet"
        | "pam_ecryptfs" | "pam_selinux" | "pam_stress" | "pam_script" => Nature::Condition,
        _ => second(file, args).map_or_else(|| Nature::Proof(file.to_owned()), Nature::Second),
    }
}

/// Returns the last part of a path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the code of `auth=CODE`; the first such argument counts.
fn debug_answer(args: &[String]) -> PamCode {
    args.iter()
        .find_map(|arg| arg.strip_prefix("auth="))
        .and_then(PamCode::from_name)
        .unwrap_or(PamCode::SUCCESS)
}

/// Returns the answer of a counting module: counting a failure has no result, the other calls succeed unless the user
/// is locked out.
fn counter_answer(args: &[String]) -> PamCode {
    if args.iter().any(|arg| arg == "authfail") {
        return PamCode::IGNORE;
    }
    PamCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Nature {
        let mut words = line.split(' ').map(str::to_owned);
        let path = words.next().unwrap();
        nature(&path, &words.collect::<Vec<_>>())
    }

    #[test]
    fn known_modules() {
        assert_eq!(of("pam_permit.so"), Nature::Fixed(PamCode::SUCCESS));
        assert_eq!(of("/lib/security/pam_deny.so"), Nature::Fixed(PamCode::AUTH_ERR));
        assert_eq!(
            of("pam_debug.so cred=abort auth=maxtries auth=abort"),
            Nature::Fixed(PamCode::from_name("maxtries").unwrap())
        );
        assert_eq!(of("pam_debug.so auth=nonsense"), Nature::Fixed(PamCode::SUCCESS));
        assert_eq!(of("pam_faillock.so preauth silent"), Nature::Fixed(PamCode::SUCCESS));
        assert_eq!(of("pam_faillock.so authfail"), Nature::Fixed(PamCode::IGNORE));
        assert_eq!(of("pam_succeed_if.so uid >= 1000"), Nature::Condition);
    }

    #[test]
    fn a_second_factor_is_no_password() {
        for (line, asks, unknown) in [
            ("pam_google_authenticator.so nullok", Asks::Code, PamCode::IGNORE),
            ("/usr/lib/security/pam_oath.so window=5", Asks::Code, PamCode::USER_UNKNOWN),
            ("pam_u2f.so nouserok cue", Asks::Thing, PamCode::IGNORE),
            ("pam_duo.so", Asks::Thing, PamCode::USER_UNKNOWN),
        ] {
            let Nature::Second(second) = of(line) else { panic!("{line}") };
            assert_eq!((second.asks, second.unknown), (asks, unknown), "{line}");
        }
    }

    #[test]
    fn a_module_that_nobody_knows_may_prove_something() {
        assert_eq!(of("pam_house.so"), Nature::Proof("pam_house.so".to_owned()));
    }
}
