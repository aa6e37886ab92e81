//! QR codes, drawn as text with half blocks or in plain ASCII.

use alloc::{string::String, vec, vec::Vec};

use qrcodegen_no_heap::{QrCode, QrCodeEcc, QrSegment, Version};
use zeroize::{Zeroize, Zeroizing};

/// Number of light modules on each side of a drawing. The standard asks for four, but scanners need fewer.
pub const MARGIN: usize = 2;
/// Maximum width of a drawing in columns. Every terminal has this width, and every client shows it without a line
/// break.
pub const COLUMNS: usize = 78;
/// Minimum length of a run of consecutive upper-case letters and digits that is encoded in the alphanumeric mode. This
/// mode takes 5.5 bits per character instead of 8, but adds two segment headers.
const RUN_MIN: usize = 16;

/// The modules of a QR code. They are wiped when dropped, because they contain a key.
pub struct Matrix {
    side: usize,
    dark: Zeroizing<Vec<u8>>,
}

/// The modules of a QR code that are drawn as characters. The others are drawn as spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Light modules are drawn, for light text on a dark background.
    Light,
    /// Dark modules are drawn, for dark text on a light background.
    Dark,
}

/// The text is too long for a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QrTooLongError;

impl core::fmt::Display for QrTooLongError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the text is too long for a QR code")
    }
}

impl core::error::Error for QrTooLongError {}

impl Matrix {
    /// Encodes a text at the lowest error correction level, which gives the smallest QR code.
    ///
    /// # Errors
    /// [`QrTooLongError`] if the text is too long for a QR code.
    pub fn of(text: &str) -> Result<Self, QrTooLongError> {
        let (before, run, after) = around_the_longest_run(text);
        let mut bits = vec![0; 2 * run.len()];
        let mut codewords = vec![0; Version::MAX.buffer_len()];
        let mut scratch = vec![0; Version::MAX.buffer_len()];
        let segments = [
            QrSegment::make_bytes(before.as_bytes()),
            QrSegment::make_alphanumeric(run, &mut bits),
            QrSegment::make_bytes(after.as_bytes()),
        ];
        // Empty segments are left out, because each one costs a header.
        let wanted = |segment: &QrSegment<'_>| segment.num_chars() > 0;
        let segments: Vec<_> = segments.into_iter().filter(wanted).collect();
        let (least, most) = (Version::MIN, Version::MAX);
        let low = QrCodeEcc::Low;
        let fitted =
            QrCode::encode_segments_to_codewords(&segments, &mut codewords, low, least, most, true);
        drop(segments);
        let matrix = fitted.map_err(|_| QrTooLongError).map(|(length, ecc, version)| {
            let code =
                QrCode::encode_codewords(&mut codewords, length, &mut scratch, ecc, version, None);
            Self::from_code(&code)
        });
        bits.zeroize();
        scratch.zeroize();
        codewords.zeroize();
        matrix
    }

    fn from_code(code: &QrCode<'_>) -> Self {
        let side = code.size();
        let all = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        let dark = all.map(|(x, y)| u8::from(code.get_module(x, y))).collect();
        Self { side: usize::try_from(side).unwrap_or(0), dark: Zeroizing::new(dark) }
    }

    /// Returns the length of one side of the QR code in modules, without the margin.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Returns whether the module in column `x` and row `y`, from 0, is dark. All modules outside the QR code are
    /// light.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = x < self.side && y < self.side;
        inside && self.dark.get(y * self.side + x).is_some_and(|module| *module == 1)
    }

    /// Returns the number of columns that [`Matrix::half_blocks`] draws.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.side + 2 * MARGIN
    }

    /// Returns the number of columns that [`Matrix::ascii`] draws.
    #[must_use]
    pub fn ascii_columns(&self) -> usize {
        2 * (self.side + 2 * self.ascii_margin())
    }

    /// Returns the margin of an ASCII drawing in modules: [`MARGIN`], or half of it if the drawing is otherwise too
    /// wide for the terminal.
    fn ascii_margin(&self) -> usize {
        if 2 * (self.side + 2 * MARGIN) <= COLUMNS { MARGIN } else { MARGIN / 2 }
    }

    /// Draws the QR code with half blocks, two modules per character. Each line ends with a newline.
    #[must_use]
    pub fn half_blocks(&self, ink: Ink) -> Zeroizing<String> {
        let mut drawing =
            Zeroizing::new(String::with_capacity(self.columns() * self.columns() * 2));
        for y in (0..self.columns()).step_by(2) {
            for x in 0..self.columns() {
                let inked = |y| self.inked(x, y, MARGIN, ink);
                drawing.push(match (inked(y), inked(y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            drawing.push('\n');
        }
        drawing
    }

    /// Draws the QR code with `##` and spaces, two characters per module. Each line ends with a newline.
    #[must_use]
    pub fn ascii(&self, ink: Ink) -> Zeroizing<String> {
        let margin = self.ascii_margin();
        let rows = self.side + 2 * margin;
        let mut drawing = Zeroizing::new(String::with_capacity(rows * (2 * rows + 1)));
        for y in 0..rows {
            for x in 0..rows {
                let inked = self.inked(x, y, margin, ink);
                drawing.push_str(if inked { "##" } else { "  " });
            }
            drawing.push('\n');
        }
        drawing
    }

    /// Returns whether a module is drawn. `x` and `y` count the modules of the drawing from 0, including `margin`
    /// modules on each side.
    fn inked(&self, x: usize, y: usize, margin: usize, ink: Ink) -> bool {
        let module = x.checked_sub(margin).zip(y.checked_sub(margin));
        let dark = module.is_some_and(|(x, y)| self.is_dark(x, y));
        dark == (ink == Ink::Dark)
    }
}

/// Splits a text at its longest run of upper-case letters and digits, which is a key. Returns the texts before the run,
/// of the run, and after the run.
fn around_the_longest_run(text: &str) -> (&str, &str, &str) {
    let is_outside = |letter: char| !letter.is_ascii_uppercase() && !letter.is_ascii_digit();
    let longest = text.split(is_outside).max_by_key(|run| run.len()).unwrap_or_default();
    let found = text.split_once(longest).filter(|_| longest.len() >= RUN_MIN);
    found.map_or((text, "", ""), |(before, after)| (before, longest, after))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const URI: &str = "otpauth://totp/twinbox:ada?secret=JBSWY3DPEHPK3PXP&issuer=twinbox";

    /// Returns the rows of modules that a drawing with half blocks shows, including the margin; `true` is a dark
    /// module.
    fn read_back(drawing: &str, ink: Ink) -> Vec<Vec<bool>> {
        let dark = |drawn: bool| drawn == (ink == Ink::Dark);
        let upper = |letter| dark(matches!(letter, '█' | '▀'));
        let lower = |letter| dark(matches!(letter, '█' | '▄'));
        let rows = drawing.lines().flat_map(|line| {
            [line.chars().map(upper).collect(), line.chars().map(lower).collect()]
        });
        rows.collect()
    }

    #[test]
    fn a_drawing_shows_every_module_inside_its_margin() {
        let matrix = Matrix::of(URI).unwrap();
        for ink in [Ink::Light, Ink::Dark] {
            let rows = read_back(&matrix.half_blocks(ink), ink);
            for (y, row) in rows.iter().enumerate() {
                assert_eq!(row.len(), matrix.columns());
                for (x, dark) in row.iter().enumerate() {
                    let module = x.checked_sub(MARGIN).zip(y.checked_sub(MARGIN));
                    let right = module.is_some_and(|(x, y)| matrix.is_dark(x, y));
                    // Below the last whole line there are no modules, and nothing is drawn.
                    assert!(*dark == right || y >= matrix.columns(), "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn the_finders_stand_in_three_corners() {
        let matrix = Matrix::of(URI).unwrap();
        let last = matrix.side() - 1;
        let finder = |x, y| matrix.is_dark(x, y) && !matrix.is_dark(x.abs_diff(1), y.abs_diff(1));
        assert!(finder(0, 0) && matrix.is_dark(3, 3));
        assert!(matrix.is_dark(last, 0) && !matrix.is_dark(last - 1, 1));
        assert!(matrix.is_dark(0, last) && !matrix.is_dark(1, last - 1));
        assert!(!matrix.is_dark(matrix.side(), 0));
    }

    #[test]
    fn ascii_is_ascii_and_twice_as_wide() {
        let matrix = Matrix::of(URI).unwrap();
        let drawing = matrix.ascii(Ink::Dark);
        assert_eq!(drawing.lines().count() * 2, matrix.ascii_columns());
        for line in drawing.lines() {
            assert_eq!(line.len(), matrix.ascii_columns());
            assert!(line.bytes().all(|byte| matches!(byte, b'#' | b' ')));
        }
        assert!(drawing.starts_with(&" ".repeat(matrix.ascii_columns())));
        assert!(matrix.ascii(Ink::Light).starts_with(&"#".repeat(matrix.ascii_columns())));
    }

    #[test]
    fn a_key_is_written_as_letters_and_makes_the_picture_smaller() {
        let key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let uri = format!("otpauth://totp/twinbox:ada?secret={key}&issuer=twinbox");
        assert_eq!(around_the_longest_run(&uri).1, key);
        assert_eq!(Matrix::of(&uri).unwrap().side(), 33);
        assert_eq!(Matrix::of(&uri.to_lowercase()).unwrap().side(), 37);
        assert_eq!(around_the_longest_run("SHORT text"), ("SHORT text", "", ""));
        assert_eq!(around_the_longest_run(""), ("", "", ""));
    }

    #[test]
    fn ascii_of_a_usual_key_fits_every_terminal() {
        let key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        for issuer in ["web", "mail.example.org"] {
            let uri = format!("otpauth://totp/{issuer}:ada?secret={key}&issuer={issuer}");
            assert!(Matrix::of(&uri).unwrap().ascii_columns() <= COLUMNS, "{issuer}");
        }
    }

    #[test]
    fn a_usual_key_fits_a_usual_terminal() {
        let long = "otpauth://totp/host.example.org:ada.lovelace?secret=\
                    JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=host.example.org";
        let matrix = Matrix::of(long).unwrap();
        assert!(matrix.columns() <= 80 && matrix.columns().div_ceil(2) <= 24);
    }

    #[test]
    fn what_no_code_holds_is_said() {
        assert_eq!(Matrix::of(&"x".repeat(2953)).map(|matrix| matrix.side()), Ok(177));
        assert_eq!(Matrix::of(&"x".repeat(2954)).map(|matrix| matrix.side()), Err(QrTooLongError));
    }
}
