//! Times and durations as distinct types.

/// Seconds since 1970-01-01 UTC, the "current Unix time" of RFC 6238 section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnixTime(pub u64);

/// Nanoseconds since the kernel started, including suspend (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BootTime(pub u64);

/// A TOTP time step: the number of whole periods since 1970-01-01 UTC (RFC 6238 section 4.2, `T`). For HOTP, the
/// counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(pub u64);

/// The times of the wall clock and the boot clock, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Time of the wall clock, which may jump.
    pub unix: UnixTime,
    /// Time of the boot clock, which never goes back within one boot.
    pub boot: BootTime,
}

/// Seconds per minute.
pub const MINUTE: u64 = 60;
/// Seconds per hour.
pub const HOUR: u64 = 3600;
/// Seconds per day. For one day, the ledger keeps failed attempts and the time steps whose codes were used.
pub const DAY: u64 = 86_400;

const NANOSECONDS: u64 = 1_000_000_000;

impl BootTime {
    /// Returns the time that is `seconds` later, saturating.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(NANOSECONDS)))
    }

    /// Returns whole seconds since the kernel started.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / NANOSECONDS
    }
}

impl UnixTime {
    /// Returns the time that is `seconds` later, saturating.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Returns the seconds from `earlier` to this time; 0 if `earlier` is the later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the number of whole UTC days since 1970-01-01.
    #[must_use]
    pub fn day(self) -> u64 {
        self.0 / DAY
    }

    /// Returns the hour, minute and second of the UTC day.
    #[must_use]
    pub fn clock(self) -> (u64, u64, u64) {
        let second = self.0 % DAY;
        (second / 3600, second / 60 % 60, second % 60)
    }

    /// Returns the first second of the UTC day with this date; `None` if there is no such date. `month` and `day` count
    /// from 1.
    #[must_use]
    pub fn of_date(year: u16, month: u8, day: u8) -> Option<Self> {
        let (year, month, day) = (u64::from(year), u64::from(month), u64::from(day));
        // This is the inverse of `date`, which is called below to verify that the date exists.
        let year_from_march = year.checked_sub(u64::from(month <= 2))?;
        let (era, yoe) = (year_from_march / 400, year_from_march % 400);
        let month_from_march = (month + 9) % 12;
        let doy = ((153 * month_from_march + 2) / 5 + day).checked_sub(1)?;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = (era * 146_097 + doe).checked_sub(719_468)?;
        let at = Self(days.checked_mul(DAY)?);
        (at.date() == (year, month, day)).then_some(at)
    }

    /// Returns the year, month and day of the month in UTC (proleptic Gregorian calendar).
    #[must_use]
    pub fn date(self) -> (u64, u64, u64) {
        // Howard Hinnant's `civil_from_days`: eras of 400 years that begin in March.
        let z = self.day() + 719_468;
        let era = z / 146_097;
        let doe = z % 146_097;
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + u64::from(month <= 2);
        (year, month, doy - (153 * mp + 2) / 5 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, date) in [
            (0, (1970, 1, 1)),
            (951_782_400, (2000, 2, 29)),
            (4_107_542_399, (2100, 2, 28)),
            (1_795_219_200, (2026, 11, 21)),
        ] {
            assert_eq!(UnixTime(unix).date(), date, "{unix}");
        }
        for (year, month, day) in [
            (1970, 1, 1),
            (2000, 2, 29),
            (2026, 11, 21),
            (2027, 12, 31),
            (2100, 3, 1),
            (9999, 12, 31),
        ] {
            let at = UnixTime::of_date(year, month, day).unwrap();
            let date = (u64::from(year), u64::from(month), u64::from(day));
            assert_eq!((at.date(), at.clock()), (date, (0, 0, 0)));
        }
        for (year, month, day) in [
            (1969, 12, 31),
            (2027, 13, 1),
            (2027, 1, 32),
            (2100, 2, 29),
            (27, 1, 1),
            (2027, 0, 1),
            (2027, 1, 0),
        ] {
            assert_eq!(UnixTime::of_date(year, month, day), None, "{year}-{month}-{day}");
        }
        assert_eq!(UnixTime(1_111_111_109).clock(), (1, 58, 29));
    }

    #[test]
    fn a_clock_that_went_back_gives_no_huge_difference() {
        assert_eq!(UnixTime(5).since(UnixTime(9)), 0);
        assert_eq!(UnixTime(u64::MAX).plus(1), UnixTime(u64::MAX));
    }
}
