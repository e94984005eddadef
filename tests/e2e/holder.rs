//! Keeps the database open in another process: if this process read the file to compare it, SQLite's locks would be
//! dropped.

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
    /// Starts the process and waits until it has run the statements. What they leave uncommitted is lost when the
    /// process ends.
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

    /// Makes the process close the database and end.
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

/// The code of the other process. It is a test, because the process runs this test binary; without a [`Holder`] it
/// does nothing.
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
