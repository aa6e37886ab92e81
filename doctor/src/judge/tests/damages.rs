//! Damaged copies of the shipped stacks, and the findings that they must give.
use crate::finding::Level;
use crate::judge::case::Reach;
use crate::judge::tests::{BOTH, KEY, KEY_ONLY, NO_KEY, PASSWORD};

/// The text of a shipped stack, whether users reach it with a key, the replacements that damage it (old text, new
/// text), and the expected findings (name, level).
pub(super) type Damage = (
    &'static str,
    Reach,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, Level)],
);

const UNIX: &str = "[success=2 default=ignore]  pam_unix.so";
const DECOY: &str = "auth       [default=die]               pam_twinlock.so first_factor=failed\n";
const DENY: &str = "auth       requisite                   pam_deny.so\n";
const PERMIT: &str = "auth       required                    pam_permit.so\n";
pub(super) const LAST: &str =
    "auth       requisite                   pam_twinlock.so first_factor=stack\n";
const ALONE: &str =
    "auth       required                    pam_twinlock.so first_factor=publickey\n";

pub(super) const DAMAGES: &[Damage] = &[
    (KEY, Reach::EVERY, &[("=publickey\n", "=stack\n")], &[("code-alone", Level::WayIn)]),
    (KEY, KEY_ONLY, &[("=publickey\n", "=stack\n")], &[("code-alone", Level::Warning)]),
    (KEY, KEY_ONLY, &[("=publickey\n", "=follows\n")], &[("code-alone", Level::Warning)]),
    (
        KEY,
        KEY_ONLY,
        &[("first_factor=publickey\n", "\n")],
        &[("missing-first-factor", Level::LockOut), ("nobody-gets-in", Level::LockOut)],
    ),
    (
        KEY,
        KEY_ONLY,
        &[("first_factor=publickey\n", "first_facter=publickey\n")],
        &[("unknown-argument", Level::LockOut)],
    ),
    (
        KEY,
        KEY_ONLY,
        &[("=publickey\n", "=publickey probe=publickey\n")],
        &[("wrong-arguments", Level::LockOut)],
    ),
    (KEY, KEY_ONLY, &[("=publickey\n", "=failed\n")], &[("nobody-gets-in", Level::LockOut)]),
    (
        KEY,
        KEY_ONLY,
        &[("pam_twinlock.so first", "/opt/pam_twinlock.so first")],
        &[("module-missing", Level::LockOut), ("nobody-gets-in", Level::LockOut)],
    ),
    (
        KEY,
        KEY_ONLY,
        &[(
            ALONE,
            "auth optional pam_twinlock.so first_factor=publickey\nauth required pam_permit.so\n",
        )],
        &[("key-alone-in-pam", Level::WayIn), ("weak-control", Level::Warning)],
    ),
    (
        KEY,
        KEY_ONLY,
        &[(
            ALONE,
            "auth sufficient pam_permit.so\nauth required pam_twinlock.so first_factor=publickey\n",
        )],
        &[("never-reached", Level::WayIn), ("key-alone-in-pam", Level::WayIn)],
    ),
    (KEY, KEY_ONLY, &[(ALONE, "")], &[("not-wired", Level::WayIn)]),
    (KEY, Reach::EVERY, &[], &[("way-leads-nowhere", Level::Warning)]),
    (
        KEY,
        KEY_ONLY,
        &[("account    required     pam_nologin.so", "account sufficient pam_twinlock.so")],
        &[("account-line", Level::WayIn)],
    ),
    (
        KEY,
        KEY_ONLY,
        &[("@include common-account", "@include common-acount")],
        &[("pam-unusable", Level::LockOut)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(LAST, "auth optional pam_twinlock.so first_factor=stack\n")],
        &[("password-alone", Level::WayIn), ("weak-control", Level::Warning)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(LAST, "auth sufficient pam_twinlock.so first_factor=stack\n")],
        &[("password-alone", Level::WayIn), ("weak-control", Level::Warning)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(LAST, "auth [success=ok default=ignore] pam_twinlock.so first_factor=stack\n")],
        &[("password-alone", Level::WayIn)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(LAST, "auth requisite pam_gone.so\n")],
        &[("nobody-gets-in", Level::LockOut)],
    ),
    (PASSWORD, NO_KEY, &[(LAST, "")], &[("password-alone", Level::WayIn)]),
    (PASSWORD, NO_KEY, &[(PERMIT, "")], &[("exempt-shut-out", Level::LockOut)]),
    (
        PASSWORD,
        NO_KEY,
        &[(PERMIT, ""), ("success=2", "success=1"), (DENY, "")],
        &[("exempt-shut-out", Level::LockOut)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[("[success=2", "[success=1")],
        &[("nobody-gets-in", Level::LockOut), ("never-reached", Level::Warning)],
    ),
    (PASSWORD, NO_KEY, &[("[success=2", "[success=3")], &[("exempt-shut-out", Level::LockOut)]),
    (PASSWORD, NO_KEY, &[("[success=2", "[success=4")], &[("nobody-gets-in", Level::LockOut)]),
    (
        PASSWORD,
        NO_KEY,
        &[(UNIX, "sufficient pam_unix.so")],
        &[("password-alone", Level::WayIn), ("never-reached", Level::WayIn)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(UNIX, "optional pam_unix.so"), (DECOY, ""), (DENY, "")],
        &[("code-alone", Level::WayIn), ("ignore-passes", Level::WayIn)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(DECOY, "auth optional pam_twinlock.so first_factor=failed\n"), (DENY, "")],
        &[
            ("code-alone", Level::WayIn),
            ("ignore-passes", Level::WayIn),
            ("weak-control", Level::Warning),
        ],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(UNIX, "[success=2 authinfo_unavail=2 default=ignore]  pam_unix.so")],
        &[("code-alone", Level::WayIn)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[
            (
                "auth       [success=2",
                "auth [success=5 default=ignore] pam_succeed_if.so user ingroup robots\nauth       [success=2",
            ),
            ("@include common-account", "auth required pam_permit.so\n@include common-account"),
        ],
        &[("open-door", Level::WayIn)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(
            LAST,
            "auth [success=1 default=ignore] pam_succeed_if.so user ingroup robots\nauth requisite pam_twinlock.so first_factor=stack\n",
        )],
        &[("password-alone", Level::WayIn)],
    ),
    (BOTH, Reach::EVERY, &[("[success=3", "[success=5")], &[("way-leads-nowhere", Level::Warning)]),
    (BOTH, Reach::EVERY, &[("[success=3", "[success=2")], &[("way-leads-nowhere", Level::Warning)]),
    (
        BOTH,
        Reach::EVERY,
        &[(
            "[success=3 default=ignore]  pam_twinlock.so probe=publickey",
            "sufficient pam_twinlock.so probe=publickey",
        )],
        &[("key-alone-in-pam", Level::WayIn)],
    ),
    (
        BOTH,
        Reach::EVERY,
        &[("probe=publickey", "probe=pubkey")],
        &[("unknown-argument", Level::LockOut)],
    ),
    (
        BOTH,
        Reach::EVERY,
        &[(DECOY, ""), (DENY, "")],
        &[("code-alone", Level::WayIn), ("ignore-passes", Level::WayIn)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(
            LAST,
            "auth [success=ok auth_err=die default=ignore] pam_twinlock.so first_factor=stack\n",
        )],
        &[("password-alone", Level::WayIn), ("weak-control", Level::Warning)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(
            LAST,
            "auth [success=ok ignore=ignore authinfo_unavail=ignore default=die] pam_twinlock.so first_factor=stack\n",
        )],
        &[("password-alone", Level::WayIn), ("weak-control", Level::Warning)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[(LAST, "auth requisite pam_twinlock.so first_factor=stack nulok\n")],
        &[("unknown-argument", Level::LockOut), ("nobody-gets-in", Level::LockOut)],
    ),
    (
        PASSWORD,
        NO_KEY,
        &[("account    required     pam_nologin.so", "account required pam_gone.so")],
        &[("account-module-missing", Level::LockOut)],
    ),
];
