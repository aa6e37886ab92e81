//! Decodes QR codes in PNG and JPEG files within limits of size and time.

use std::{
    fmt,
    io::Cursor,
    panic::{self, AssertUnwindSafe},
    sync::{
        Once,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use rqrr::PreparedImage;
use zeroize::{Zeroize, Zeroizing};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

/// Maximum size in bytes of a picture file. A photo of 50 million pixels is about this large.
pub(crate) const FILE_MAX: usize = 32 * 1024 * 1024;
/// Maximum number of pixels of a picture.
const PIXELS_MAX: usize = 64 * 1024 * 1024;
const SIDE_MAX: usize = 16 * 1024;
/// Maximum number of QR codes that are read in a picture.
const CODES_MAX: usize = 64;
/// Minimum side length in pixels of the reduced copies of a picture. QR codes are searched in them too, because
/// reducing removes noise.
const SIDE_OF_SCREENS: usize = 320;
/// Side length in pixels above which a picture is reduced before the search. rqrr would take too long, and overflow.
const SIDE_SEARCHED: usize = 4096;
/// Name of the thread that searches a picture.
const SEARCHER: &str = "picture";

/// Maximum time for reading a picture. rqrr compares all triples of finder patterns, of which there can be thousands.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a picture cannot be read. The message does not quote the content of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureError {
    /// The file is neither PNG nor JPEG.
    Format,
    /// The file is text, which another subcommand may be able to import.
    Text,
    /// The picture file is cut off or damaged.
    Damaged,
    /// The picture has colors for print (CMYK) in a form that is not decoded.
    Colors,
    /// The picture has too many pixels.
    TooLarge,
    /// The picture contains no QR code.
    NoCode,
    /// The picture contains QR codes, but none of them can be decoded.
    Unreadable,
    /// The search for QR codes took too long.
    TooSlow,
    /// The kernel did not create a thread for the search.
    NoThread,
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "it is neither a PNG nor a JPEG picture",
            Self::Text => "it is text, not a picture",
            Self::Damaged => "the picture was cut off, or is damaged",
            Self::Colors => "the picture has colors for print, which are not read",
            Self::TooLarge => "the picture has more than 64 million pixels",
            Self::NoCode => "no QR code was found in the picture",
            Self::Unreadable => "a QR code was found in the picture, but it cannot be read",
            Self::TooSlow => "no QR code was found in the picture within ten seconds",
            Self::NoThread => "no thread could be started to read the picture",
        })
    }
}

impl std::error::Error for PictureError {}

/// A picture as gray values, row by row; 0 is black and 255 white.
struct Grey {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<u8>>,
}

/// Returns the texts of all QR codes in a PNG or JPEG file, each once. Takes at most ten seconds.
///
/// # Errors
/// [`PictureError`] if no text can be read.
pub(crate) fn texts(file: &[u8]) -> Result<Vec<Zeroizing<String>>, PictureError> {
    let file = Zeroizing::new(file.to_vec());
    within(PATIENCE, move || search(&file))
}

/// Runs `job` in another thread with the same rights. If it takes longer than `patience`, returns an error; the thread
/// then runs until the process ends.
fn within<T: Send + 'static>(
    patience: Duration,
    job: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
) -> Result<T, PictureError> {
    let (tell, told) = mpsc::channel();
    silence();
    let worker = thread::Builder::new().name(SEARCHER.into()).spawn(move || tell.send(job()));
    worker.map_err(|_| PictureError::NoThread)?;
    told.recv_timeout(patience).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(PictureError::TooSlow),
        RecvTimeoutError::Disconnected => Err(PictureError::Unreadable),
    })
}

/// Suppresses the message of a panic in the search thread. The panic is reported as a picture that cannot be read.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let other = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().name() != Some(SEARCHER) {
                other(panic);
            }
        }));
    });
}

fn search(file: &[u8]) -> Result<Vec<Zeroizing<String>>, PictureError> {
    let grey = match file {
        [0x89, b'P', b'N', b'G', ..] => of_png(file)?,
        [0xff, 0xd8, 0xff, ..] => of_jpeg(file)?,
        text if !text.is_empty() && std::str::from_utf8(text).is_ok() => {
            return Err(PictureError::Text);
        }
        _ => return Err(PictureError::Format),
    };
    let mut found = TextsFound::default();
    let mut grey = grey;
    while grey.width.max(grey.height) > SIDE_SEARCHED {
        grey = grey.halved();
    }
    loop {
        found.look(&grey);
        grey.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        found.look(&grey);
        // If this copy had texts and no unreadable QR code, a reduced copy would show nothing more.
        let is_done = !found.texts.is_empty() && !found.unreadable;
        if is_done || grey.width.max(grey.height) < 2 * SIDE_OF_SCREENS {
            break;
        }
        grey = grey.halved();
    }
    match (found.texts.is_empty(), found.unreadable) {
        (false, _) => Ok(found.texts),
        (true, true) => Err(PictureError::Unreadable),
        (true, false) => Err(PictureError::NoCode),
    }
}

#[derive(Default)]
struct TextsFound {
    texts: Vec<Zeroizing<String>>,
    unreadable: bool,
}

impl TextsFound {
    /// Adds the texts of the QR codes in one copy of the picture. rqrr panics at some geometries; the panic is caught,
    /// because another copy may be readable.
    fn look(&mut self, grey: &Grey) {
        if panic::catch_unwind(AssertUnwindSafe(|| self.detect(grey))).is_err() {
            self.unreadable = true;
        }
    }

    fn detect(&mut self, grey: &Grey) {
        let value =
            |x: usize, y: usize| grey.pixels.get(y * grey.width + x).copied().unwrap_or(u8::MAX);
        let mut image = PreparedImage::prepare_from_greyscale(grey.width, grey.height, value);
        for grid in image.detect_grids().into_iter().take(CODES_MAX) {
            let Ok((_, text)) = grid.decode() else {
                self.unreadable = true;
                continue;
            };
            let text = Zeroizing::new(text);
            if self.texts.len() < CODES_MAX && !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
    }
}

impl Grey {
    fn of(width: usize, height: usize) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Damaged);
        }
        let pixels = width.checked_mul(height).filter(|pixels| *pixels <= PIXELS_MAX);
        let pixels = pixels.filter(|_| width.max(height) <= SIDE_MAX);
        let pixels = pixels.ok_or(PictureError::TooLarge)?;
        Ok(Self { width, height, pixels: Zeroizing::new(Vec::with_capacity(pixels)) })
    }

    /// Returns a copy of half the width and height. Each pixel is the mean of four.
    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Zeroizing::new(Vec::with_capacity(width * height));
        let value = |x: usize, y: usize| {
            u16::from(self.pixels.get(y * self.width + x).copied().unwrap_or(u8::MAX))
        };
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (2 * x, 2 * y);
                let sum = value(x, y) + value(x + 1, y) + value(x, y + 1) + value(x + 1, y + 1);
                pixels.push(u8::try_from(sum / 4).unwrap_or(u8::MAX));
            }
        }
        Self { width, height, pixels }
    }

    /// Adds pixels with 1 to 4 channels: gray or RGB, with or without alpha. Transparent pixels become white.
    fn add(&mut self, samples: &[u8], channels: usize) {
        let grey = |pixel: &[u8]| -> u8 {
            let (value, alpha) = match *pixel {
                [value] => (u32::from(value), 255),
                [value, alpha] => (u32::from(value), u32::from(alpha)),
                [red, green, blue] => (luma(red, green, blue), 255),
                [red, green, blue, alpha] => (luma(red, green, blue), u32::from(alpha)),
                _ => (255, 255),
            };
            let value = (value * alpha + 255 * (255 - alpha)) / 255;
            u8::try_from(value).unwrap_or(u8::MAX)
        };
        self.pixels.extend(samples.chunks_exact(channels.max(1)).map(grey));
    }

    fn is_whole(&self) -> bool {
        self.pixels.len() == self.width * self.height
    }
}

/// Returns the brightness of a color, from 0 to 255 (luma of Rec. 601).
fn luma(red: u8, green: u8, blue: u8) -> u32 {
    (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000
}

fn of_png(file: &[u8]) -> Result<Grey, PictureError> {
    let limits = png::Limits { bytes: 4 * PIXELS_MAX };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(of_png_error)?;
    let (width, height) = reader.info().size();
    let side = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    let mut grey = Grey::of(side(width), side(height))?;
    let channels = reader.output_color_type().0.samples();
    let size = reader.output_buffer_size().ok_or(PictureError::TooLarge)?;
    let mut samples = Zeroizing::new(vec![0; size]);
    reader.next_frame(&mut samples).map_err(of_png_error)?;
    grey.add(&samples, channels);
    if grey.is_whole() { Ok(grey) } else { Err(PictureError::Damaged) }
}

fn of_png_error(error: png::DecodingError) -> PictureError {
    match error {
        png::DecodingError::LimitsExceeded => PictureError::TooLarge,
        png::DecodingError::IoError(_)
        | png::DecodingError::Format(_)
        | png::DecodingError::Parameter(_) => PictureError::Damaged,
    }
}

fn of_jpeg(file: &[u8]) -> Result<Grey, PictureError> {
    let options = DecoderOptions::default()
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(file, options);
    decoder.decode_headers().map_err(|_| PictureError::Damaged)?;
    let (width, height) = decoder.dimensions().ok_or(PictureError::Damaged)?;
    let mut grey = Grey::of(width, height)?;
    let colors = decoder.get_input_colorspace().ok_or(PictureError::Damaged)?;
    let usual = matches!(colors, ColorSpace::Luma | ColorSpace::YCbCr);
    let out = if usual { ColorSpace::Luma } else { ColorSpace::RGB };
    let refused = if usual { PictureError::Damaged } else { PictureError::Colors };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    let mut samples = decoder.decode().map_err(|_| refused)?;
    grey.add(&samples, out.num_components());
    samples.zeroize();
    if grey.is_whole() { Ok(grey) } else { Err(PictureError::Damaged) }
}

#[cfg(test)]
mod tests {
    use twinlock_core::otp::qr::Matrix;

    use super::*;
    use crate::terminal::qr_image;

    const ONE: &str = "otpauth://totp/box:ada?secret=JBSWY3DPEHPK3PXP";
    const TWO: &str = "otpauth://totp/box:bob?secret=GEZDGNBVGY3TQOJQ";

    fn grey(text: &str) -> Grey {
        of_png(&qr_image::png(&Matrix::of(text).unwrap()).unwrap()).unwrap()
    }

    fn png_of(grey: &Grey) -> Vec<u8> {
        let mut bytes = Vec::new();
        let side = |length: usize| u32::try_from(length).unwrap();
        let mut encoder = png::Encoder::new(&mut bytes, side(grey.width), side(grey.height));
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&grey.pixels).unwrap();
        bytes
    }

    fn read(file: &[u8]) -> Result<Vec<String>, PictureError> {
        texts(file).map(|texts| texts.iter().map(|text| text.to_string()).collect())
    }

    /// Returns a picture with `one` above `other`.
    fn both(one: &Grey, other: &Grey) -> Grey {
        let width = one.width.max(other.width);
        let mut pixels = Zeroizing::new(Vec::new());
        for part in [one, other] {
            for row in part.pixels.chunks(part.width) {
                pixels.extend_from_slice(row);
                pixels.extend(std::iter::repeat_n(255, width - part.width));
            }
        }
        Grey { width, height: one.height + other.height, pixels }
    }

    #[test]
    fn every_code_of_a_picture_is_read_once() {
        let (one, two) = (grey(ONE), grey(TWO));
        assert_eq!(read(&png_of(&one)).unwrap(), [ONE]);
        let mut found = read(&png_of(&both(&both(&one, &two), &one))).unwrap();
        found.sort();
        assert_eq!(found, [ONE, TWO]);
    }

    #[test]
    fn light_codes_on_dark_are_read() {
        let mut one = grey(ONE);
        one.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        assert_eq!(read(&png_of(&one)).unwrap(), [ONE]);
    }

    #[test]
    fn what_is_no_picture_of_a_code_is_named() {
        let mut blank = grey(ONE);
        blank.pixels.fill(255);
        let whole = png_of(&grey(ONE));
        for (file, error) in [
            (png_of(&blank), PictureError::NoCode),
            (ONE.as_bytes().to_vec(), PictureError::Text),
            (b"GIF89a\xff\xff".to_vec(), PictureError::Format),
            (Vec::new(), PictureError::Format),
            (whole[..whole.len() / 2].to_vec(), PictureError::Damaged),
            (whole[..12].to_vec(), PictureError::Damaged),
            (vec![0xff, 0xd8, 0xff, 0xe0, 0, 16], PictureError::Damaged),
        ] {
            assert_eq!(read(&file).unwrap_err(), error, "{:?}", file.get(..8));
        }
    }

    #[test]
    fn large_pictures_are_not_decoded() {
        for (width, height) in
            [(16_385_u32, 1_u32), (1, 16_385), (16_000, 16_000), (60_000, 60_000)]
        {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, width, height);
            encoder.set_color(png::ColorType::Grayscale);
            let mut writer = encoder.write_header().unwrap();
            writer.write_chunk(png::chunk::IDAT, &[0x78, 1]).unwrap();
            drop(writer);
            // The picture is refused because of the size in its header, before the missing pixels are noticed.
            assert_eq!(read(&bytes).unwrap_err(), PictureError::TooLarge, "{width}x{height}");
        }
    }

    /// Returns a picture full of finder patterns, the squares at three corners of a QR code.
    fn tiled(side: usize) -> Grey {
        const PITCH: usize = 9;
        let mut pixels = Zeroizing::new(Vec::new());
        for y in 0..side {
            for x in 0..side {
                let (x, y) = (x % PITCH, y % PITCH);
                let ring = x.abs_diff(4).max(y.abs_diff(4));
                pixels.push(if matches!(ring, 2 | 4) { 255 } else { 0 });
            }
        }
        Grey { width: side, height: side, pixels }
    }

    #[test]
    fn search_that_takes_too_long_is_abandoned() {
        let picture = png_of(&tiled(450));
        let begun = std::time::Instant::now();
        assert_eq!(read(&picture).unwrap_err(), PictureError::TooSlow);
        assert!(begun.elapsed() < 10 * PATIENCE);
    }
}
