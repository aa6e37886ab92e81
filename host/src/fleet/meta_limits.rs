//! The limits on wrong codes that hold on every host of the fleet, in the description of the fleet: a line `throttle`
//! with the five numbers of the settings' section of this name.

use twinlock_core::{base::error::FleetError, policy::Limits};

/// Word at the start of the line.
pub(super) const WORD: &str = "throttle ";

/// Reads the limits from the text of the description; `None` if it has none.
///
/// # Errors
/// [`FleetError::Unsealed`] if the line has another form.
pub(super) fn read(text: &[u8]) -> Result<Option<Limits>, FleetError> {
    let text = std::str::from_utf8(text).map_err(|_| FleetError::Unsealed)?;
    let Some(line) = text.lines().find_map(|line| line.strip_prefix(WORD)) else {
        return Ok(None);
    };
    let mut words = line.split(' ');
    let mut numbers = [0; 5];
    for number in &mut numbers {
        let word = words.next().and_then(|word| word.parse::<u32>().ok());
        *number = word.ok_or(FleetError::Unsealed)?;
    }
    let [free, delay, max_delay, per_day, in_a_row] = numbers;
    let (delay, max_delay) = (delay.into(), max_delay.into());
    Ok(Some(Limits { free, delay, max_delay, per_day, in_a_row }))
}

/// Returns the line for the limits, with a line end; empty for no limits.
#[cfg(any(test, feature = "tools"))]
pub(super) fn write(limits: Option<Limits>) -> String {
    limits.map_or_else(String::new, |limits| {
        let Limits { free, delay, max_delay, per_day, in_a_row } = limits;
        format!("{WORD}{free} {delay} {max_delay} {per_day} {in_a_row}\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_back_and_others_are_refused() {
        let limits = Limits { free: 3, delay: 30, max_delay: 900, per_day: 20, in_a_row: 50 };
        let text = format!("format 1\nepoch 1\n{}names exact\n", write(Some(limits)));
        assert_eq!(read(text.as_bytes()), Ok(Some(limits)));
        assert_eq!(read(b"format 1\nepoch 1\n"), Ok(None));
        assert_eq!(read(b""), Ok(None));
        assert_eq!(write(None), "");
        for line in
            ["throttle 3 30 900 20", "throttle ", "throttle 3 30 x 20 50", "throttle -1 1 1 1 1"]
        {
            assert_eq!(read(line.as_bytes()), Err(FleetError::Unsealed), "{line}");
        }
    }
}
