//! Prints lists of users while they are read: as a table, CSV or a JSON array. Memory use does not grow with the number
//! of users.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::{context::Context, error::exit::CliError, terminal::table::Columns};

/// Number of rows of a table that are collected and aligned together.
const BLOCK: usize = 500;

/// Output format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListForm {
    /// A table with aligned columns, for people.
    Table,
    /// CSV (RFC 4180).
    Csv,
    /// A JSON array with one object for each row.
    Json,
}

/// One row of a list, for each output format.
pub(crate) struct ListRow<const N: usize> {
    /// The cells of the table.
    pub(crate) cells: [String; N],
    /// The fields of the CSV row.
    pub(crate) fields: Vec<String>,
    /// The object in the JSON array.
    pub(crate) object: Value,
}

/// A list that is being printed.
pub(crate) struct Listing<'a, const N: usize> {
    context: &'a Context,
    form: ListForm,
    columns: Columns,
    block: Vec<[String; N]>,
    rows: usize,
}

impl<'a, const N: usize> Listing<'a, N> {
    /// Begins a list. Prints `header` above a table, and `names` as the first row of CSV.
    pub(crate) fn begin(
        context: &'a Context,
        form: ListForm,
        header: [&str; N],
        names: &[&str],
    ) -> Result<Self, CliError> {
        let block = vec![header.map(String::from)];
        let listing = Self { context, form, columns: Columns::default(), block, rows: 0 };
        match form {
            ListForm::Table => {}
            ListForm::Csv => context.print(&record(names))?,
            ListForm::Json => context.print("[")?,
        }
        Ok(listing)
    }

    /// Adds a row. In CSV and JSON, the row is printed at once; in a table, it is printed when a block of rows is
    /// complete.
    pub(crate) fn add(&mut self, row: ListRow<N>) -> Result<(), CliError> {
        self.rows += 1;
        match self.form {
            ListForm::Table => {
                self.block.push(row.cells);
                if self.block.len() < BLOCK {
                    return Ok(());
                }
                self.flush()
            }
            ListForm::Csv => self.context.print(&record(&row.fields)),
            ListForm::Json => {
                let comma = if self.rows > 1 { "," } else { "" };
                self.context.print(&format!("{comma}{}", row.object))
            }
        }
    }

    fn flush(&mut self) -> Result<(), CliError> {
        let text = self.columns.align(&std::mem::take(&mut self.block));
        self.context.print(&text)
    }

    /// Ends the list. Prints the summary `said` below a table. If the table has no rows, prints the text `nobody`
    /// instead of it. In CSV and JSON, both texts are ignored.
    pub(crate) fn end(mut self, said: &str, nobody: &str) -> Result<(), CliError> {
        match self.form {
            ListForm::Table if self.rows == 0 => self.context.print(&format!("{nobody}\n")),
            ListForm::Table => {
                self.flush()?;
                self.context.print(&format!("\n{said}\n"))
            }
            ListForm::Csv => Ok(()),
            ListForm::Json => self.context.print("]\n"),
        }
    }
}

/// Characters with which a formula begins in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Returns a row of CSV. A value that a spreadsheet would read as a formula gets an apostrophe before it, which marks
/// text, because users choose some of the names themselves.
pub(crate) fn record<T: AsRef<str>>(fields: &[T]) -> Zeroizing<String> {
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
