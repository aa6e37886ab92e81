//! Writes a table and wraps the text of its cells, so that the table fits on the terminal.
use std::io::{self, Write};

use textwrap::{Options, WordSplitter};

use crate::wrap::columns;

const GAP: usize = 2;
/// Minimum width of a table column, in characters.
const NARROWEST: usize = 8;

/// Writes `rows` as a table. The first row contains the headings. If a line is wider than the terminal, the widest
/// columns are made narrower, but none of them narrower than 8 characters.
///
/// # Errors
/// [`io::Error`] if the output cannot be written.
pub fn write(out: &mut dyn Write, rows: &[Vec<String>]) -> io::Result<()> {
    write_within(columns(), out, rows)
}

fn write_within(room: usize, out: &mut dyn Write, rows: &[Vec<String>]) -> io::Result<()> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let longest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..count).map(longest).collect();
    while widths.iter().sum::<usize>() + GAP * count.saturating_sub(1) > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            Some(_) | None => break,
        }
    }
    for (number, row) in rows.iter().enumerate() {
        line(out, row, &widths)?;
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            line(out, &rule, &widths)?;
        }
    }
    Ok(())
}

fn line(out: &mut dyn Write, row: &[String], widths: &[usize]) -> io::Result<()> {
    let cells: Vec<Vec<String>> =
        row.iter().zip(widths).map(|(cell, width)| wrapped(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..height {
        let parts = cells.iter().zip(widths).map(|(cell, width)| {
            let text = cell.get(number).map_or("", String::as_str);
            format!("{text:width$}")
        });
        let parts: Vec<String> = parts.collect();
        writeln!(out, "{}", parts.join(&" ".repeat(GAP)).trim_end())?;
    }
    Ok(())
}

fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let options = Options::new(width.max(1)).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(cell, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_table_fits_and_keeps_its_words() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let long = "user ada, group operators, from 203.0.113.0/24, not enrolled";
        let rows = [row(["service", "a", "b"]), row(["gdm-smartcard-pkcs11", long, long])];
        for room in [78, 64] {
            let mut out = Vec::new();
            write_within(room, &mut out, &rows).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.lines().all(|line| line.chars().count() <= room), "{text}");
            assert!(text.contains("gdm-smartcard-pkcs11"), "{text}");
            for word in long.split_whitespace() {
                assert_eq!(text.matches(word).count(), 2, "{word}: {text}");
            }
        }
    }
}
