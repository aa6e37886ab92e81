//! Auth lines, control fields and arguments, as administrators post them on the web. The grammar in `grammar.rs`
//! composes PAM stacks from them.

use super::people::Fact;
use crate::numbers::Numbers;

/// A line that succeeds for some accounts or connections.
pub(super) struct Condition {
    /// The module and its arguments, as text of a PAM line.
    pub(super) text: &'static str,
    /// The accounts or connections for which the module succeeds.
    pub(super) holds: Fact,
    /// The return code of the module for all other accounts and connections.
    pub(super) otherwise: &'static str,
}

const fn condition(text: &'static str, holds: Fact, otherwise: &'static str) -> Condition {
    Condition { text, holds, otherwise }
}

/// Modules that only restrict or distinguish: none of them proves a factor.
pub(super) const CONDITIONS: [Condition; 16] = [
    condition("pam_succeed_if.so quiet user ingroup people", Fact::Member(0), "auth_err"),
    condition("pam_succeed_if.so quiet user ingroup crew", Fact::Member(1), "auth_err"),
    condition("pam_succeed_if.so user notingroup people", Fact::Stranger(0), "auth_err"),
    condition("pam_succeed_if.so uid >= 1000", Fact::Regular, "auth_err"),
    condition("pam_succeed_if.so user in ada:bob:eve", Fact::Member(0), "auth_err"),
    condition("pam_succeed_if.so user = ada", Fact::Ada, "auth_err"),
    condition("pam_succeed_if.so rhost = 203.0.113.7", Fact::FromAfar, "auth_err"),
    condition(
        "pam_listfile.so item=user sense=allow file=/etc/ssh/crew onerr=fail",
        Fact::Member(1),
        "auth_err",
    ),
    condition(
        "pam_listfile.so item=user sense=deny file=/etc/ssh/people onerr=succeed",
        Fact::Stranger(0),
        "auth_err",
    ),
    condition("pam_access.so accessfile=/etc/security/people.conf", Fact::Member(0), "perm_denied"),
    condition("pam_access.so", Fact::Always, "perm_denied"),
    condition("pam_localuser.so", Fact::Always, "perm_denied"),
    condition("pam_usertype.so isregular", Fact::Regular, "auth_err"),
    condition("pam_shells.so", Fact::Shell, "auth_err"),
    condition("pam_lastlog.so", Fact::Always, "auth_err"),
    condition("pam_rootok.so", Fact::Always, "perm_denied"),
];

/// Lines that change nothing in an ordinary login, whatever their names suggest.
pub(super) const INERT: [&str; 12] = [
    "auth required pam_env.so",
    "auth required pam_mail.so",
    "auth optional pam_echo.so Welcome",
    "auth optional pam_faildelay.so delay=1000",
    "auth required pam_faildelay.so delay=1000",
    "auth optional pam_lastlog.so",
    "auth required pam_nologin.so",
    "auth requisite pam_nologin.so",
    "auth optional pam_warn.so",
    "auth optional pam_group.so",
    "auth optional pam_time.so",
    "auth required pam_faillock.so preauth silent",
];

/// Lines that refuse every login.
pub(super) const REFUSING: [&str; 6] = [
    "auth required pam_time.so",
    "auth requisite pam_deny.so",
    "auth required pam_debug.so auth=user_unknown",
    "auth required pam_limits.so",
    "auth required pam_twinlok.so first_factor=stack",
    "auth requisite pam_motd.so",
];

/// Lines that can end the stack successfully, so that no later line asks for anything.
pub(super) const OPENING: [&str; 6] = [
    "auth sufficient pam_permit.so",
    "auth sufficient pam_unix.so nodelay",
    "auth [success=done default=ignore] pam_rootok.so",
    "auth sufficient pam_debug.so auth=success",
    "auth sufficient pam_echo.so Welcome",
    "auth sufficient pam_lastlog.so",
];

/// Control fields of PAM lines, as keywords and in brackets.
pub(super) const CONTROLS: [&str; 18] = [
    "required",
    "required",
    "requisite",
    "sufficient",
    "optional",
    "[success=1 default=ignore]",
    "[success=2 default=ignore]",
    "[success=1 default=bad]",
    "[default=1 success=ignore]",
    "[success=ok default=die]",
    "[success=ok ignore=ignore default=bad]",
    "[success=done default=ignore]",
    "[success=done new_authtok_reqd=done default=die]",
    "[success=ok authinfo_unavail=ignore default=die]",
    "[success=ok user_unknown=ignore auth_err=bad default=ignore]",
    "[default=ignore]",
    "[default=reset]",
    "[success=3 default=die]",
];

/// Control fields for a line that tests the account or the connection and is inserted before other lines.
pub(super) const GUARDS: [&str; 7] = [
    "required",
    "requisite",
    "required",
    "requisite",
    "[success=ok default=die]",
    "optional",
    "[default=ignore]",
];

/// Further arguments of a twinlock line.
pub(super) const ARGUMENTS: [&str; 8] = [
    "echo",
    "tries=1",
    "debug",
    "code_only",
    "noskewadj",
    "prompt=Verification_code:",
    "try_first_pass",
    "nullok",
];

/// Mistakes in the arguments of a twinlock line.
pub(super) const MISTAKES: [&str; 5] = [
    "first_factor=publickey nulok",
    "first_factor=pubkey",
    "secret=/etc/keys",
    "first_factor=stack\r",
    "first_factor=stack\u{a0}nullok",
];

/// Arguments by which a twinlock line says how the first factor is proven.
pub(super) const CLAIMS: [&str; 6] = [
    "first_factor=publickey",
    "first_factor=stack",
    "first_factor=follows",
    "first_factor=failed",
    "probe=publickey",
    "first_factor=follows forward_pass",
];

/// Returns an auth line with this control field and a random module that tests the account or the connection.
pub(super) fn guard(numbers: &mut Numbers, control: &str) -> String {
    let text = CONDITIONS[numbers.below(CONDITIONS.len())].text;
    format!("auth {control} {text}")
}

/// Returns a random auth line for a PAM file.
pub(super) fn any(numbers: &mut Numbers) -> String {
    let control = numbers.one_of(&CONTROLS);
    match numbers.below(12) {
        0..=2 => guard(numbers, control),
        3..=5 => format!("auth {control} pam_twinlock.so {}", numbers.one_of(&CLAIMS)),
        6..=7 => format!("auth {control} pam_unix.so nodelay"),
        8 => numbers.one_of(&INERT).to_owned(),
        9 => format!("auth {control} pam_permit.so"),
        10 => format!("auth {control} pam_deny.so"),
        _ => numbers
            .one_of(&[
                "@include common-auth",
                "auth substack common-auth",
                "auth include common-auth",
            ])
            .to_owned(),
    }
}

/// Replaces the control field of an auth line; other lines stay.
pub(super) fn with_control(line: &str, control: &str) -> String {
    match parts(line) {
        Some((_, rest)) => format!("auth {control} {rest}"),
        None => line.to_owned(),
    }
}

/// Returns the control field and the rest of an auth line; `None` for another line.
pub(super) fn parts(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("auth ")?;
    match rest.strip_prefix('[') {
        Some(inside) => {
            let (_, after) = inside.split_once("] ")?;
            Some((rest.get(..rest.len() - after.len() - 1)?, after))
        }
        None => rest.split_once(' '),
    }
}
