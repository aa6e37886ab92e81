//! Arguments of pam_google_authenticator and pam_oath that are not supported, each with its replacement.

/// Returns a sentence that says what to write in place of an argument of another module; `None` for any other word.
#[must_use]
pub fn instead(argument: &str) -> Option<&'static str> {
    let name = argument.split('=').next().unwrap_or_default();
    Some(match (name, argument.contains('=')) {
        ("secret", true) => {
            "secret= is of pam_google_authenticator; take it out: keys are in the records folder, not in homes, and \
             twinlock import puts them there"
        }
        ("usersfile", true) => {
            "usersfile= is of pam_oath; take it out: keys are in the records folder, and twinlock import puts them there"
        }
        ("user", true) => {
            "user= is of pam_google_authenticator; take it out: records belong to root and are read as root"
        }
        ("allowed_perm", true) => {
            "allowed_perm= is of pam_google_authenticator; take it out: records are open to root alone"
        }
        ("no_strict_owner", false) => {
            "no_strict_owner is of pam_google_authenticator; take it out: records belong to root alone"
        }
        ("grace_period", true) => {
            "grace_period= is of pam_google_authenticator; take it out: where no code is to be asked for, write a [[rule]] \
             with a network into twinlock.toml"
        }
        ("allow_readonly", false) => {
            "allow_readonly is of pam_google_authenticator; take it out: used codes are kept on a tmpfs, so that a disk that \
             is full or read-only stops nobody"
        }
        ("digits", true) => {
            "digits= is of pam_oath; take it out: each record says how long its codes are"
        }
        ("window", true) => "window= is of pam_oath; write window = 1 into twinlock.toml instead",
        ("alwaysok", false) => {
            "alwaysok is of pam_oath; take it out: it would let everybody in; to try codes out write twinlock verify USER"
        }
        _ => return None,
    })
}
