//! Unit tests of the mail spool, in temporary folders.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use twinlock_core::{
    base::request::SourceLabel, notify::notification::NotificationKind, ports::Outbox,
};

use crate::mail_spool::*;
use crate::{outbox::HostOutbox, trusted_dir::Owner};

const NOW: UnixTime = UnixTime(1_800_000_000);

struct SpoolFixture {
    _folder: tempfile::TempDir,
    path: PathBuf,
    records: HostRecords,
    outbox: HostOutbox,
}

impl SpoolFixture {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .unwrap();
        let path = folder.path().canonicalize().unwrap();
        let owner = Owner(rustix::process::getuid().as_raw());
        let records = HostRecords::new(path.to_str().unwrap().to_owned(), "/none", owner);
        let outbox = HostOutbox::new(path.to_str().unwrap().to_owned(), owner);
        let desk = Self { _folder: folder, path, records, outbox };
        desk.post();
        desk
    }

    fn post(&self) -> MailSpool {
        MailSpool::open(&self.records).unwrap().unwrap()
    }

    fn put(&self, user: &str, kind: NotificationKind) {
        self.put_at(user, kind, NOW);
    }

    fn put_at(&self, user: &str, kind: NotificationKind, at: UnixTime) {
        self.outbox.put(&Notification {
            user: user.into(),
            kind,
            at,
            service: "sshd".into(),
            source: SourceLabel::read("203.0.113.7").unwrap(),
            by: None,
            left: Some(3),
            to: None,
            life: None,
        });
    }

    fn listed(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path.join("outbox").join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|one| one.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Moves the content of the outbox to the waiting folder, and begins to send every notification that is due.
    fn claim(&self, now: UnixTime) -> Vec<Claimed> {
        let post = self.post();
        assert_eq!(post.gather(now).fault, None);
        let due = post.due(now).unwrap();
        due.into_iter().filter_map(|one| post.claim(one, now).unwrap()).collect()
    }
}

#[test]
fn a_letter_goes_its_way_and_is_gone() {
    let desk = SpoolFixture::new();
    desk.put("ada", NotificationKind::Reset);
    desk.put("DOM\\bob", NotificationKind::Guessed);
    let claimed = desk.claim(NOW);
    assert_eq!(claimed.len(), 2);
    assert_eq!(claimed[0].notification.user, "DOM\\bob");
    assert_eq!(
        desk.listed("waiting"),
        ["%44%4F%4D%5Cbob@guessed@1.1.1800000000", "ada@reset.1800000000@1.1.1800000000"]
    );
    claimed.iter().for_each(|one| desk.post().sent(one, NOW).unwrap());
    assert_eq!(desk.listed(""), ["dead", "sent", "waiting"]);
    assert!(desk.listed("waiting").is_empty());
    assert_eq!(standing(&desk.records), QueueDepth::default());
}

#[test]
fn one_an_hour_goes_and_the_next_one_waits() {
    let desk = SpoolFixture::new();
    desk.put("ada", NotificationKind::Guessed);
    let claimed = desk.claim(NOW);
    desk.post().sent(&claimed[0], NOW.plus(1)).unwrap();
    for at in [2, 3599, 3600] {
        desk.put_at("ada", NotificationKind::Guessed, NOW.plus(at));
        assert!(desk.claim(NOW.plus(at)).is_empty(), "{at}");
    }
    assert_eq!(desk.listed("waiting").len(), 1, "a flood is one letter");
    desk.put("ada", NotificationKind::Reset);
    let claimed = desk.claim(NOW.plus(3600));
    assert_eq!(claimed.len(), 1, "another kind is another letter");
    desk.post().sent(&claimed[0], NOW.plus(3600)).unwrap();
    assert_eq!(desk.claim(NOW.plus(3601)).len(), 1);
}

#[test]
fn what_fails_waits_longer_each_time_and_dies_at_last() {
    let desk = SpoolFixture::new();
    desk.put("ada", NotificationKind::Reset);
    let (mut now, mut tries) = (NOW, 0);
    loop {
        let claimed = desk.claim(now);
        let [one] = &claimed[..] else { panic!("{now:?}: {:?}", desk.listed("waiting")) };
        tries += 1;
        assert_eq!(one.due.progress.tries, tries);
        let fate = desk.post().failed(one, now).unwrap();
        match fate {
            RetryDecision::Dead => break,
            RetryDecision::Waits(progress) => {
                assert!(desk.claim(UnixTime(progress.at.0 - 1)).is_empty());
                now = progress.at;
            }
        }
    }
    assert!((10..30).contains(&tries), "{tries}");
    assert!(desk.listed("dead")[0].starts_with("ada@reset.1800000000@"));
    assert_eq!(standing(&desk.records), QueueDepth { waiting: 0, dead: 1 });
}

#[test]
fn cut_off_a_letter_is_sent_once_more_and_kept_then() {
    let desk = SpoolFixture::new();
    desk.put("ada", NotificationKind::Reset);
    assert_eq!(desk.claim(NOW).len(), 1);
    assert_eq!(desk.claim(NOW.plus(1)).len(), 1);
    assert!(desk.claim(NOW.plus(1000)).is_empty());
    assert_eq!(desk.listed("dead").len(), 1);
}

#[test]
fn sent_and_cut_off_a_letter_is_not_sent_again() {
    let desk = SpoolFixture::new();
    desk.put("ada", NotificationKind::Reset);
    let claimed = desk.claim(NOW);
    desk.post().note(&claimed[0], NOW).unwrap();
    assert!(desk.claim(NOW.plus(1)).is_empty());
    assert_eq!(["waiting", "dead"].map(|folder| desk.listed(folder).len()), [0, 0]);
}

#[test]
fn only_one_process_delivers() {
    let desk = SpoolFixture::new();
    let post = desk.post();
    assert!(MailSpool::open(&desk.records).unwrap().is_none());
    drop(post);
    assert!(MailSpool::open(&desk.records).unwrap().is_some());
}

#[test]
fn what_is_no_letter_is_moved_aside_once() {
    use std::os::unix::ffi::OsStrExt;
    let desk = SpoolFixture::new();
    let outbox = desk.path.join("outbox");
    let long = "x".repeat(250);
    let odd: [&[u8]; 7] = [
        b"ada",
        b"ada@reset",
        b"a@b@c",
        b"@reset",
        b"\xff\xfe@reset",
        b"%61da@reset",
        long.as_bytes(),
    ];
    for name in odd {
        fs::write(outbox.join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    }
    fs::create_dir(outbox.join("bob@reset")).unwrap();
    fs::write(outbox.join("bob@reset/file"), "x").unwrap();
    symlink("1800000000 sshd", outbox.join("eve@reset")).unwrap();
    symlink("x".repeat(2000), outbox.join("eve@guessed")).unwrap();
    fs::write(outbox.join("waiting/odd"), "x").unwrap();
    symlink("odd", outbox.join("waiting/eve@reset@0.0.1")).unwrap();
    desk.put("ada", NotificationKind::Guessed);
    assert_eq!(desk.post().gather(NOW).dead, 11);
    assert_eq!(desk.claim(NOW).len(), 1);
    assert_eq!(desk.listed(""), ["dead", "sent", "waiting"]);
    assert_eq!((desk.listed("waiting").len(), desk.listed("dead").len()), (1, 12));
}

#[test]
fn a_long_name_is_kept_as_long_as_a_name_can_be() {
    let desk = SpoolFixture::new();
    desk.put(&"x".repeat(246), NotificationKind::Reset);
    assert_eq!(desk.claim(NOW).len(), 0);
    assert_eq!(desk.listed("dead").len(), 1);
    desk.put(&"x".repeat(200), NotificationKind::Reset);
    assert_eq!(desk.claim(NOW).len(), 1);
}

#[test]
fn what_was_sent_is_forgotten_after_the_hour() {
    let desk = SpoolFixture::new();
    desk.put("ada", NotificationKind::Reset);
    let claimed = desk.claim(NOW);
    desk.post().sent(&claimed[0], NOW).unwrap();
    desk.claim(NOW.plus(3599));
    assert_eq!(desk.listed("sent"), ["ada@reset.1800000000"]);
    desk.claim(NOW.plus(3600));
    assert!(desk.listed("sent").is_empty());
}
