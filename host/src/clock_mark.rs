//! The clock mark on disk: the latest time at which a code was used while the wall clock was trusted. The modification
//! time of an empty file stores it. A symbolic link stores each later period in which codes were used while the clock
//! was not trusted.

use rustix::{
    fs::{self, AtFlags, CWD, Mode, OFlags, RawDir, Timespec, Timestamps},
    io::{self, Errno},
};
use twinlock_core::{
    base::time::{Now, UnixTime},
    ledger::{
        Stretch,
        clock_mark::{ClockMark, Distance, KnownClock, MARK_INTERVAL, Trust},
    },
};

use crate::synchronized;

/// The file whose modification time is the clock mark (latest trusted time). Its seconds are wall-clock time. Its
/// nanoseconds field contains a different value: the time of the boot clock, in seconds, at which the mark last moved.
pub const CLOCK: &str = "clock";
/// Prefix of the names of links, one for each period in which codes were used after the clock mark (latest trusted
/// time). The rest of the name is the first second of the period, and the modification time of the link is its last
/// second.
const AHEAD: &str = "ahead.";
/// Maximum time of the boot clock, in seconds, that the nanoseconds field can store: 31 years.
const MOVED_MAX: u64 = 999_999_999;

/// Returns whether the wall clock of this host is synchronized by a time service.
#[must_use]
pub fn is_synchronized() -> bool {
    synchronized::trust() == Trust::Synchronized
}

/// Reads the clock mark and the periods after it in which codes were used; `None` if there is no mark.
///
/// # Errors
/// The errno if the mark or a period cannot be read.
pub fn read(records: &str) -> io::Result<Option<KnownClock>> {
    let Some(mark) = mark(records)? else { return Ok(None) };
    Ok(Some(KnownClock { mark, ahead: ahead(records)? }))
}

fn mark(records: &str) -> io::Result<Option<ClockMark>> {
    let path = [records, "/", CLOCK].concat();
    match fs::statat(CWD, path.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(ClockMark {
            at: seconds(stat.st_mtime),
            made: seconds(stat.st_ctime),
            moved: stat.st_mtime_nsec,
        })),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn seconds(of_file: i64) -> UnixTime {
    UnixTime(u64::try_from(of_file).unwrap_or(0))
}

/// Moves the clock mark (latest trusted time) to the current time, because a code was used. Best effort. If the clock
/// is less than a minute after the mark, the mark stays where it is, so most logins only read it.
pub(crate) fn advance(records: &str, now: Now) {
    let Ok(Some(mark)) = mark(records) else { return };
    match mark.distance(now) {
        Distance::Reached => {}
        Distance::Near => drop(set_mark(records, &mark.moved_to(now.unix, now.boot))),
        Distance::Far => far(records, mark, now),
    }
}

fn far(records: &str, mark: ClockMark, now: Now) {
    let Ok(ahead) = ahead(records) else { return };
    let marked = |one: &Stretch| one.from <= now.unix && now.unix < one.until.plus(MARK_INTERVAL);
    let trust = synchronized::trust();
    if trust == Trust::Alone && ahead.iter().any(marked) {
        return;
    }
    let before = KnownClock { mark, ahead };
    let after = before.clone().used_far_ahead(now, trust);
    if write(records, &before, &after).is_err() {
        // If the period cannot be stored separately, the mark itself is moved, because otherwise the used codes might
        // be accepted later.
        let _ = set_mark(records, &mark.moved_to(now.unix, now.boot));
    }
}

/// Moves the clock mark (latest trusted time) to the time of the wall clock, even if that time is earlier than the
/// mark. An administrator has confirmed that the clock is right. `dropped` contains the periods of the used codes that
/// the caller will remove from the ledger.
///
/// # Errors
/// The errno if the mark cannot be written; the mark is then not moved.
#[cfg(feature = "tools")]
pub(crate) fn believe(records: &str, now: Now, dropped: &[Stretch]) -> io::Result<()> {
    let before = read(records)?.ok_or(Errno::NOENT)?;
    let after = before.clone().believing(now, dropped);
    write(records, &before, &after)
}

/// Writes the periods in which codes were used after the clock mark (latest trusted time), then the mark. Then removes
/// the periods that were merged into others. An interruption in between may cause valid codes to be refused, but never
/// causes used codes to be accepted.
fn write(records: &str, before: &KnownClock, after: &KnownClock) -> io::Result<()> {
    for stretch in after.ahead.iter().filter(|one| !before.ahead.contains(one)) {
        put(records, stretch)?;
    }
    if before.mark != after.mark {
        set_mark(records, &after.mark)?;
    }
    for old in &before.ahead {
        if !after.ahead.iter().any(|one| one.from == old.from) {
            let _ = fs::unlinkat(CWD, name(records, old.from), AtFlags::empty());
        }
    }
    Ok(())
}

fn put(records: &str, stretch: &Stretch) -> io::Result<()> {
    let name = name(records, stretch.from);
    match fs::symlinkat("clock", CWD, &name) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    touch(&name, stretch.until, 0)
}

fn name(records: &str, from: UnixTime) -> String {
    format!("{records}/{AHEAD}{}", from.0)
}

fn set_mark(records: &str, mark: &ClockMark) -> io::Result<()> {
    touch(&[records, "/", CLOCK].concat(), mark.at, mark.moved.min(MOVED_MAX))
}

fn touch(path: &str, at: UnixTime, nanoseconds: u64) -> io::Result<()> {
    let tv_sec = i64::try_from(at.0).unwrap_or(i64::MAX);
    let at = Timespec { tv_sec, tv_nsec: nanoseconds.cast_signed() };
    let times = Timestamps { last_access: at, last_modification: at };
    fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
}

/// Returns the periods that are stored in the records folder, and ignores the other files of the folder. If a period
/// ends before its start, returns only its first second.
fn ahead(records: &str) -> io::Result<Vec<Stretch>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = fs::openat(CWD, records, flags, Mode::empty())?;
    let mut found = Vec::new();
    let mut buffer = Vec::with_capacity(2048);
    let mut names = RawDir::new(&folder, buffer.spare_capacity_mut());
    while let Some(entry) = names.next() {
        let entry = entry?;
        let from = entry.file_name().to_str().ok().and_then(|name| name.strip_prefix(AHEAD));
        let Some(from) = from.and_then(|from| from.parse().ok()).map(UnixTime) else { continue };
        let until = match fs::statat(&folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => seconds(stat.st_mtime),
            // Another login has just merged this period into another period.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(errno),
        };
        found.push(Stretch { from, until: until.max(from) });
    }
    Ok(twinlock_core::ledger::clock_mark::tidy(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::base::time::BootTime;

    fn at(unix: u64, up: u64) -> Now {
        Now { unix: UnixTime(unix), boot: BootTime(0).plus(up) }
    }

    /// Creates a records folder with a clock mark at the time `mark`, last moved at second `moved` of the boot clock.
    fn records(mark: u64, moved: u64) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        std::fs::write(folder.path().join(CLOCK), "").unwrap();
        let mark = ClockMark { at: UnixTime(mark), made: UnixTime(0), moved };
        set_mark(&path, &mark).unwrap();
        (folder, path)
    }

    #[test]
    fn a_mark_moves_with_time_and_keeps_when_it_did() {
        let (_folder, path) = records(50_000, 100);
        for (unix, up, mark, moved) in [
            (50_030, 130, 50_000, 100),
            (50_100, 200, 50_100, 200),
            (40_000, 260, 50_100, 200),
            (50_700, 500, 50_700, 500),
        ] {
            advance(&path, at(unix, up));
            let known = read(&path).unwrap().unwrap();
            assert_eq!((known.mark.at, known.mark.moved), (UnixTime(mark), moved), "{unix}");
            assert_eq!(known.ahead, []);
        }
    }

    #[cfg(feature = "tools")]
    #[test]
    fn times_ahead_are_kept_apart_until_an_administrator_believes_the_clock() {
        let (_folder, path) = records(50_000, 100);
        let before = read(&path).unwrap().unwrap();
        let one = before.clone().used_far_ahead(at(900_000, 200), Trust::Alone);
        write(&path, &before, &one).unwrap();
        let two = one.clone().used_far_ahead(at(900_500, 200), Trust::Alone);
        write(&path, &one, &two).unwrap();
        let known = read(&path).unwrap().unwrap();
        assert_eq!(known.mark.at, UnixTime(50_000));
        assert_eq!(known.ahead, [Stretch { from: UnixTime(900_000), until: UnixTime(900_500) }]);
        let dropped = Stretch { from: UnixTime(2_000_000), until: UnixTime(2_000_000) };
        believe(&path, at(40_000, 300), &[dropped]).unwrap();
        let known = read(&path).unwrap().unwrap();
        assert_eq!((known.mark.at, known.ahead.len()), (UnixTime(40_000), 2));
        believe(&path, at(1_000_000, 400), &[]).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().ahead, [dropped]);
    }

    #[test]
    fn names_that_say_nothing_are_nothing() {
        let (folder, path) = records(50_000, 100);
        for odd in ["ahead.", "ahead.x", "ahead.-1", "ahead.99999999999999999999", "ahea"] {
            std::fs::write(folder.path().join(odd), "").unwrap();
        }
        assert_eq!(read(&path).unwrap().unwrap().ahead, []);
        let backwards = name(&path, UnixTime(u64::MAX));
        std::os::unix::fs::symlink("clock", backwards).unwrap();
        let last = Stretch { from: UnixTime(u64::MAX), until: UnixTime(u64::MAX) };
        assert_eq!(read(&path).unwrap().unwrap().ahead, [last]);
        assert!(read(&format!("{path}/none")).unwrap().is_none());
    }
}
