//! Compares the text of every mail, in both languages, word for word with the file `vectors/mail/LANGUAGE/KIND.txt`.

use twinlock_core::{
    base::{
        request::SourceLabel,
        time::{DAY, UnixTime},
    },
    notify::{
        notification::{Notification, NotificationKind, TicketMail, Topic},
        template::{Blanks, WrittenMail, built_in},
    },
    policy::Language,
};
use twinlock_tests::{golden, repository};

const LANGUAGES: [(Language, &str); 2] = [(Language::English, "en"), (Language::Swedish, "sv")];

fn service(kind: NotificationKind, by_another: bool) -> &'static str {
    use NotificationKind::{BreakGlass, HostChanged, RoleReport, RoleUsed};
    match by_another {
        true if kind == BreakGlass => "twinlock reset ada",
        true if kind == HostChanged => "twinlock settings apply",
        true if matches!(kind, RoleReport | RoleUsed) => "twinlock reset (role help-desk)",
        true => "twinlock",
        false => "sshd",
    }
}

fn letter(kind: NotificationKind) -> Notification {
    use NotificationKind::{
        BreakGlass, BypassGiven, HostChanged, KeyExported, KeyShown, MailChanged, RecordImported,
        Removed, Reset, RoleReport, RoleUsed, Unlocked,
    };
    let by_another = matches!(
        kind,
        Reset
            | BypassGiven
            | KeyShown
            | KeyExported
            | RecordImported
            | MailChanged
            | Removed
            | Unlocked
            | BreakGlass
            | HostChanged
            | RoleReport
            | RoleUsed
    );
    let left = matches!(kind, NotificationKind::BackupCodeUsed | NotificationKind::FewCodesLeft);
    Notification {
        user: if matches!(kind, BreakGlass | HostChanged) { "root" } else { "ada" }.into(),
        kind,
        at: UnixTime(1_800_000_000),
        service: service(kind, by_another).into(),
        source: SourceLabel::read(if by_another { "uid:1001" } else { "203.0.113.7" })
            .expect("a source"),
        by: by_another.then(|| "kim".into()),
        left: left.then_some(3),
        to: None,
        life: None,
    }
}

fn written(language: Language, topic: Topic) -> WrittenMail {
    let blanks = match topic {
        Topic::Event(kind) => Blanks::of_letter(language, &letter(kind), "web01"),
        Topic::Ticket(_) | Topic::Bypass => {
            let at = UnixTime(1_800_000_000);
            let ticket = if topic == Topic::Bypass { "123 456 789" } else { "FEJT-QYCH-WGPV" };
            let (user, by) = ("ada", "kim");
            let until = at.plus(3 * DAY);
            Blanks::of_ticket(&TicketMail { user, topic, ticket, by, at, until }, "web01")
        }
    };
    built_in(language, topic, &blanks)
}

#[test]
fn each_mail_reads_as_it_is_kept() {
    for (language, folder) in LANGUAGES {
        for topic in Topic::all() {
            let written = written(language, topic);
            let said = format!("Subject: {}\n\n{}", written.subject, written.body.as_str());
            // A mailbox file would store such a line as ">From ".
            let is_quoted = said.lines().any(|line| line.starts_with("From "));
            assert!(!is_quoted, "{said}");
            golden(&format!("vectors/mail/{folder}/{}.txt", topic.word()), &said);
        }
    }
}

#[test]
fn nothing_is_kept_that_is_not_sent() {
    for (_, folder) in LANGUAGES {
        let path = repository().join("tests/vectors/mail").join(folder);
        let kept = std::fs::read_dir(path).expect("the folder of the mails").count();
        assert_eq!(kept, Topic::all().count());
    }
}
