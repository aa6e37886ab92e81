//! Lists of people as they come: a table whose columns grow, CSV, or a JSON array, never all of it in memory.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::{desk::Desk, exit::Failure, table::Columns};

/// Rows that are laid out together.
const BLOCK: usize = 500;

/// What a list is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For eyes.
    Table,
    /// For spreadsheets (RFC 4180).
    Csv,
    /// For scripts.
    Json,
}

/// One row in all its forms.
pub struct Row<const N: usize> {
    /// For eyes.
    pub cells: [String; N],
    /// For spreadsheets.
    pub fields: Vec<String>,
    /// For scripts.
    pub object: Value,
}

/// A list under way.
pub struct Listing<'a, const N: usize> {
    desk: &'a Desk,
    form: Form,
    columns: Columns,
    block: Vec<[String; N]>,
    rows: usize,
}

impl<'a, const N: usize> Listing<'a, N> {
    /// Begins a list with the header of its form.
    pub fn begin(
        desk: &'a Desk,
        form: Form,
        (header, names): ([&str; N], &[&str]),
    ) -> Result<Self, Failure> {
        let block = vec![header.map(String::from)];
        let listing = Self { desk, form, columns: Columns::default(), block, rows: 0 };
        match form {
            Form::Table => {}
            Form::Csv => desk.print(&record(names))?,
            Form::Json => desk.print("[")?,
        }
        Ok(listing)
    }

    /// One more row.
    pub fn add(&mut self, row: Row<N>) -> Result<(), Failure> {
        self.rows += 1;
        match self.form {
            Form::Table => {
                self.block.push(row.cells);
                if self.block.len() < BLOCK {
                    return Ok(());
                }
                self.flush()
            }
            Form::Csv => self.desk.print(&record(&row.fields)),
            Form::Json => {
                let comma = if self.rows > 1 { "," } else { "" };
                self.desk.print(&format!("{comma}{}", row.object))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let text = self.columns.align(&std::mem::take(&mut self.block));
        self.desk.print(&text)
    }

    /// Ends the list; what is said of the whole stands below a table alone, and `nobody` in place of an empty one.
    pub fn end(mut self, (said, nobody): (&str, &str)) -> Result<(), Failure> {
        match self.form {
            Form::Table if self.rows == 0 => self.desk.print(&format!("{nobody}\n")),
            Form::Table => {
                self.flush()?;
                self.desk.print(&format!("\n{said}\n"))
            }
            Form::Csv => Ok(()),
            Form::Json => self.desk.print("]\n"),
        }
    }
}

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One line of CSV. Names are chosen by strangers: what would be a formula stands behind an apostrophe, which
/// spreadsheets take for a sign that text follows.
pub fn record<T: AsRef<str>>(fields: &[T]) -> Zeroizing<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for field in fields {
        let field = field.as_ref();
        let text = if field.starts_with(FORMULA) { format!("'{field}") } else { field.to_owned() };
        // Writing to memory cannot fail.
        let _ = writer.write_field(text);
    }
    let _ = writer.write_record(None::<&[u8]>);
    Zeroizing::new(String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(
            record(&["a,b", "c\"d", "e\nf", "g"]).as_str(),
            "\"a,b\",\"c\"\"d\",\"e\nf\",g\n"
        );
    }

    #[test]
    fn nothing_is_a_formula() {
        let found = record(&["=1+1", "+1", "-x", "@SUM(1)", "\t=1", "a=1"]);
        assert_eq!(found.as_str(), "'=1+1,'+1,'-x,'@SUM(1),'\t=1,a=1\n");
        assert_eq!(record(&[""; 2]).as_str(), ",\n");
    }
}
