//! Formats text for a screen: escaped names, times, numbers with nouns, and wrapped lines.

use std::{path::Path, sync::OnceLock};

use twinlock_core::base::time::UnixTime;
pub(crate) use twinlock_doctor::{
    harmless::{Notation, harmless},
    wrap::{WIDTH, columns, wrap},
};

/// Maximum size in bytes of /etc/localtime. Real ones have a few thousand.
const LOCALTIME_MAX: u64 = 128 * 1024;

/// Returns a name or path with control characters and invisible characters escaped.
pub(crate) fn plain(text: &str) -> String {
    let escape = |letter: char| match letter {
        '\'' | '"' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    text.chars().map(escape).collect()
}

/// Returns a date in UTC, such as `2027-01-31`.
pub(crate) fn date(at: UnixTime) -> String {
    let (year, month, day) = at.date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns date and time in the host's time zone, to the second, with the offset from UTC.
pub(crate) fn instant(at: UnixTime) -> String {
    instant_in(at, offset(at))
}

fn instant_in(at: UnixTime, offset: i32) -> String {
    let local = shifted(at, offset);
    let (hours, minutes, seconds) = local.clock();
    let zone = if offset == 0 { "UTC".into() } else { written(offset) };
    format!("{} {hours:02}:{minutes:02}:{seconds:02} {zone}", date(local))
}

/// Returns an offset from UTC in seconds as text, such as `+01:00`.
fn written(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn shifted(at: UnixTime, offset: i32) -> UnixTime {
    UnixTime(at.0.saturating_add_signed(i64::from(offset)))
}

/// Returns the word for the time zone in which tables show times: `local` or `UTC`.
pub(crate) fn zone() -> &'static str {
    if zone_of_host().is_some() { "local" } else { "UTC" }
}

/// Returns the offset in seconds of the host's time zone from UTC, at the time `at`.
fn offset(at: UnixTime) -> i32 {
    let instant = i64::try_from(at.0).unwrap_or(i64::MAX);
    zone_of_host().map_or(0, |zone| {
        zone.find_local_time_type(instant).map_or(0, tz::LocalTimeType::ut_offset)
    })
}

static ZONE: OnceLock<Option<tz::TimeZone>> = OnceLock::new();

/// Sets the time zone of this process to that of /etc/localtime; if the file cannot be read, to UTC. Ignores the
/// variable `TZ`, which the caller controls.
pub(crate) fn use_zone_of_host() {
    let _ = ZONE.set(read_zone(Path::new("/etc/localtime")));
}

fn zone_of_host() -> Option<&'static tz::TimeZone> {
    ZONE.get().and_then(Option::as_ref)
}

fn read_zone(path: &Path) -> Option<tz::TimeZone> {
    let file = std::fs::metadata(path).ok()?;
    let fits = file.is_file() && file.len() <= LOCALTIME_MAX;
    let bytes = fits.then(|| std::fs::read(path).ok()).flatten()?;
    let zone = tz::TimeZone::from_tz_data(&bytes).ok()?;
    let now = zone.find_current_local_time_type().ok()?.ut_offset();
    (now != 0 || !zone.as_ref().transitions().is_empty()).then_some(zone)
}

/// Returns the time of day in the host's time zone, with the offset from UTC.
pub(crate) fn time_of_day(at: UnixTime) -> String {
    let instant = instant(at);
    instant.split_once(' ').map_or_else(String::new, |(_, time)| time.to_owned())
}

/// Returns date and time in the form of RFC 3339, which spreadsheets read.
pub(crate) fn stamp(at: UnixTime) -> String {
    let (hours, minutes, seconds) = at.clock();
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}Z", date(at))
}

/// Returns date and time in the host's time zone, to the minute, for tables.
pub(crate) fn minute(at: UnixTime) -> String {
    let at = shifted(at, offset(at));
    let (hours, minutes, _) = at.clock();
    format!("{} {hours:02}:{minutes:02}", date(at))
}

/// Returns a number with its noun, such as `1 code` or `2 codes`. `one` is the noun in the singular.
pub(crate) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_a_terminal() {
        for (name, shown) in [
            ("ada", "ada"),
            ("åsa o'neil", "åsa o'neil"),
            ("DOM\\ada", "DOM\\\\ada"),
            ("a\n\u{1b}[2Jb", "a\\n\\u{1b}[2Jb"),
            ("\u{202e}ada", "\\u{202e}ada"),
            ("a\u{200b}\u{feff}", "a\\u{200b}\\u{feff}"),
        ] {
            assert_eq!(plain(name), shown);
        }
    }

    #[test]
    fn instants_read_well() {
        let at = UnixTime(1_795_219_205);
        assert_eq!(instant_in(at, 0), "2026-11-21 00:00:05 UTC");
        assert_eq!(instant_in(at, 3600), "2026-11-21 01:00:05 +01:00");
        assert_eq!(instant_in(at, -12_600), "2026-11-20 20:30:05 -03:30");
    }
}
