//! Answers a question about a cell by SQL, and remembers the answers: thousands of threads share a few sources and
//! providers.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

/// Maximum number of remembered answers.
const MAX_KNOWN: usize = 32;
/// Maximum length in bytes of a text whose answer is remembered.
const MAX_TEXT: usize = 64;

/// The answers for the cells of one column.
pub(super) struct Verdicts<'a> {
    statement: Statement<'a>,
    known: Vec<CellVerdict>,
    /// The position of the last answer in `known`.
    last: usize,
    /// The last answer that is not remembered.
    other: CellVerdict,
}

/// The answer for one cell.
#[derive(Debug, Default)]
pub(super) struct CellVerdict {
    cell: String,
    /// The number that SQL computed.
    pub(super) number: i64,
    /// The text that SQL computed; empty for anything else.
    pub(super) text: String,
}

impl<'a> Verdicts<'a> {
    /// Prepares the question: `number` and `text` are SQL expressions over the column.
    pub(super) fn new(
        connection: &'a Connection,
        column: &str,
        number: &str,
        text: &str,
    ) -> rusqlite::Result<Verdicts<'a>> {
        let statement =
            connection.prepare(&format!("SELECT {number}, {text} FROM (SELECT ?1 AS \"{column}\")"))?;
        Ok(Verdicts { statement, known: Vec::new(), last: 0, other: CellVerdict::default() })
    }

    /// Returns the answer for a cell.
    pub(super) fn of(&mut self, cell: ValueRef<'_>) -> rusqlite::Result<&CellVerdict> {
        let Some(text) = cell.as_str().ok().filter(|text| text.len() <= MAX_TEXT) else {
            return self.ask_again(cell);
        };
        if self.known.get(self.last).is_none_or(|known| known.cell != text) {
            match self.known.iter().position(|known| known.cell == text) {
                Some(place) => self.last = place,
                None if self.known.len() < MAX_KNOWN => {
                    let verdict = ask(&mut self.statement, cell)?;
                    self.last = self.known.len();
                    self.known.push(CellVerdict { cell: text.to_owned(), ..verdict });
                }
                None => return self.ask_again(cell),
            }
        }
        Ok(&self.known[self.last])
    }

    fn ask_again(&mut self, cell: ValueRef<'_>) -> rusqlite::Result<&CellVerdict> {
        self.other = ask(&mut self.statement, cell)?;
        Ok(&self.other)
    }
}

fn ask(statement: &mut Statement<'_>, cell: ValueRef<'_>) -> rusqlite::Result<CellVerdict> {
    statement.query_row([ToSqlOutput::Borrowed(cell)], |row| {
        let text = row.get_ref(1)?.as_str().unwrap_or_default().to_owned();
        Ok(CellVerdict { cell: String::new(), number: row.get(0)?, text })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_same_whether_it_is_remembered_or_not() {
        let connection = Connection::open_in_memory().unwrap();
        let mut verdicts = Verdicts::new(&connection, "c", "c IS 'w7'", "c || '!'").unwrap();
        let words: Vec<String> =
            (0..MAX_KNOWN + 9).map(|n| format!("w{n}")).chain(["x".repeat(MAX_TEXT + 1)]).collect();
        for word in words.iter().chain(words.iter().rev()).chain([&words[7]; 2]) {
            let verdict = verdicts.of(ValueRef::Text(word.as_bytes())).unwrap();
            assert_eq!((verdict.number, &*verdict.text), (i64::from(word == "w7"), &*format!("{word}!")));
        }
        assert_eq!(verdicts.known.len(), MAX_KNOWN);
        for cell in [ValueRef::Null, ValueRef::Integer(7), ValueRef::Blob(b"w7"), ValueRef::Text(b"w\xff")] {
            assert_eq!(verdicts.of(cell).unwrap().number, 0, "{cell:?}");
        }
        assert_eq!(verdicts.of(ValueRef::Null).unwrap().text, "");
    }
}
