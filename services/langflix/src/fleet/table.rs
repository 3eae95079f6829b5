use unicode_width::UnicodeWidthStr as _;

/// Rows whose cells line up.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

struct Column {
    head: &'static str,
    is_number: bool,
}

impl Table {
    /// A table with these heads; those that end in `#` stand over numbers, which line up at their end.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        let column = |head: &&'static str| match head.strip_suffix('#') {
            Some(head) => Column { head, is_number: true },
            None => Column { head, is_number: false },
        };
        Self { columns: heads.iter().map(column).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, a line each row.
    pub(crate) fn render(&self) -> String {
        let width = |at: usize, column: &Column| {
            let cells = self.rows.iter().filter_map(|row| Some(row.get(at)?.width()));
            cells.chain([column.head.width()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = self.columns.iter().enumerate().map(|(at, column)| width(at, column)).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let mut out = String::new();
            for ((cell, column), width) in cells.zip(&self.columns).zip(&widths) {
                let space = " ".repeat(width - cell.width());
                let (before, behind) = if column.is_number { (space, String::new()) } else { (String::new(), space) };
                out += &format!("{before}{cell}{behind}  ");
            }
            out.trim_end().to_owned() + "\n"
        };
        let heads = line(&mut self.columns.iter().map(|column| column.head));
        let rows = self.rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
        heads + &rows.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up_whatever_the_script() {
        let mut table = Table::new(&["RUN", "CHUNKS#", "STATUS"]);
        table.row(["suits".to_owned(), "3/40".to_owned(), "analysis".to_owned()]);
        table.row(["오징어-게임".to_owned(), "12/12".to_owned(), "complete".to_owned()]);
        insta::assert_snapshot!(table.render(), @r"
        RUN          CHUNKS  STATUS
        suits          3/40  analysis
        오징어-게임   12/12  complete
        ");
    }
}
