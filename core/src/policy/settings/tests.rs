//! Tests settings files, and the line number in each error.

use crate::{
    base::time::DAY,
    policy::{
        Action, AfterReset, Author, BackupCodes, Echo, Language, LedgerKind, Limits, NotEnrolled,
        OwnCode, OwnCodeNeed, SetUpRules, TicketLives, TicketNeed, settings::*,
    },
    record::Algorithm,
};

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(read("").unwrap(), Policy::default());
}

#[test]
fn the_shipped_files_are_the_default() {
    // The reference file sets every value explicitly, and no PAM argument makes an explicit value more permissive.
    let written = Policy { not_enrolled_by: Author::Settings, ..Policy::default() };
    for (shipped, policy) in [
        (include_str!("../../../../config/twinlock.toml"), Policy::default()),
        ("[throttle]", Policy::default()),
        (include_str!("../../../../config/twinlock.toml.reference"), written),
    ] {
        assert_eq!(read(shipped).unwrap(), policy);
    }
}

#[test]
fn everything_can_be_set() {
    let policy = read(
        "issuer = \"Ex\"\nlanguage = \"sv\"\nnot_enrolled = \"allow\"\nwindow = 10\ntries = 1\n\
         prompt = \"Kod: \"\necho = true\nrecords = \"/srv/r\"\nledger = \"/srv/l\"\n\
         ledger_persistent = true\n[throttle]\nfree = 1\ndelay = 2\nmax_delay = 3\nper_day = 4\n\
         in_a_row = 5\n[totp]\ndigits = 8\nperiod = 60\nalgorithm = \"sha256\"\n\
         [[rule]]\nuser = \"backup\"\ngroup = \"g\"\nservice = \"sshd\"\nnetwork = \"10.0.0.0/8\"\n\
         action = \"exempt\"\nuntil = 2027-02-28\n[[rule]]\naction = \"require\"\n",
    )
    .unwrap();
    assert_eq!(policy.issuer.as_deref(), Some("Ex"));
    assert_eq!((policy.language, policy.not_enrolled), (Language::Swedish, NotEnrolled::Allow));
    assert_eq!((policy.window, policy.tries, policy.echo), (10, 1, Echo::Shown));
    let limits = Limits { free: 1, delay: 2, max_delay: 3, per_day: 4, in_a_row: 5 };
    assert_eq!(policy.throttle, limits);
    assert_eq!(policy.new_keys.algorithm, Algorithm::Sha256);
    assert_eq!(policy.places.ledger_kind, LedgerKind::Persistent);
    assert!(!policy.places.ledger_mounted);
    assert_eq!(policy.rules.len(), 2);
    let until = policy.rules[0].until.unwrap();
    assert_eq!((until.date(), until.clock()), ((2027, 2, 28), (0, 0, 0)));
}

#[test]
fn ledgers_on_a_disk_need_no_mount_unless_told() {
    for (text, needed) in [
        ("", true),
        ("ledger_persistent = false", true),
        ("ledger_persistent = true", false),
        ("ledger_persistent = true\nledger_mounted = true", true),
        ("ledger_mounted = false", false),
    ] {
        assert_eq!(read(text).unwrap().places.ledger_mounted, needed, "{text}");
    }
}

#[test]
fn each_mistake_names_its_line() {
    for (text, line, what) in [
        ("windwo = 1", 1, "there is no setting windwo"),
        ("\nwindow = 11", 2, "window = 11 is not between 0 and 10"),
        ("window = \"1\"", 1, "a whole number is expected"),
        ("tries = 0", 1, "tries = 0 is not between 1 and 10"),
        ("tries = 1\ntries = 2", 2, "duplicate key"),
        ("language = \"de\"", 1, "language = \"de\" is none of en, sv"),
        ("not_enrolled = \"ignore\"", 1, "none of deny, enroll, remind, allow"),
        ("records = \"var/lib\"", 1, "records must be a whole path"),
        ("ledger = \"/run/../etc\"", 1, "ledger must be a whole path"),
        ("[throttle]\nin_a_row = 101", 2, "throttle.in_a_row = 101"),
        ("[totp]\nalgorithm = \"MD5\"", 2, "totp.algorithm"),
        ("[[rule]]\nuser = \"a\"", 1, "missing field `action`"),
        ("[[rule]]\naction = \"allow\"", 2, "none of require, exempt, remind"),
        ("after_reset = \"never\"", 1, "none of ticket, login"),
        ("enroll_reason = \"a\\nb\"", 1, "enroll_reason must be"),
        ("handover_logins = 11", 1, "handover_logins = 11"),
        ("remember_for = 8", 1, "remember_for is no duration"),
        ("remember_for = \"8 d\"", 1, "remember_for is no duration"),
        ("sendmail = \"sendmail\"", 1, "sendmail must be a whole path"),
        ("[backup_codes]\ncount = 21", 2, "backup_codes.count = 21"),
        ("[backup_codes]\ncount = 0", 2, "backup_codes.count = 0"),
        ("[[rule]]\naction = \"exempt\"", 2, "must say whom"),
        ("[[rule]]\naction = \"exempt\"\nnetwork = \"office\"", 3, "network = \"office\""),
        ("[[rule]]\naction = \"exempt\"\nuntil = 2027-02-29", 3, ""),
        ("[[rule]]\naction = \"exempt\"\nuntil = 2027-02-01T10:00:00", 3, "until = 2027-02-01T10"),
        ("[[rule]]\naction = \"exempt\"\nuntil = \"soon\"", 3, ""),
        ("[agent]\nself_service = [\"status\", \"stats\"]", 2, "\"stats\" is none of status"),
        ("[agent]\n\nself_service = [\n\"all\"]", 3, "agent.self_service: \"all\" is none of"),
        ("issuer = \"a:b\"", 1, "issuer must be"),
        ("prompt = \"\\u001b[1m\"", 1, "prompt must be"),
        ("window = ", 1, ""),
        ("[", 1, ""),
    ] {
        let mistake = read(text).unwrap_err();
        assert_eq!(mistake.line, line, "{text}: {mistake:?}");
        assert!(mistake.what.contains(what), "{text}: {mistake:?}");
        assert!(!mistake.what.contains('\n'));
    }
}

#[test]
fn people_and_administrators_can_be_set_up_otherwise() {
    let policy = read(
        "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\nenroll_reason = \"Så är det.\"\n\
         after_reset = \"login\"\nticket_lifetime_mail = \"8 h\"\n\
         ticket_lifetime_paper = \"31 d\"\nhandover_logins = 0\nremember_for = \"8 h\"\n\
         require_own_code = false\nown_code_exempt = [\"kim\"]\nmail_domain = \"example.org\"\n\
         mail_from = \"tw@example.org\"\nsendmail = \"/opt/sendmail\"\n\
         [backup_codes]\ncount = 1\nwarn_below = 1\necho = false\n[[rule]]\naction = \"remind\"\nuntil = 2027-02-28\n",
    )
    .unwrap();
    assert_eq!(policy.not_enrolled, NotEnrolled::Enroll);
    let rules = SetUpRules {
        ticket: TicketNeed::Free,
        reason: Some("Så är det.".into()),
        after_reset: AfterReset::Login,
        ticket_lives: TicketLives { mail: 8 * 3600, paper: 31 * DAY },
    };
    assert_eq!((policy.set_up, policy.handover_logins), (rules, 0));
    assert_eq!(policy.remember_for, 8 * 3600);
    let own = OwnCode { need: OwnCodeNeed::NotAsked, exempt: alloc::vec!["kim".into()] };
    assert_eq!(policy.own_code, own);
    assert_eq!(policy.mail.domain.as_deref(), Some("example.org"));
    assert_eq!(policy.backup_codes, BackupCodes { count: 1, warn_below: 1, echo: Echo::Hidden });
    assert_eq!(policy.rules[0].action, Action::Remind);
}

#[test]
fn ticket_that_never_works_or_hardly_ever_ends_is_a_mistake() {
    for (text, what) in [
        ("ticket_lifetime_mail = \"0\"", "ticket_lifetime_mail is no duration"),
        ("ticket_lifetime_mail = \"59 s\"", "of 1 min to 31 d"),
        ("ticket_lifetime_paper = \"32 d\"", "ticket_lifetime_paper is no duration"),
        ("ticket_lifetime_paper = \"soon\"", "ticket_lifetime_paper is no duration"),
        ("ticket_lifetime = \"24 h\"", "there is no setting ticket_lifetime"),
    ] {
        let mistake = read(text).unwrap_err();
        assert!(mistake.line == 1 && mistake.what.contains(what), "{text}: {mistake:?}");
    }
}

/// A settings file has a value with a control character, such as a line break. Checks that the error message escapes
/// the character, because the value must not begin a new line in a report or log.
#[test]
fn control_characters_of_a_value_are_escaped_in_the_error() {
    for (text, what) in [
        ("language = \"\\n\"\n", "language = \"\\n\" is none of en, sv"),
        ("not_enrolled = \"\\r\\u001b[2J\"\n", "not_enrolled = \"\\r\\u{1b}[2J\" is none of"),
        ("\n[[rule]]\naction = \"\\t\"\n", "action = \"\\t\" is none of require"),
        (
            "[[rule]]\naction = \"require\"\nnetwork = \"\\n1\"\n",
            "network = \"\\n1\" is no address",
        ),
        ("records = \"/a\\nb/..\"\n", "records must be a whole path"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.what.starts_with(what), "{text}: {}", error.what);
        assert!(!error.what.contains(char::is_control), "{}", error.what);
    }
}
