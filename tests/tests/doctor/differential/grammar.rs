//! The grammar that generates wirings: a PAM stack with suitable settings of sshd, and random changes to them, as
//! administrators make them.
//!
//! doctor once gave wrong verdicts on some kinds of configurations. This table names, for each of these kinds, the
//! function or constant that generates it (the production):
//!
//! | what was found | production |
//! |---|---|
//! | lists with `password` and prompts, late keys, bsdauth | `servers::HOPELESS` |
//! | a method off in one Match, Match by primary group, negated and split addresses, `User ?*`, LocalPort | `servers::block` |
//! | Kerberos | `changes::kerberos` |
//! | empty passwords | `changes::empty_password` |
//! | SSHD_OPTS, a second sshd | `changes::options`, `bypasses::second_file` |
//! | more than four conditions | `changes::conditions` |
//! | restricting modules beside a weak twinlock line | `changes::weak_ours`, `lines::guard` |
//! | lastlog, mail, echo, time, faildelay | `lines::INERT`, `lines::REFUSING`, `lines::OPENING` |
//! | `not_enrolled`, remind and exempt rules | `changes::settings` |
//! | a `config=` file with any of these | `bypasses::other_settings` |
//! | one field by the password method | the form with `forward_pass` |
//! | guards after twinlock's line, jumps | the form with a guard, `changes::control` |
//! | carriage returns, no-break spaces | `lines::MISTAKES` |
//!
//! Ways to become root without ssh, remedies, and texts of doctor do not concern a login by ssh, and have their own
//! tests.

use super::bypasses::{
    alternative, blank_for_comma, either, exception, ignored_code, included, other_facility,
    other_settings, overruled, quietly_missing, red_hat, second_file,
};
use super::changes::{
    Change, any_line, argument, claim, conditions, control, delete, duplicate, empty_password,
    hopeless, idle_block, inert, kerberos, let_in_block, mistake, opening, options, refusing,
    restriction, settings, shut_out_block, sufficient, swap, unknown, weak_ours, wide,
    without_ours,
};
use super::servers::{BOTH, DEVICE, FIELD, KEYS, PORTS, PROMPTS, TWO_WAYS};
use super::wiring::Wiring;
use crate::numbers::Numbers;

/// A PAM stack and the settings of sshd that suit it.
struct Form {
    auth: &'static [&'static str],
    sshd: &'static [&'static str],
}

const KEY: Form =
    Form { auth: &["auth required pam_twinlock.so first_factor=publickey"], sshd: &KEYS };
const PASSWORD: &[&str] =
    &["@include common-auth", "auth required pam_twinlock.so first_factor=stack"];
const SHIPPED: &[&str] = &[
    "auth [success=2 default=ignore] pam_unix.so nodelay",
    "auth [default=die] pam_twinlock.so first_factor=failed",
    "auth requisite pam_deny.so",
    "auth required pam_permit.so",
    "auth requisite pam_twinlock.so first_factor=stack",
];

const FORMS: [Form; 12] = [
    KEY,
    KEY,
    Form { auth: PASSWORD, sshd: &PROMPTS },
    Form { auth: PASSWORD, sshd: &PROMPTS },
    Form { auth: PASSWORD, sshd: &TWO_WAYS },
    Form { auth: SHIPPED, sshd: &PROMPTS },
    Form { auth: SHIPPED, sshd: &KEYS },
    Form {
        auth: &[
            "auth [success=3 default=ignore] pam_twinlock.so probe=publickey",
            "auth [success=2 default=ignore] pam_unix.so nodelay",
            "auth [default=die] pam_twinlock.so first_factor=failed",
            "auth requisite pam_deny.so",
            "auth required pam_permit.so",
            "auth requisite pam_twinlock.so first_factor=stack",
        ],
        sshd: &BOTH,
    },
    Form {
        auth: &[
            "auth required pam_twinlock.so first_factor=follows forward_pass",
            "auth required pam_unix.so nodelay use_first_pass",
        ],
        sshd: &FIELD,
    },
    Form {
        auth: &[
            "@include common-auth",
            "auth [success=1 default=ignore] pam_twinlock.so first_factor=stack",
            "auth requisite pam_deny.so",
            "auth required pam_permit.so",
        ],
        sshd: &PROMPTS,
    },
    Form {
        auth: &["auth substack common-auth", "auth required pam_twinlock.so first_factor=stack"],
        sshd: &PROMPTS,
    },
    Form {
        auth: &[
            "auth required pam_twinlock.so first_factor=follows",
            "auth required pam_unix.so nodelay",
        ],
        sshd: &PROMPTS,
    },
];

/// Changes of the PAM stack or of sshd's settings after which the logins are protected as well as before.
const MILD: [Change; 7] =
    [inert, inert, restriction, restriction, idle_block, argument, conditions];
/// Changes after which users mostly get in without a code.
const OPEN: [Change; 30] = [
    exception,
    exception,
    exception,
    either,
    either,
    alternative,
    alternative,
    red_hat,
    other_facility,
    quietly_missing,
    ignored_code,
    overruled,
    blank_for_comma,
    second_file,
    included,
    opening,
    sufficient,
    sufficient,
    weak_ours,
    weak_ours,
    without_ours,
    let_in_block,
    let_in_block,
    let_in_block,
    wide,
    settings,
    settings,
    other_settings,
    options,
    empty_password,
];
/// Changes that mostly lock out users.
const SHUT: [Change; 8] =
    [refusing, mistake, claim, hopeless, hopeless, hopeless, shut_out_block, delete];
/// Changes that may let users in without a code, lock out users, or do neither.
const WILD: [Change; 12] = [
    control, control, control, delete, duplicate, swap, any_line, any_line, sufficient, claim,
    kerberos, unknown,
];

/// Composes the wiring (PAM stack and settings of a host) that belongs to the seed.
pub(super) fn wiring(seed: u64) -> Wiring {
    let mut numbers = Numbers::of(seed);
    let form = &FORMS[numbers.below(FORMS.len())];
    let mut made = Wiring {
        seed,
        sshd: numbers.one_of(form.sshd).to_owned(),
        auth: form.auth.iter().map(|line| (*line).to_owned()).collect(),
        ..Wiring::default()
    };
    // Percentages, chosen so that each outcome is frequent enough.
    let kinds: &[&[Change]] = match numbers.below(100) {
        0..=24 => &[],
        25..=56 => &[&OPEN],
        57..=82 => &[&SHUT],
        83..=89 => &[&WILD, &WILD],
        90..=95 => &[&OPEN, &SHUT],
        _ => &[&WILD, &WILD, &WILD, &OPEN],
    };
    for kind in kinds {
        numbers.one_of(kind)(&mut made, &mut numbers);
    }
    for _ in 0..numbers.below(3) {
        numbers.one_of(&MILD)(&mut made, &mut numbers);
    }
    if !made.second.is_empty() {
        // Only one sshd can listen on port 2222.
        made.sshd = made.sshd.replace(PORTS, "").replace(DEVICE, "");
    }
    if made.auth.is_empty() {
        made.auth.push("auth required pam_unix.so nodelay".to_owned());
    }
    made
}
