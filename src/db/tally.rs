//! Counts what Codex's default list shows before and after a run: from the table, or computed for a dry run.

use super::census::Census;
use super::schema::Schema;
use super::shown::VisibilityRule;
use crate::thread::columns::Row;
use rusqlite::Connection;

/// The counts before a run and after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Before the run.
    pub before: Census,
    /// After the run, or as a dry run expects it.
    pub after: Census,
}

/// The counts before a run, and the changes by the run.
#[derive(Debug)]
pub struct Tally {
    shown: Shown,
    judge: VisibilityRule,
    schema: Schema,
    default_provider: String,
}

impl Tally {
    /// Counts the threads before a run.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn begin(
        connection: &Connection,
        schema: &Schema,
        default_provider: &str,
    ) -> rusqlite::Result<Tally> {
        let before = Census::take(connection, schema, default_provider)?;
        Ok(Tally {
            shown: Shown { after: before.clone(), before },
            judge: VisibilityRule::new(schema, default_provider)?,
            schema: schema.clone(),
            default_provider: default_provider.to_owned(),
        })
    }

    /// Adds a dry run's change of a row; `None` means that the row does not exist.
    ///
    /// # Errors
    /// If SQLite runs out of memory.
    pub fn change(&mut self, before: Option<&Row>, after: Option<&Row>) -> rusqlite::Result<()> {
        if let Some(row) = before {
            self.shown.after.remove(&self.judge.judge(row)?);
        }
        if let Some(row) = after {
            self.shown.after.add(&self.judge.judge(row)?);
        }
        Ok(())
    }

    /// Counts the threads after a run.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn count_again(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.shown.after = Census::take(connection, &self.schema, &self.default_provider)?;
        Ok(())
    }

    /// Returns the counts.
    #[must_use]
    pub fn end(self) -> Shown {
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place, all_rows};
    use crate::db::threads::ThreadStatements;
    use crate::thread::columns::Col;

    #[test]
    fn a_dry_run_computes_the_counts_that_the_run_leads_to() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let schema = Schema::read(&connection).unwrap();
        let (mut dry, mut real) = (
            Tally::begin(&connection, &schema, "openai").unwrap(),
            Tally::begin(&connection, &schema, "openai").unwrap(),
        );
        let mut table = ThreadStatements::new(&schema);
        let rows = all_rows(&connection, &table);
        for (i, row) in rows.iter().take(20).enumerate() {
            if i % 2 == 0 {
                let mut new = row.clone();
                new[Col::Archived] = Some(1.into());
                dry.change(Some(row), Some(&new)).unwrap();
                let mut columns = crate::thread::columns::ColumnSet::default();
                columns.insert(Col::Archived);
                table.update(&connection, &new, columns).unwrap();
            } else {
                dry.change(Some(row), None).unwrap();
                let id = row.text(Col::Id).unwrap();
                connection.execute("DELETE FROM threads WHERE id = ?1", [id]).unwrap();
            }
        }
        real.count_again(&connection).unwrap();
        let (dry, real) = (dry.end(), real.end());
        assert_eq!(dry.before, real.before);
        assert_eq!((dry.after.shown(), dry.after.total()), (real.after.shown(), real.after.total()));
        assert_ne!(dry.before.shown(), dry.after.shown());
        let hidden =
            |shown: &Shown| crate::db::shown::HiddenReason::ALL.map(|reason| shown.after.hidden(reason));
        assert_eq!(hidden(&dry), hidden(&real));
    }
}
