//! Decimal text of whole numbers. It does not use `core::fmt`, which would take a tenth of a login's CPU time.

/// Maximum number of decimal digits of a 64-bit number.
const MOST: usize = 20;

/// The decimal text of a number, without sign or leading zeros.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    digits: [u8; MOST],
    begin: usize,
}

impl Decimal {
    /// Formats a number in decimal, without leading zeros.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let (mut digits, mut begin, mut rest) = ([b'0'; MOST], MOST, number);
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            // Below ten, so the cast is lossless.
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            begin = place;
            if rest == 0 {
                break;
            }
        }
        Self { digits, begin }
    }

    /// Returns the decimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let digits = self.digits.get(self.begin..).unwrap_or_default();
        core::str::from_utf8(digits).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;
    use alloc::string::ToString;

    #[test]
    fn numbers_are_written_as_everywhere() {
        for number in [0, 1, 9, 10, 99, 100, 1_795_828_498, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(Decimal::of(number).as_str(), number.to_string());
        }
    }
}
