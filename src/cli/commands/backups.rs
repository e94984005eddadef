//! `codex-state restore` without a file: lists the backups of a database, newest first. Also finds the newest sound
//! one.

use crate::cli::commands::{App, Place};
use crate::cli::line::Exit;
use crate::cli::output::{ListReport, OutputForm, Table, TableCell, TableColumn, Value, human, text};
use crate::db::backup::{self, BackupInfo};
use crate::db::{Reader, Trouble, threads};
use crate::error::{WithHint as _, shell_word};
use anyhow::anyhow;
use std::path::Path;

/// Finds the backup for `restore latest`: the newest that is sound and is not a database that a `restore` replaced.
///
/// # Errors
/// If there is none.
pub(super) fn latest(place: &Place, database: Option<&Path>) -> anyhow::Result<BackupInfo> {
    let mut own = place.backups(database).into_iter().filter(|backup| !backup.replaced);
    own.find(|backup| backup::check_backup(&backup.path, &place.options).is_ok())
        .ok_or_else(|| anyhow!("no backup that can be restored").hint(without_backup(place, database)))
}

/// Returns what to do where there is no backup.
fn without_backup(place: &Place, database: Option<&Path>) -> &'static str {
    let trouble = database.and_then(|database| Reader::open(database, &place.options).err());
    match trouble.as_ref().and_then(Trouble::of) {
        Some(trouble) if trouble.is_unusable() => {
            "close Codex and run codex-state rebuild: it makes a new database with everything that can still be read"
        }
        _ => "codex-state backfill makes the rows from the rollouts",
    }
}

/// Lists the backups.
///
/// # Errors
/// If the list cannot be written.
pub(super) fn list(
    app: &mut App,
    form: &OutputForm,
    place: &Place,
    database: Option<&Path>,
) -> anyhow::Result<Exit> {
    let backups = place.backups(database);
    let count = |backup: &BackupInfo| {
        Reader::open(&backup.path, &place.options).and_then(|mut reader| reader.read(threads::count)).ok()
    };
    let rows: Vec<Option<u64>> = backups.iter().map(count).collect();
    let now = app.environment.now_ms();
    ListReport {
        before: vec![("database", database.into())],
        name: "backups",
        items: backups.iter().zip(&rows).map(Ok),
        members: &|(backup, rows): &(&BackupInfo, &Option<u64>)| {
            vec![
                ("path", (&*backup.path).into()),
                ("taken_at", Value::Time(backup.taken_at.timestamp_millis()).into()),
                // Unknown if it cannot be read.
                ("rows", (**rows).into()),
                ("bytes", backup.size.into()),
                ("automatic", backup.automatic.into()),
                ("replaced", backup.replaced.into()),
            ]
        },
        columns: &["path", "taken_at", "rows", "bytes", "automatic", "replaced"],
        after: Vec::new(),
        text: &|out| match backups.is_empty() {
            true => Ok(()),
            false => table(form, &backups, &rows, now).write(out),
        },
    }
    .write(&mut app.out, form)?;
    if backups.is_empty() {
        app.messages.say("no backups");
        app.messages.hint(without_backup(place, database));
    } else {
        app.messages.say("nothing was changed");
        if let Ok(BackupInfo { path, .. }) = latest(place, database) {
            app.messages.hint(&format!("codex-state restore {} brings the newest back", shell_word(&path)));
        }
    }
    Ok(Exit::Done)
}

fn table(form: &OutputForm, backups: &[BackupInfo], rows: &[Option<u64>], now: i64) -> Table {
    let columns = vec![
        TableColumn::text("taken"),
        TableColumn::number("threads"),
        TableColumn::number("size"),
        TableColumn::path("path"),
    ];
    let mut table = Table::new(columns, form.width, form.style);
    for (backup, rows) in backups.iter().zip(rows) {
        table.row([
            TableCell::new(human::ago(backup.taken_at.timestamp_millis(), now)),
            TableCell::new(rows.map_or_else(|| "unreadable".to_owned(), human::count)),
            TableCell::new(human::bytes(backup.size)),
            TableCell::exact(text::path(&backup.path)),
        ]);
    }
    table
}
