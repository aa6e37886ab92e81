//! Writes QR codes as PNG and SVG files with mode 0600. An existing file is never overwritten.

use std::{io::Write, path::Path};

use twinlock_core::otp::qr::Matrix;
use twinlock_host::new_file::{NewFile, Vacancy};
use zeroize::Zeroizing;

use crate::error::{
    caller_files::unwritable,
    exit::{CliError, Exit},
};

/// Width of the light margin around a QR code, in modules, as ISO/IEC 18004 requires.
const MARGIN: usize = 4;
/// Side length of a module in pixels.
const SCALE: usize = 8;

/// The picture files of a key. They are deleted when this value is dropped, unless [`Pictures::keep`] is called: no
/// file may contain a key that was not enrolled.
#[derive(Default)]
pub(crate) struct Pictures {
    written: Vec<NewFile>,
}

impl Pictures {
    /// Creates a picture file with this content. An existing file is an error.
    pub(crate) fn add(&mut self, path: &str, content: &[u8]) -> Result<(), CliError> {
        let made = Vacancy::find(Path::new(path)).and_then(Vacancy::create);
        let made = made.map_err(|error| unwritable(path, &error))?;
        let written = (&made.file).write_all(content).and_then(|()| made.file.sync_all());
        // Recorded even if writing failed, so that a partial file is removed too.
        self.written.push(made);
        written.map_err(|error| unwritable(path, &error.into()))
    }

    /// Keeps the files, because the key is in use now.
    pub(crate) fn keep(mut self) {
        self.written.clear();
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        for made in &self.written {
            let _ = made.remove();
        }
    }
}

/// Checks, before the operation begins, that a file can be created at the path.
pub(crate) fn must_be_free(path: &str) -> Result<(), CliError> {
    match Vacancy::find(Path::new(path)) {
        Ok(_) => Ok(()),
        Err(error) => Err(unwritable(path, &error).but("nothing was changed")),
    }
}

/// Returns the bytes of a PNG file with a QR code, one bit per pixel.
pub(crate) fn png(matrix: &Matrix) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let side = (matrix.side() + 2 * MARGIN) * SCALE;
    let mut bytes = Zeroizing::new(Vec::new());
    let pixels = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut *bytes, pixels, pixels);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&rows(matrix, side))?;
        writer.finish()
    });
    written.map_err(|error| {
        let what = format!("the picture cannot be made ({error})");
        CliError::new(Exit::Refused, what, "Use --svg in place of --png.")
    })?;
    Ok(bytes)
}

/// Returns the rows of pixels for a PNG file, each padded to whole bytes; a bit of 1 is white. `side` is the number of
/// pixels in a row.
fn rows(matrix: &Matrix, side: usize) -> Zeroizing<Vec<u8>> {
    let mut rows = Zeroizing::new(Vec::with_capacity(side * side.div_ceil(8)));
    let light = |x: usize, y: usize| {
        let module = (x / SCALE).checked_sub(MARGIN).zip((y / SCALE).checked_sub(MARGIN));
        !module.is_some_and(|(x, y)| matrix.is_dark(x, y))
    };
    for y in 0..side {
        for first in (0..side).step_by(8) {
            let bits = (first..first + 8).map(|x| u8::from(x < side && light(x, y)));
            rows.push(bits.fold(0, |byte, bit| byte << 1 | bit));
        }
    }
    rows
}

/// Returns the text of an SVG file with a QR code: one path of squares on a white background.
pub(crate) fn svg(matrix: &Matrix) -> Zeroizing<String> {
    let side = matrix.side() + 2 * MARGIN;
    let pixels = side * SCALE;
    let mut text = Zeroizing::new(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" \
         viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\n\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\n<path fill=\"#000\" d=\""
    ));
    for y in 0..matrix.side() {
        for x in (0..matrix.side()).filter(|x| matrix.is_dark(*x, y)) {
            text.push_str(&format!("M{} {}h1v1h-1z", x + MARGIN, y + MARGIN));
        }
    }
    text.push_str("\"/>\n</svg>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_has_the_modules() {
        let matrix = Matrix::of("text").unwrap();
        let bytes = png(&matrix).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&*bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let side = matrix.side() + 2 * MARGIN;
        assert_eq!((info.width as usize, info.height as usize), (side * SCALE, side * SCALE));
        for y in 0..side {
            for x in 0..side {
                let (column, row) = (x * SCALE + SCALE / 2, y * SCALE + SCALE / 2);
                let byte = pixels[row * info.line_size + column / 8];
                let light = byte >> (7 - column % 8) & 1 == 1;
                let module = x.checked_sub(MARGIN).zip(y.checked_sub(MARGIN));
                assert_eq!(!light, module.is_some_and(|(x, y)| matrix.is_dark(x, y)), "{x} {y}");
            }
        }
    }

    #[test]
    fn an_svg_has_a_square_for_each_dark_module() {
        let matrix = Matrix::of("text").unwrap();
        let all = (0..matrix.side()).flat_map(|y| (0..matrix.side()).map(move |x| (x, y)));
        let dark = all.filter(|(x, y)| matrix.is_dark(*x, *y)).count();
        assert_eq!(svg(&matrix).matches("h1v1h-1z").count(), dark);
    }
}
