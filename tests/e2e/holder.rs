//! Another process that has the database open: in this one, reading the file to compare it would drop SQLite's locks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;

const DATABASE: &str = "CODEX_STATE_E2E_DATABASE";
const STATEMENTS: &str = "CODEX_STATE_E2E_STATEMENTS";
const READY: &str = "the statements are done";

/// A process that has run some statements and keeps its connection open.
pub(crate) struct Holder(Child);

impl Holder {
    /// Starts it; the statements are done when this returns. What they left uncommitted goes with the process.
    pub(crate) fn new(database: &Path, statements: &str) -> Holder {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "holder::holds_a_connection_while_its_input_is_open", "--nocapture"]);
        command.env(DATABASE, database).env(STATEMENTS, statements);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let ready =
            BufReader::new(child.stdout.as_mut().unwrap()).lines().any(|line| line.unwrap().contains(READY));
        assert!(ready, "the other process could not run: {statements}");
        Holder(child)
    }

    /// Lets go of the database.
    pub(crate) fn release(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The other process; a test like any other, and nothing at all unless a [`Holder`] started it.
#[test]
fn holds_a_connection_while_its_input_is_open() {
    #[expect(clippy::disallowed_methods, reason = "how one test process tells the other")]
    let (Some(database), Ok(statements)) = (std::env::var_os(DATABASE), std::env::var(STATEMENTS)) else {
        return;
    };
    let connection = Connection::open(database).unwrap();
    connection.execute_batch(&statements).unwrap();
    println!("{READY}");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(connection);
}
