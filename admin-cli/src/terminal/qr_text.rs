//! Draws QR codes with characters, as standard output can show them.

use core::fmt;
use std::io::IsTerminal;

use twinlock_core::otp::qr::{Ink, Matrix};
use zeroize::Zeroizing;

/// Escape sequence for black on white. It uses colors that themes of terminals do not change.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const WHITE_ON_BLACK: &str = "\x1b[38;5;231;48;5;16m";
const PLAIN: &str = "\x1b[0m";

/// What standard output can show: colors, and a number of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputScreen {
    /// Whether a drawing sets colors.
    pub(crate) paint: Paint,
    /// Width in columns; `None` if it is not known.
    pub(crate) columns: Option<usize>,
}

/// Whether a drawing sets colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// The drawing sets black and white by escape sequences.
    Colours,
    /// The drawing sets no colors. The terminal is assumed to show light text on a dark background.
    None,
}

/// How a QR code is drawn: the characters, and which modules are dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// The characters of which the drawing consists.
    pub(crate) letters: Letters,
    /// Whether dark and light are swapped.
    pub(crate) shade: Shade,
}

/// The characters of which a drawing consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Half blocks. Each character stands for two modules, one above the other.
    Blocks,
    /// Blanks and `#`. Two characters stand for one module.
    Ascii,
}

/// Whether dark and light are swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shade {
    /// Dark modules are drawn on a light background, as scanners expect.
    Usual,
    /// Light modules are drawn on a dark background.
    Swapped,
}

/// Error: the drawing is wider than the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooNarrowError {
    /// Number of columns that the drawing has.
    pub(crate) needed: usize,
    /// Number of columns that the screen has.
    pub(crate) there: usize,
}

impl fmt::Display for TooNarrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, there } = self;
        write!(f, "The QR code takes {needed} columns and this terminal has {there}")
    }
}

impl core::error::Error for TooNarrowError {}

impl OutputScreen {
    /// Finds out what standard output can show. Without a terminal, or if `NO_COLOR` is set, drawings set no colors.
    pub(crate) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = stdout.is_terminal() && unset("NO_COLOR") && !dumb;
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let columns = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        Self { paint: if colours { Paint::Colours } else { Paint::None }, columns }
    }

    /// Draws a QR code. Each line ends with a newline.
    ///
    /// # Errors
    /// [`TooNarrowError`] if the drawing is wider than the screen.
    pub(crate) fn draw(
        self,
        matrix: &Matrix,
        style: Style,
    ) -> Result<Zeroizing<String>, TooNarrowError> {
        let needed = match style.letters {
            Letters::Blocks => matrix.columns(),
            Letters::Ascii => matrix.ascii_columns(),
        };
        match self.columns {
            Some(there) if there < needed => return Err(TooNarrowError { needed, there }),
            Some(_) | None => {}
        }
        Ok(match self.paint {
            Paint::Colours => painted(matrix, style),
            Paint::None => plain(matrix, style),
        })
    }
}

/// Draws a QR code without colors, for a terminal with light text on a dark background.
fn plain(matrix: &Matrix, style: Style) -> Zeroizing<String> {
    let ink = match style.shade {
        Shade::Usual => Ink::Light,
        Shade::Swapped => Ink::Dark,
    };
    drawn(matrix, style.letters, ink)
}

fn painted(matrix: &Matrix, style: Style) -> Zeroizing<String> {
    let colours = match style.shade {
        Shade::Usual => BLACK_ON_WHITE,
        Shade::Swapped => WHITE_ON_BLACK,
    };
    let drawing = drawn(matrix, style.letters, Ink::Dark);
    let mut painted = Zeroizing::new(String::with_capacity(drawing.len() * 12));
    for line in drawing.lines() {
        painted.push_str(colours);
        match style.letters {
            Letters::Blocks => painted.push_str(line),
            // A `#` would leave a part of a dark module light, so a blank in reverse video is drawn instead.
            Letters::Ascii => painted.push_str(&solid(line)),
        }
        painted.push_str(PLAIN);
        painted.push('\n');
    }
    painted
}

fn drawn(matrix: &Matrix, letters: Letters, ink: Ink) -> Zeroizing<String> {
    match letters {
        Letters::Blocks => matrix.half_blocks(ink),
        Letters::Ascii => matrix.ascii(ink),
    }
}

fn solid(line: &str) -> Zeroizing<String> {
    Zeroizing::new(line.replace("##", "\x1b[7m  \x1b[27m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(paint: Paint, columns: usize) -> OutputScreen {
        OutputScreen { paint, columns: Some(columns) }
    }

    const BLOCKS: Style = Style { letters: Letters::Blocks, shade: Shade::Usual };
    const ASCII: Style = Style { letters: Letters::Ascii, shade: Shade::Usual };

    #[test]
    fn a_drawing_that_does_not_fit_is_not_made() {
        let matrix = Matrix::of("otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP").unwrap();
        let columns = matrix.columns();
        assert!(screen(Paint::None, columns).draw(&matrix, BLOCKS).is_ok());
        let narrow = TooNarrowError { needed: columns, there: columns - 1 };
        assert_eq!(screen(Paint::None, columns - 1).draw(&matrix, BLOCKS).unwrap_err(), narrow);
        assert!(screen(Paint::None, columns).draw(&matrix, ASCII).is_err());
        let unknown = OutputScreen { paint: Paint::None, columns: None };
        assert!(unknown.draw(&matrix, ASCII).is_ok());
    }

    #[test]
    fn colours_are_set_and_ended_on_every_line() {
        let matrix = Matrix::of("text").unwrap();
        for style in [BLOCKS, ASCII, Style { shade: Shade::Swapped, ..ASCII }] {
            let drawing = screen(Paint::Colours, 99).draw(&matrix, style).unwrap();
            assert!(drawing.lines().all(|line| line.starts_with("\x1b[38;5;")));
            assert!(drawing.lines().all(|line| line.ends_with(PLAIN)));
            assert!(!drawing.contains('#'));
        }
        let bare = screen(Paint::None, 99).draw(&matrix, BLOCKS).unwrap();
        assert!(!bare.contains('\x1b'));
    }

    #[test]
    fn swapping_swaps() {
        let matrix = Matrix::of("text").unwrap();
        let draw = |shade, paint| {
            let style = Style { letters: Letters::Ascii, shade };
            screen(paint, 99).draw(&matrix, style).unwrap()
        };
        assert!(draw(Shade::Usual, Paint::None).starts_with("####"));
        assert!(draw(Shade::Swapped, Paint::None).starts_with("    "));
        assert!(draw(Shade::Usual, Paint::Colours).starts_with(BLACK_ON_WHITE));
        assert!(draw(Shade::Swapped, Paint::Colours).starts_with(WHITE_ON_BLACK));
    }
}
