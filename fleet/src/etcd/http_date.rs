//! Reads the date of an HTTP answer (RFC 9110 section 5.6.7), which tells the clock of an endpoint.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns the Unix time of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; `None` if the text is not such a date.
pub(crate) fn read(text: &str) -> Option<u64> {
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = words.next()?;
    let month = u64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut time = words.next()?.split(':');
    let mut part = |most| time.next()?.parse::<u64>().ok().filter(|part| *part <= most);
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(60)?);
    if words.next() != Some("GMT") || words.next().is_some() {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hours * 3600 + minutes * 60 + seconds)
}

/// Returns the days from 1970-01-01 to a date. `month` is from 0 to 11.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Counted from March on, a leap day is the last day of its year.
    let (year, month) = if month >= 2 { (year, month - 2) } else { (year - 1, month + 10) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, time) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Mon, 30 Nov 2026 20:16:00 GMT", 1_796_069_760),
        ] {
            assert_eq!(read(text), Some(time), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999 08:49:37 GMT",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
