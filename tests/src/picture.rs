//! QR codes as a phone sees them, decoded by zbarimg, which shares no code with twinlock.

use std::io::Write;
use std::process::{Command, Stdio};

/// Side length in pixels of a module, one of the small squares of a QR code.
const SCALE: usize = 6;

/// Returns the text of the QR code in a picture file; `None` if there is none or it cannot be read.
pub fn scanned(picture: &[u8]) -> Option<String> {
    let read = piped("zbarimg", &["-q", "--raw", "-"], picture);
    let text = String::from_utf8_lossy(&read).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Converts an SVG file to a PNG file.
pub fn svg_to_png(svg: &[u8]) -> Vec<u8> {
    piped("rsvg-convert", &[], svg)
}

/// Returns a picture file of the QR code in a terminal's output. The terminal has light text on a dark background,
/// unless a line sets colors.
///
/// Leaves out all lines that are not part of the QR code. Only lines of half blocks, or of `##` and blanks, are part
/// of it.
pub fn photographed(transcript: &str) -> Vec<u8> {
    let lines = transcript.split('\n').map(|line| line.trim_end_matches('\r'));
    let rows: Vec<Vec<bool>> = lines.filter_map(rows_of).flatten().collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut picture = format!("P2\n{} {}\n1\n", width * SCALE, rows.len() * SCALE);
    for row in &rows {
        let light = |x: usize| if row.get(x) == Some(&true) { "1 " } else { "0 " };
        let line: String = (0..width).map(|x| light(x).repeat(SCALE)).collect();
        picture.push_str(&format!("{line}\n").repeat(SCALE));
    }
    picture.into_bytes()
}

/// Converts a line to rows of modules of a QR code, where `true` is a light one; `None` if the line is not part of a
/// QR code.
fn rows_of(line: &str) -> Option<Vec<Vec<bool>>> {
    let dark_on_light = line.starts_with("\x1b[38;5;16;48;5;231m");
    let bare = without_colours(line);
    let blocks = |letter| matches!(letter, '█' | '▀' | '▄' | ' ');
    if bare.chars().count() < 25 {
        return None;
    }
    if bare.chars().all(blocks) {
        let light = |ink: bool| ink != dark_on_light;
        let upper = bare.chars().map(|letter| light(matches!(letter, '█' | '▀'))).collect();
        let lower = bare.chars().map(|letter| light(matches!(letter, '█' | '▄'))).collect();
        return Some(vec![upper, lower]);
    }
    let ascii = bare.chars().all(|letter| matches!(letter, '#' | ' '));
    let letters: Vec<char> = bare.chars().collect();
    ascii.then(|| vec![letters.iter().step_by(2).map(|letter| *letter == '#').collect()])
}

/// Returns whether the line is part of a QR code.
pub(crate) fn is_square(line: &str) -> bool {
    rows_of(line).is_some()
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, text)| text));
    rest.fold(first, |text, part| text + part)
}

fn piped(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| panic!("{program} cannot be started ({e}): see tests/packages.txt"));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("a program's output");
    let _ = feeder.join();
    output.stdout
}
