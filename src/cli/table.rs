//! Rows of text in aligned columns.

/// One line for each row, two spaces between columns. Control characters, which could steer a terminal, become `?`.
pub fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += &format!("{cell:width$}  ");
        }
        text += &line.trim_end().replace(|character: char| character.is_control(), "?");
        text.push('\n');
    }
    text
}

/// A text of several lines without what could steer a terminal.
pub fn printable(text: &str) -> String {
    text.replace(|character: char| character.is_control() && character != '\n', "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let text = aligned(&[row(["KEY", "NAME", ""]), row(["k", "Müller\u{1b}[2J", "x"]), row(["", "", ""])]);
        assert_eq!(text, "KEY  NAME\nk    Müller?[2J  x\n\n");
        assert_eq!(aligned::<2>(&[]), "");
    }
}
