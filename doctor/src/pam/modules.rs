//! Known PAM modules: which codes each can return from `auth`, and whether a success proves a factor.
use crate::pam::code::PamCode;

/// What a module's return code depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Nature {
    /// The return code depends on nothing: the module always returns this one.
    Fixed(PamCode),
    /// The return code depends on the account, the caller, the time or files. The module returns one of these codes,
    /// usually the first, and none of them proves a factor.
    Condition(&'static [PamCode]),
    /// The return code depends on a password or another secret of the user. A success proves this factor. The text is
    /// the file name of the module.
    Proof(String),
    /// The return code depends on a second factor other than twinlock's.
    Second(Second),
    /// A module that is not known: it may return any code, and a success proves no factor.
    Unknown,
}

/// A module that checks a second factor other than twinlock's. Its success does not replace a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Second {
    /// File name of the module.
    pub name: String,
    /// What the module asks the user for.
    pub asks: ModuleAsks,
    /// The module's return code for an account that it does not know.
    pub unknown: PamCode,
}

/// What a module of a second factor asks the user for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModuleAsks {
    /// A code, as twinlock asks for. The user may have both codes from the same app and key.
    Code,
    /// A device, such as a security key or a telephone.
    Thing,
}

/// Modules that ask for a code from an app or from a printed list.
const CODES: [&str; 4] = ["pam_google_authenticator", "pam_oath", "pam_otpw", "pam_totp"];

/// Modules that ask for a device or call a telephone.
const THINGS: [&str; 4] = ["pam_duo", "pam_yubico", "pam_u2f", "pam_fido2"];

/// Modules that ask for a secret of the user.
const PROOFS: [&str; 16] = [
    "pam_unix",
    "pam_sss",
    "pam_winbind",
    "pam_krb5",
    "pam_ldap",
    "pam_tcb",
    "pam_pwdfile",
    "pam_userdb",
    "pam_radius_auth",
    "pam_systemd_home",
    "pam_heimdal",
    "pam_sss_gss",
    "pam_fprintd",
    "pam_pkcs11",
    "pam_p11",
    "pam_ssh_agent_auth",
];

/// Modules without an authentication function. libpam returns `module_unknown` for auth lines that name them.
const NO_AUTH: [&str; 21] = [
    "pam_time",
    "pam_motd",
    "pam_limits",
    "pam_loginuid",
    "pam_mkhomedir",
    "pam_namespace",
    "pam_pwhistory",
    "pam_setquota",
    "pam_systemd",
    "pam_tty_audit",
    "pam_umask",
    "pam_xauth",
    "pam_cracklib",
    "pam_pwquality",
    "pam_passwdqc",
    "pam_elogind",
    "pam_ck_connector",
    "pam_oddjob_mkhomedir",
    "pam_lastlog2",
    "pam_canonicalize_user",
    "pam_cgroup",
];

/// Arguments with which a module of another second factor returns `ignore` for an account that it does not know.
const LENIENT: [&str; 2] = ["nullok", "nouserok"];

/// Starts of arguments with which a module that asks for a password returns `ignore` in place of a failure.
const IGNORING: [&str; 4] =
    ["ignore_unknown_user", "ignore_authinfo_unavail", "ignore_root", "minimum_uid="];

type PamCodes = &'static [PamCode];

/// Return codes of a module that tests the account. The first is the usual code. It says that the account does not pass
/// the test.
const MATCHES: PamCodes =
    &[PamCode::AUTH_ERR, PamCode::SUCCESS, PamCode::USER_UNKNOWN, PamCode::SERVICE_ERR];
/// Return codes of a module that tests the account and whose usual refusal is `PERM_DENIED`.
const PERMITS: PamCodes = &[
    PamCode::PERM_DENIED,
    PamCode::SUCCESS,
    PamCode::AUTH_ERR,
    PamCode::USER_UNKNOWN,
    PamCode::SERVICE_ERR,
    PamCode::ABORT,
];
const WHEEL: PamCodes = &[
    PamCode::PERM_DENIED,
    PamCode::IGNORE,
    PamCode::SUCCESS,
    PamCode::USER_UNKNOWN,
    PamCode::SERVICE_ERR,
];
const ECHO: PamCodes = &[PamCode::SUCCESS, PamCode::IGNORE, PamCode::CONV_ERR];
const LASTLOG: PamCodes =
    &[PamCode::SUCCESS, PamCode::AUTH_ERR, PamCode::USER_UNKNOWN, PamCode::SERVICE_ERR];
const NOLOGIN: PamCodes =
    &[PamCode::IGNORE, PamCode::SUCCESS, PamCode::AUTH_ERR, PamCode::USER_UNKNOWN];
const TERMINAL: PamCodes =
    &[PamCode::SUCCESS, PamCode::AUTH_ERR, PamCode::USER_UNKNOWN, PamCode::SERVICE_ERR];
const CHECKED: PamCodes = &[PamCode::SUCCESS, PamCode::AUTH_ERR, PamCode::IGNORE];
const COUNTED: PamCodes = &[PamCode::IGNORE, PamCode::AUTH_ERR];
const TALLIED: PamCodes =
    &[PamCode::SUCCESS, PamCode::AUTH_ERR, PamCode::IGNORE, PamCode::USER_UNKNOWN];
const SEPERMIT: PamCodes = &[PamCode::IGNORE, PamCode::AUTH_ERR, PamCode::SUCCESS];
const CAPABILITY: PamCodes = &[PamCode::IGNORE, PamCode::SUCCESS, PamCode::AUTH_ERR];
const KEYRING: PamCodes =
    &[PamCode::IGNORE, PamCode::SUCCESS, PamCode::SERVICE_ERR, PamCode::AUTH_ERR];
const FTP: PamCodes = &[PamCode::AUTH_ERR, PamCode::SUCCESS, PamCode::USER_UNKNOWN];

fn second(file: &str, args: &[String]) -> Option<Second> {
    let bare = file.strip_suffix(".so").unwrap_or(file);
    let asks = match (CODES.contains(&bare), THINGS.contains(&bare)) {
        (true, _) => ModuleAsks::Code,
        (false, true) => ModuleAsks::Thing,
        (false, false) => return None,
    };
    let lenient = args.iter().any(|arg| LENIENT.contains(&arg.as_str()));
    let unknown = if lenient { PamCode::IGNORE } else { PamCode::USER_UNKNOWN };
    Some(Second { name: file.to_owned(), asks, unknown })
}

/// Returns why libpam cannot call the module of an auth line: it has no authentication function, or its file is
/// missing. The text is a clause without a full stop.
#[must_use]
pub fn why_not_called(path: &str) -> String {
    let file = file_name(path);
    match NO_AUTH.contains(&file.strip_suffix(".so").unwrap_or(file)) {
        true => format!("{file} has no auth function"),
        false => format!("the file of {file} is missing"),
    }
}

/// Returns what the return code of the module `path` with the arguments `args` depends on.
#[must_use]
pub fn nature(path: &str, args: &[String]) -> Nature {
    let file = file_name(path);
    let bare = file.strip_suffix(".so").unwrap_or(file);
    match bare {
        "pam_permit" => Nature::Fixed(PamCode::SUCCESS),
        "pam_deny" => Nature::Fixed(PamCode::AUTH_ERR),
        "pam_debug" => Nature::Fixed(debug_answer(args)),
        "pam_env" | "pam_faildelay" | "pam_group" | "pam_issue" | "pam_keyinit" | "pam_mail"
        | "pam_warn" => Nature::Fixed(PamCode::IGNORE),
        // pam_ssh_add keeps the password for the ssh agent of the session, and verifies nothing.
        "pam_ssh_add" => Nature::Fixed(PamCode::CRED_INSUFFICIENT),
        _ if NO_AUTH.contains(&bare) => Nature::Fixed(PamCode::MODULE_UNKNOWN),
        _ if PROOFS.contains(&bare) => Nature::Proof(file.to_owned()),
        _ => condition(bare, args)
            .map(Nature::Condition)
            .or_else(|| second(file, args).map(Nature::Second))
            .unwrap_or(Nature::Unknown),
    }
}

/// Returns the possible return codes of a module that tests the account, the caller, the time or a file; `None` for
/// other modules. `bare` is the module's file name without `.so`.
fn condition(bare: &str, args: &[String]) -> Option<PamCodes> {
    Some(match bare {
        "pam_succeed_if" | "pam_listfile" | "pam_rhosts" | "pam_selinux" | "pam_timestamp" => {
            MATCHES
        }
        "pam_usertype" | "pam_localuser" | "pam_access" | "pam_rootok" => PERMITS,
        "pam_wheel" => WHEEL,
        "pam_echo" => ECHO,
        "pam_lastlog" => LASTLOG,
        "pam_nologin" => NOLOGIN,
        "pam_securetty" => TERMINAL,
        "pam_shells" => CHECKED,
        "pam_sepermit" => SEPERMIT,
        "pam_faillock" if args.iter().any(|arg| arg == "authfail") => COUNTED,
        "pam_faillock" => CHECKED,
        "pam_tally2" | "pam_tally" => TALLIED,
        "pam_cap" => CAPABILITY,
        "pam_gnome_keyring" | "pam_kwallet5" | "pam_kwallet" | "pam_ecryptfs" => KEYRING,
        "pam_ftp" => FTP,
        _ => return None,
    })
}

/// Reports whether the module `path`, which asks for a password, returns `ignore` for some accounts in place of a
/// refusal.
#[must_use]
pub fn ignores_some(path: &str, args: &[String]) -> bool {
    let kerberos = file_name(path).starts_with("pam_krb5");
    kerberos || args.iter().any(|arg| IGNORING.iter().any(|word| arg.starts_with(word)))
}

/// Returns the text after the last slash of a path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the return code of pam_debug: the code of its first argument `auth=CODE`, or success if it has no such
/// argument.
fn debug_answer(args: &[String]) -> PamCode {
    args.iter()
        .find_map(|arg| arg.strip_prefix("auth="))
        .and_then(PamCode::from_name)
        .unwrap_or(PamCode::SUCCESS)
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
        assert_eq!(of("pam_faillock.so preauth silent"), Nature::Condition(CHECKED));
        assert_eq!(of("pam_faillock.so authfail"), Nature::Condition(COUNTED));
        assert_eq!(of("pam_succeed_if.so uid >= 1000"), Nature::Condition(MATCHES));
        assert_eq!(of("pam_mail.so"), Nature::Fixed(PamCode::IGNORE));
        assert_eq!(of("pam_ssh_add.so"), Nature::Fixed(PamCode::CRED_INSUFFICIENT));
        assert_eq!(of("pam_time.so"), Nature::Fixed(PamCode::MODULE_UNKNOWN));
        assert_eq!(of("pam_sss.so"), Nature::Proof("pam_sss.so".to_owned()));
    }

    #[test]
    fn a_second_factor_is_no_password() {
        for (line, asks, unknown) in [
            ("pam_google_authenticator.so nullok", ModuleAsks::Code, PamCode::IGNORE),
            ("/usr/lib/security/pam_oath.so window=5", ModuleAsks::Code, PamCode::USER_UNKNOWN),
            ("pam_u2f.so nouserok cue", ModuleAsks::Thing, PamCode::IGNORE),
            ("pam_duo.so", ModuleAsks::Thing, PamCode::USER_UNKNOWN),
        ] {
            let Nature::Second(second) = of(line) else { panic!("{line}") };
            assert_eq!((second.asks, second.unknown), (asks, unknown), "{line}");
        }
    }

    #[test]
    fn a_module_outside_the_model_proves_nothing() {
        for line in ["pam_house.so", "pam_exec.so /usr/local/bin/check", "pam_python.so x.py"] {
            assert_eq!(of(line), Nature::Unknown, "{line}");
        }
    }
}
