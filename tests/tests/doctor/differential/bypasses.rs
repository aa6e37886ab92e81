//! Changes to a wiring (the files that decide the logins of a host) by which administrators let users in without a
//! code: exceptions, alternatives to the code, and files that win over others.

use super::lines::{guard, with_control};
use super::servers::{KEYS, LETTING_IN, PROMPTS, WIDE, criteria};
use super::wiring::{INCLUDED, OTHER_SETTINGS, SECOND_FILE, Wiring};
use crate::numbers::Numbers;

/// Settings of twinlock with which some users need no code.
pub(super) const SETTINGS: [&str; 11] = [
    "not_enrolled = \"allow\"\n",
    "not_enrolled = \"remind\"\n",
    "not_enrolled = \"enroll\"\n",
    "[[rule]]\ngroup = \"people\"\naction = \"exempt\"\n",
    "[[rule]]\nuser = \"fay\"\naction = \"exempt\"\n",
    "[[rule]]\nservice = \"sshd\"\naction = \"exempt\"\n",
    "[[rule]]\nservice = \"sudo\"\naction = \"exempt\"\n",
    "[[rule]]\ngroup = \"crew\"\naction = \"remind\"\n",
    "[[rule]]\ngroup = \"people\"\naction = \"exempt\"\nuntil = 2020-01-31\n",
    "[[rule]]\nuser = \"eve\"\naction = \"require\"\n\n[[rule]]\ngroup = \"people\"\naction = \"exempt\"\n",
    "[[rule]]\nnetwork = \"203.0.113.0/24\"\naction = \"exempt\"\n",
];

/// Lines that accept a password in place of the code.
const PASSWORDS: [&str; 4] = [
    "auth sufficient pam_unix.so nodelay",
    "auth sufficient pam_unix.so nodelay try_first_pass",
    "auth [success=done new_authtok_reqd=done default=ignore] pam_unix.so nodelay",
    "auth [success=1 default=ignore] pam_unix.so nodelay",
];

/// Whole stacks in which the code is one of several alternatives, or is skipped after a correct password.
const ALTERNATIVES: [&[&str]; 6] = [
    // As pam-auth-update writes a profile of the type Primary.
    &[
        "auth [success=2 default=ignore] pam_unix.so nodelay",
        "auth [success=1 default=ignore] pam_twinlock.so first_factor=follows",
        "auth requisite pam_deny.so",
        "auth required pam_permit.so",
    ],
    // The jump of the password line is one line too long.
    &[
        "auth [success=2 default=ignore] pam_unix.so nodelay",
        "auth requisite pam_deny.so",
        "auth required pam_twinlock.so first_factor=stack",
        "auth required pam_permit.so",
    ],
    // As Red Hat's files try one source of passwords after another.
    &[
        "auth required pam_env.so",
        "auth sufficient pam_unix.so nodelay",
        "auth sufficient pam_twinlock.so first_factor=failed",
        "auth required pam_deny.so",
    ],
    &["auth required pam_twinlock.so first_factor=follows", "auth sufficient pam_unix.so nodelay"],
    &[
        "auth [success=1 default=ignore] pam_succeed_if.so user notingroup crew",
        "auth required pam_twinlock.so first_factor=follows",
        "auth required pam_unix.so nodelay",
    ],
    &[
        "auth [success=done default=ignore] pam_access.so accessfile=/etc/security/people.conf",
        "@include common-auth",
        "auth required pam_twinlock.so first_factor=stack",
    ],
];

/// Settings that win over later ones, because sshd uses the first value of each setting.
const FIRST: [&str; 6] = [
    "AuthenticationMethods publickey\n",
    "AuthenticationMethods any\n",
    "AuthenticationMethods publickey keyboard-interactive\n",
    "AuthenticationMethods any\nUsePAM no\n",
    "PasswordAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive password publickey\n",
    "PubkeyAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive publickey\n",
];

/// Inserts a line that tests the account, and skips the twinlock line for some users. Instructions for exceptions tell
/// administrators to write such lines.
pub(super) fn exception(made: &mut Wiring, numbers: &mut Numbers) {
    let control = numbers.one_of(&[
        "[success=1 default=ignore]",
        "[success=done default=ignore]",
        "sufficient",
        "[success=ignore default=1]",
    ]);
    let line = guard(numbers, control);
    before_ours(made, line);
}

/// Inserts a password line before the twinlock line. The password line lets users in with the password in place of the
/// code.
pub(super) fn either(made: &mut Wiring, numbers: &mut Numbers) {
    before_ours(made, numbers.one_of(&PASSWORDS).to_owned());
}

/// Replaces the stack by one in which the code is an alternative.
pub(super) fn alternative(made: &mut Wiring, numbers: &mut Numbers) {
    made.auth = numbers.one_of(&ALTERNATIVES).iter().map(|line| (*line).to_owned()).collect();
}

/// Takes the password lines from a file like Red Hat's password-auth. The `sufficient` line of this file ends the
/// whole stack if the file is included, but only the file itself if the file is a substack.
pub(super) fn red_hat(made: &mut Wiring, numbers: &mut Numbers) {
    let line = numbers.one_of(&[
        "auth include password-auth",
        "auth include password-auth",
        "auth substack password-auth",
        "@include password-auth",
    ]);
    match made.auth.iter_mut().find(|line| line.contains("common-auth")) {
        Some(old) => line.clone_into(old),
        None => before_ours(made, line.to_owned()),
    }
}

/// Changes the type of the twinlock line from auth to another type, or makes the line a comment.
pub(super) fn other_facility(made: &mut Wiring, numbers: &mut Numbers) {
    let facility = numbers.one_of(&["account", "session", "password", "#auth"]);
    if let Some(line) = made.ours() {
        *line = line.replacen("auth", facility, 1);
    }
}

/// Writes the twinlock line with a wrong file name, and with the dash because of which libpam ignores missing modules.
pub(super) fn quietly_missing(made: &mut Wiring, numbers: &mut Numbers) {
    let name = numbers.one_of(&["pam_twinlok.so", "pam_twinlock", "twinlock.so"]);
    if let Some(line) = made.ours() {
        *line = format!("-{}", line.replacen("pam_twinlock.so", name, 1));
    }
}

/// Gives the twinlock line a control field with which some refusals of the module have no effect.
pub(super) fn ignored_code(made: &mut Wiring, numbers: &mut Numbers) {
    let control = numbers.one_of(&[
        "[success=ok auth_err=ignore perm_denied=ignore default=bad]",
        "[success=ok new_authtok_reqd=ok default=ignore]",
        "[success=1 default=ignore]",
        "[success=ok user_unknown=ignore maxtries=ignore auth_err=reset default=die]",
        "[default=ok]",
        "[success=ok default=reset]",
    ]);
    if let Some(line) = made.ours() {
        *line = with_control(line, control);
    }
}

/// Adds a setting of sshd that wins over a later one.
pub(super) fn overruled(made: &mut Wiring, numbers: &mut Numbers) {
    made.sshd.insert_str(0, numbers.one_of(&FIRST));
}

/// Writes a blank in place of the comma in AuthenticationMethods: each method is then enough.
pub(super) fn blank_for_comma(made: &mut Wiring, _: &mut Numbers) {
    let list = |line: &str| line.starts_with("AuthenticationMethods");
    let changed: Vec<String> = made
        .sshd
        .lines()
        .map(|line| match (list(line), line.contains(',')) {
            (false, _) => line.to_owned(),
            (true, true) => line.replace(',', " "),
            (true, false) => format!("{line} publickey"),
        })
        .collect();
    made.sshd = changed.join("\n") + "\n";
    if !made.sshd.lines().any(list) {
        made.sshd.push_str("AuthenticationMethods publickey keyboard-interactive\n");
    }
}

/// Adds a second sshd with a configuration file of its own.
pub(super) fn second_file(made: &mut Wiring, numbers: &mut Numbers) {
    made.second = vec!["-f", SECOND_FILE];
    let settings = match numbers.below(4) {
        0 => numbers.one_of(&KEYS),
        1 => numbers.one_of(&PROMPTS),
        2 => numbers.one_of(&WIDE),
        _ => "AuthenticationMethods publickey\n",
    };
    made.second_file = format!("UsePAM yes\n{settings}");
    if numbers.chance(30) {
        let criteria = criteria(numbers);
        let line = numbers.one_of(&LETTING_IN);
        made.second_file.push_str(&format!("Match {criteria}\n    {line}\n"));
    }
}

/// Includes a file of settings in a Match block; the file may begin a Match block of its own.
pub(super) fn included(made: &mut Wiring, numbers: &mut Numbers) {
    let line = numbers.one_of(&LETTING_IN);
    made.included = match numbers.below(3) {
        0 => format!("{line}\n"),
        1 => format!("Match {}\n    {line}\n", criteria(numbers)),
        _ => {
            format!(
                "X11Forwarding no\nMatch {}\n    MaxSessions 3\nMatch all\n    {line}\n",
                criteria(numbers)
            )
        }
    };
    let criteria = criteria(numbers);
    let block = match numbers.chance(80) {
        true => format!("Match {criteria}\n    Include {INCLUDED}\nMatch all\n"),
        false => format!("Include {INCLUDED}\n"),
    };
    match numbers.chance(50) {
        true => made.sshd.push_str(&block),
        false => made.sshd.insert_str(0, &block),
    }
}

/// Lets the twinlock line read another settings file, by the argument `config=`.
pub(super) fn other_settings(made: &mut Wiring, numbers: &mut Numbers) {
    made.other_settings = numbers.one_of(&SETTINGS).to_owned();
    if let Some(line) = made.ours() {
        line.push_str(&format!(" config={OTHER_SETTINGS}"));
    }
}

/// Inserts a line directly before the twinlock line, or at the end of a stack without one.
fn before_ours(made: &mut Wiring, line: String) {
    let ours = made.number_of_ours().unwrap_or(made.auth.len());
    made.auth.insert(ours, line);
}
