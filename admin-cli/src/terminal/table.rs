//! Tables for a terminal, with aligned columns. The last column is wrapped.

use crate::text::{WIDTH, columns, wrap};

/// Maximum width of the first column in characters. After a longer cell, the row continues on the next line.
const FIRST_MAX: usize = 24;
const GAP: usize = 2;

/// Column widths in characters of a table that is printed in parts. They never become smaller.
#[derive(Default)]
pub(crate) struct Columns(Vec<usize>);

impl Columns {
    /// Returns rows of N cells as text with aligned columns.
    pub(crate) fn align<const N: usize>(&mut self, rows: &[[String; N]]) -> String {
        let wanted = widths(rows);
        self.0.resize(wanted.len(), 0);
        self.0.iter_mut().zip(wanted).for_each(|(width, wanted)| *width = wanted.max(*width));
        let indent = self.0.iter().map(|width| width + GAP).sum();
        rows.iter().map(|row| line(row, &self.0, indent)).collect()
    }
}

/// Returns the widths in characters of all columns but the last one, which needs none.
fn widths<const N: usize>(rows: &[[String; N]]) -> Vec<usize> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let lengths = cells.map(|cell| cell.chars().count());
        let most = if column == 0 { FIRST_MAX } else { WIDTH };
        lengths.filter(|length| *length <= most).max().unwrap_or(0)
    };
    (0..N.saturating_sub(1)).map(width).collect()
}

fn line<const N: usize>(row: &[String; N], widths: &[usize], indent: usize) -> String {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let length = cell.chars().count();
        text.push_str(cell);
        if length > *width {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', width + GAP));
        } else {
            text.extend(std::iter::repeat_n(' ', width - length + GAP));
        }
    }
    if let Some(last) = row.last() {
        let room = columns().saturating_sub(indent).max(8);
        let wrapped = wrap(last, room, 0);
        text.push_str(&wrapped.replace('\n', &format!("\n{}", " ".repeat(indent))));
    }
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 3]) -> [String; 3] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [row(["USER", "STATE", "APPS"]), row(["ada", "enrolled", "app"])];
        assert_eq!(Columns::default().align(&rows), "USER  STATE     APPS\nada   enrolled  app\n");
    }

    #[test]
    fn a_long_name_gets_a_line_and_a_long_list_several() {
        let long = "x".repeat(40);
        let many = "token ".repeat(14);
        let rows = [row(["USER", "STATE", "APPS"]), row([&long, "enrolled", many.trim_end()])];
        let table = Columns::default().align(&rows);
        assert!(table.lines().all(|line| line.chars().count() <= WIDTH), "{table}");
        assert_eq!(table.lines().nth(1), Some(long.as_str()));
        assert_eq!(table.matches("token").count(), 14);
        let columns: Vec<_> = table.lines().skip(2).filter_map(|line| line.find("token")).collect();
        assert!(columns.len() > 1 && columns.iter().all(|column| *column == 16), "{table}");
    }

    #[test]
    fn an_empty_cell_leaves_no_blanks_behind() {
        assert_eq!(Columns::default().align(&[row(["a", "", ""])]), "a\n");
    }

    #[test]
    fn columns_of_a_later_part_stand_below_those_of_the_first() {
        let mut columns = Columns::default();
        columns.align(&[row(["USER", "STATE", "APPS"]), row(["barbara", "enrolled", "app"])]);
        assert_eq!(columns.align(&[row(["ada", "removed", "-"])]), "ada      removed   -\n");
    }
}
