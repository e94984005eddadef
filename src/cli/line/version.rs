//! Returns the text of `--version`: the version, and what else a bug report needs.

use crate::db::{self, ledger};

/// Returns the version with the commit, the version of SQLite, and the databases of Codex that the program knows.
pub fn long() -> String {
    let commit = option_env!("CODEX_STATE_COMMIT").map(|commit| format!(" ({commit})")).unwrap_or_default();
    format!(
        "{}{commit}\nSQLite {}\nknows the databases of Codex up to migration {}",
        env!("CARGO_PKG_VERSION"),
        db::sqlite_version(),
        ledger::newest()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_what_a_report_needs() {
        let text = long();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(env!("CARGO_PKG_VERSION")), "{text}");
        assert!(lines[1].starts_with("SQLite 3."), "{text}");
        assert_eq!(lines[2], "knows the databases of Codex up to migration 59");
    }
}
