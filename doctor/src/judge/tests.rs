//! Tests the stacks of distributions and the shipped stacks, intact and damaged.
mod damages;
mod seconds;

use crate::finding::Level;
use crate::judge::case::{Processes, Reach};
use crate::judge::lines::ModuleFile;
use crate::judge::not_root::Lockers;
use crate::judge::usable::covered;
use crate::judge::*;
use crate::pam::libpam::Libpam;
use crate::pam::load::load;
use crate::pam::load::tests::{FileTexts, tree};
use crate::pam::stack::Facility;
use crate::pam::table::tabulate;
use damages::{DAMAGES, Damage, LAST};

const BOTH: &str = include_str!("../../../config/pam.d/sshd-both");
const PASSWORD: &str = include_str!("../../../config/pam.d/sshd-password");
const KEY: &str = include_str!("../../../config/pam.d/sshd-publickey");
const ONE_FIELD: &str = include_str!("../../../config/pam.d/openvpn");
const DEBIAN: &str = include_str!("../../../tests/stock/pam.d/sshd");
const RHEL: &str = include_str!("../fixtures/rhel9/sshd");
const ARCH: &str = include_str!("../fixtures/arch/sshd");

const KEY_ONLY: Reach = Reach { without_key: false, with_key: true };
const NO_KEY: Reach = Reach { without_key: true, with_key: false };

fn files(sshd: &str) -> FileTexts {
    tree(&[
        ("/etc/pam.d/sshd", sshd),
        ("/etc/pam.d/common-auth", include_str!("../../../tests/stock/pam.d/common-auth")),
        ("/etc/pam.d/common-account", include_str!("../../../tests/stock/pam.d/common-account")),
        ("/etc/pam.d/common-session", include_str!("../../../tests/stock/pam.d/common-session")),
        ("/etc/pam.d/common-password", include_str!("../../../tests/stock/pam.d/common-password")),
        ("/etc/pam.d/password-auth", include_str!("../fixtures/rhel9/password-auth")),
        ("/etc/pam.d/postlogin", include_str!("../fixtures/rhel9/postlogin")),
        ("/etc/pam.d/system-remote-login", include_str!("../fixtures/arch/system-remote-login")),
        ("/etc/pam.d/system-login", include_str!("../fixtures/arch/system-login")),
        ("/etc/pam.d/system-auth", include_str!("../fixtures/arch/system-auth")),
    ])
}

fn judged(sshd: &str, reach: Reach) -> Vec<Finding> {
    let service = load(&files(sshd), "sshd").unwrap();
    let module = |path: &str| match path {
        "pam_gone.so" | "/opt/pam_twinlock.so" | "pam_twinlok.so" => ModuleFile::Missing,
        _ => ModuleFile::At { path: path.to_owned(), uid: 0, modes: [0o644, 0o755] },
    };
    let present = |path: &str| module(path) != ModuleFile::Missing;
    let table = tabulate(service.lines(Facility::Auth), &present);
    let table = table.with_libpam(Libpam::Debian);
    let usable = &covered(reach);
    let case = Case {
        table: &table,
        file: "/etc/pam.d/sshd",
        service: "ssh",
        reach,
        wanted: reach,
        credentials: Processes { apart: true, same: true },
        usable,
    };
    let mut found = lines::judge(&service, &module, &case.recipe(), reach.with_key);
    if !found.iter().any(|finding| finding.id == "not-wired") {
        found.extend(stack(&case));
        found.extend(twice::judge(&case));
    }
    found
}

fn ids(sshd: &str, reach: Reach) -> Vec<(&'static str, Level)> {
    judged(sshd, reach).iter().map(|finding| (finding.id, finding.level)).collect()
}

#[test]
fn the_shipped_stacks_are_clean() {
    for (text, reach) in
        [(KEY, KEY_ONLY), (PASSWORD, NO_KEY), (PASSWORD, KEY_ONLY), (BOTH, Reach::EVERY)]
    {
        assert_eq!(judged(text, reach), []);
    }
}

#[test]
fn one_field_is_clean_as_shipped_and_each_damage_is_found() {
    assert_eq!(judged(ONE_FIELD, NO_KEY), []);
    for (from, to, expected) in [
        ("use_first_pass nodelay", "nodelay", ("password-asked-again", Level::Warning)),
        (
            "required     pam_twinlock",
            "requisite    pam_twinlock",
            ("code-told-apart", Level::Warning),
        ),
        ("forward_pass\n", "forward_pass nullok\n", ("nullok", Level::WayIn)),
        ("forward_pass\n", "forward_pass echo\n", ("wrong-arguments", Level::LockOut)),
        ("auth       required     pam_unix", "# auth", ("code-alone", Level::WayIn)),
    ] {
        assert!(ONE_FIELD.contains(from), "{from}");
        let found = ids(&ONE_FIELD.replace(from, to), NO_KEY);
        assert!(found.contains(&expected), "{to}: {found:?}");
    }
    let behind = KEY.replace("=publickey\n", "=publickey nullok\n");
    assert_eq!(ids(&behind, KEY_ONLY), [("nullok", Level::WayIn)]);
}

#[test]
fn lockers_that_include_login_are_locked_out() {
    const LOGIN: &str = include_str!("../../../config/pam.d/login");
    let found = |own: &'static str| {
        let common = include_str!("../../../tests/stock/pam.d/common-auth");
        let files = tree(&[
            ("/etc/pam.d/swaylock", own),
            ("/etc/pam.d/login", LOGIN),
            ("/etc/pam.d/common-auth", common),
        ]);
        not_root::SERVICES
            .into_iter()
            .filter_map(|name| not_root::judge(name, &load(&files, name).unwrap(), Lockers::Off))
            .map(|finding| (finding.id, finding.level, finding.place))
            .collect::<Vec<_>>()
    };
    let locked = ("caller-not-root", Level::LockOut, "/etc/pam.d/swaylock".to_owned());
    let ours = "auth required pam_twinlock.so first_factor=stack\n";
    for own in ["auth include login\n", "@include login\n", "auth substack login\n", ours] {
        assert_eq!(found(own), std::slice::from_ref(&locked), "{own}");
    }
    let probe = "auth required pam_twinlock.so probe=publickey\nauth include common-auth\n";
    for own in ["@include common-auth\n", "# auth include login\n", probe] {
        assert_eq!(found(own), [], "{own}");
    }
    // libpam uses the file of the service `other` for a service without a file. This file does not come from a screen
    // locker.
    let other = tree(&[("/etc/pam.d/other", LOGIN)]);
    assert_eq!(not_root::judge("i3lock", &load(&other, "i3lock").unwrap(), Lockers::Off), None);
}

#[test]
fn agent_opens_lockers_whose_lines_suit_them() {
    let found = |name: &'static str, own: &'static str| {
        let path: &'static str = match name {
            "swaylock" => "/etc/pam.d/swaylock",
            "kde" => "/etc/pam.d/kde",
            _ => "/etc/pam.d/postgresql",
        };
        let finding =
            not_root::judge(name, &load(&tree(&[(path, own)]), name).unwrap(), Lockers::On);
        finding.map(|finding| finding.id)
    };
    let one = "auth required pam_twinlock.so first_factor=follows forward_pass\n\
               auth required pam_unix.so use_first_pass\n";
    let given = "auth optional pam_unix.so\n\
                 auth required pam_twinlock.so first_factor=follows use_first_pass\n";
    let in_turn = "auth requisite pam_unix.so\n\
                   auth requisite pam_twinlock.so first_factor=stack\n";
    for (name, own, expected) in [
        ("swaylock", one, None),
        ("swaylock", given, None),
        ("swaylock", in_turn, Some("locker-asks-twice")),
        ("kde", one, None),
        ("kde", in_turn, None),
        // The program of postgresql runs as another user than the one who logs in.
        ("postgresql", one, Some("caller-not-root")),
    ] {
        assert_eq!(found(name, own), expected, "{name} {own}");
    }
}

#[test]
fn stock_stacks_never_ask_for_a_code() {
    for text in [DEBIAN, RHEL, ARCH] {
        assert_eq!(ids(text, Reach::EVERY), [("not-wired", Level::WayIn)]);
    }
}

#[test]
fn a_correct_password_that_is_refused_locks_users_out() {
    let last = "auth required pam_twinlock.so first_factor=stack\n";
    let wrong = [
        "auth [success=5 default=ignore] pam_unix.so\n",
        "auth [success=die default=ignore] pam_unix.so\n",
        "auth [success=bad default=ok] pam_unix.so\n",
        "auth [success=1 default=ignore] pam_unix.so\nauth [default=1] pam_permit.so\nauth requisite pam_deny.so\n",
    ];
    for line in wrong {
        let found = ids(&format!("{line}{last}"), NO_KEY);
        assert!(found.contains(&("nobody-gets-in", Level::LockOut)), "{line}: {found:?}");
    }
    let right = "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n";
    let found = ids(&format!("{right}auth required pam_permit.so\n{last}"), NO_KEY);
    assert_eq!(found, []);
}

#[test]
fn a_module_without_auth_function_is_not_called_missing() {
    for (module, why) in [
        ("pam_time.so", "pam_time.so has no auth function"),
        ("pam_limits.so", "pam_limits.so has no auth function"),
        ("pam_gone.so", "the file of pam_gone.so is missing"),
    ] {
        let found = judged(&format!("auth required {module}\n{PASSWORD}"), NO_KEY);
        let shut = found.iter().find(|one| one.id == "nobody-gets-in").unwrap();
        assert!(shut.what.ends_with(&format!("PAM cannot call a line: {why}.")), "{}", shut.what);
        assert!(shut.remedy.contains(&format!("{module} at")), "{}", shut.remedy);
        assert!(shut.remedy.contains("(PAM cannot call it)"), "{}", shut.remedy);
    }
}

#[test]
fn a_misspelt_module_is_told_its_name() {
    let name = "Write pam_twinlock.so instead of pam_twinlok.so.";
    let found = judged(&KEY.replace("pam_twinlock.so", "pam_twinlok.so"), KEY_ONLY);
    let said: Vec<_> = found.iter().map(|one| (one.id, one.level, one.remedy.as_str())).collect();
    assert_eq!(
        said,
        [("module-missing", Level::LockOut, name), ("nobody-gets-in", Level::LockOut, name)]
    );
    assert!(found.iter().any(|one| one.what
        == "PAM cannot load pam_twinlok.so: every login that reaches this line is refused."));
    let optional = judged("auth optional pam_twinlok.so\nauth required pam_unix.so\n", NO_KEY);
    let said: Vec<_> = optional.iter().map(|one| (one.id, one.level)).collect();
    assert_eq!(said, [("module-missing", Level::Warning), ("password-alone", Level::WayIn)]);
    let there = "auth required pam_twinlokk.so\n";
    assert!(ids(there, NO_KEY).contains(&("not-wired", Level::WayIn)));
}

fn damaged(damage: &Damage) -> String {
    let mut text = damage.0.to_owned();
    for (from, to) in damage.2 {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn each_damage_to_a_shipped_stack_is_found() {
    for (number, damage) in DAMAGES.iter().enumerate() {
        let found = ids(&damaged(damage), damage.1);
        for expected in damage.3 {
            let changes = damage.2;
            assert!(
                found.contains(expected),
                "{number}: {expected:?} is not in {found:?} for {changes:?}"
            );
        }
    }
}

#[test]
fn red_hats_include_ends_before_the_code() {
    let text = RHEL.replace("substack     password-auth", "include password-auth").replace(
        "auth       include      postlogin",
        "auth required pam_twinlock.so first_factor=stack",
    );
    let found = judged(&text, NO_KEY);
    let never = found.iter().find(|finding| finding.id == "never-reached").unwrap();
    assert_eq!((never.level, never.place.as_str()), (Level::WayIn, "/etc/pam.d/sshd:3"));
    assert!(never.what.contains("/etc/pam.d/password-auth:5"), "{}", never.what);
    let open = found.iter().find(|finding| finding.id == "password-alone").unwrap();
    assert_eq!((open.level, open.place.as_str()), (Level::WayIn, "/etc/pam.d/password-auth:5"));
}

#[test]
fn red_hats_substack_leads_strangers_to_the_code() {
    let line = "auth required pam_twinlock.so first_factor=stack";
    let text = RHEL.replace("auth       include      postlogin", line);
    assert_eq!(ids(&text, NO_KEY), [("stack-after-failure", Level::WayIn)]);
    assert_eq!(ids(&text, KEY_ONLY), [("stack-after-failure", Level::Warning)]);
}

#[test]
fn archs_include_dies_on_a_wrong_password() {
    let include = "auth      include   system-remote-login";
    let after = ARCH
        .replace(include, &format!("{include}\nauth required pam_twinlock.so first_factor=stack"));
    assert_eq!(ids(&after, NO_KEY), []);
    let before = ARCH
        .replace(include, &format!("auth required pam_twinlock.so first_factor=stack\n{include}"));
    assert_eq!(ids(&before, NO_KEY), [("stack-after-failure", Level::WayIn)]);
}

#[test]
fn debians_common_auth_before_the_code() {
    let text = DEBIAN.replace(
        "@include common-auth",
        "@include common-auth\nauth required pam_twinlock.so first_factor=stack",
    );
    assert_eq!(ids(&text, NO_KEY), []);
    let key = text.replace("first_factor=stack", "first_factor=publickey");
    assert_eq!(ids(&key, NO_KEY), [("nobody-gets-in", Level::LockOut)]);
}

#[test]
fn a_sufficient_code_before_debians_common_auth_is_enough() {
    let line = "auth sufficient pam_twinlock.so first_factor=stack\n@include common-auth";
    let found = ids(&DEBIAN.replace("@include common-auth", line), NO_KEY);
    assert!(found.contains(&("code-alone", Level::WayIn)), "{found:?}");
    assert!(found.contains(&("password-alone", Level::WayIn)), "{found:?}");
}

#[test]
fn a_module_that_others_can_change_is_a_way_in() {
    let service = load(&files(KEY), "sshd").unwrap();
    let place = |uid, modes| {
        let module = |path: &str| ModuleFile::At { path: path.to_owned(), uid, modes };
        lines::judge(&service, &module, "", true)
            .iter()
            .map(|finding| finding.id)
            .collect::<Vec<_>>()
    };
    assert!(place(0, [0o100_644, 0o40_755]).is_empty());
    assert_eq!(place(1000, [0o100_644, 0o40_755]), ["module-owner"]);
    assert_eq!(place(0, [0o100_664, 0o40_755]), ["module-writable"]);
    assert_eq!(place(0, [0o100_644, 0o40_777]), ["module-writable"]);
}

#[test]
fn remedies_hold_the_line_to_write() {
    let weak = judged(
        &PASSWORD.replace(LAST, "auth optional pam_twinlock.so first_factor=stack\n"),
        NO_KEY,
    );
    let door = weak.iter().find(|finding| finding.id == "password-alone").unwrap();
    assert!(
        door.remedy.contains("`auth required pam_twinlock.so first_factor=stack`"),
        "{}",
        door.remedy
    );
    let typo = judged(&KEY.replace("=publickey\n", "=pubkey\n"), KEY_ONLY);
    assert!(
        typo.iter().any(|finding| finding.remedy.contains("`first_factor=publickey`")),
        "{typo:?}"
    );
}
