//! Tests prune: it deletes only rows whose rollout is gone. Tests each guard, and how rows come back.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use crate::env::Env;
use crate::golden;
use crate::moving::{
    self, ALL, CHILD, COMPRESSED, HEAD, PLAIN, REVERTED, TWINS, agrees, dry_then_real, hold, writer_lock,
};
use crate::outcome::Outcome;
use crate::rollouts::{Rollout, plain};
use crate::table;

/// The document of prune with `--format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pruned {
    schema_version: u64,
    database: String,
    checked: usize,
    threads: Vec<Thread>,
    pruned: usize,
    skipped: usize,
    failed: usize,
    saved_to: Option<PathBuf>,
    shown_before: usize,
    shown_after: usize,
    dry_run: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Thread {
    id: String,
    path: String,
    status: String,
    error: Option<String>,
}

impl Pruned {
    #[track_caller]
    fn of(outcome: &Outcome) -> Pruned {
        let pruned: Pruned = outcome.shaped();
        outcome.assert_eq(pruned.schema_version, 1, "the version");
        outcome.assert(
            pruned.shown_before - pruned.shown_after <= pruned.pruned,
            "the list loses what was deleted at most",
        );
        let parts = pruned.pruned + pruned.skipped + pruned.failed;
        outcome.assert_eq(parts, pruned.threads.len(), "every thread is counted once");
        outcome.assert(!pruned.database.is_empty(), "where");
        outcome.assert_eq(
            pruned.saved_to.is_some(),
            pruned.pruned > 0 && !pruned.dry_run,
            "saved where something was deleted",
        );
        for thread in &pruned.threads {
            outcome.assert_eq(thread.error.is_some(), thread.status != "pruned", "a reason where it stays");
        }
        pruned
    }

    fn counts(&self) -> [usize; 3] {
        [self.pruned, self.skipped, self.failed]
    }
}

/// Removes the files of a thread.
fn lose(env: &Env, id: &str) {
    for (name, (path, _)) in moving::files(env) {
        if name.contains(id) {
            fs::remove_file(env.home().join(path)).unwrap();
        }
    }
}

fn prune(env: &Env) -> Outcome {
    env.run(["prune", "--yes", "--format", "json"])
}

/// Prunes. Fails unless the row of `id` stays, with this reason and status, and no other row goes.
#[track_caller]
fn stays(env: &Env, id: &str, reason: &str, counts: [usize; 3], status: i32) {
    let rows = env.rows();
    let outcome = dry_then_real(env, &["prune", "--yes"]);
    outcome.status(status, format_args!("it stays: {reason}"));
    let pruned = Pruned::of(&outcome);
    outcome.assert_eq(pruned.counts(), counts, "[pruned, skipped, failed]");
    let thread = pruned.threads.iter().find(|thread| thread.id == id).unwrap();
    let error = thread.error.as_deref().unwrap_or_default();
    outcome.assert(error.contains(reason), format_args!("the reason {reason:?}"));
    let difference = table::difference(&rows, &env.rows());
    outcome.assert(difference.is_empty(), format_args!("no row changed: {difference:?}"));
    let outcome = env.run(["prune", "--yes", id]);
    outcome.status(1, "asked for by name it is an answer");
    outcome.assert(outcome.stderr.contains(id) && outcome.stderr.contains(reason), "which stderr says");
}

#[test]
fn rows_without_a_file_go_with_what_belongs_to_them_on_every_schema() {
    for schema in golden::SCHEMAS {
        let env = moving::home(schema);
        let before = env.rows();
        lose(&env, CHILD);
        lose(&env, TWINS);
        let edges = "SELECT * FROM thread_spawn_edges";
        let has_edges = crate::specimen::has_table(&env, "thread_spawn_edges");
        if has_edges {
            assert_eq!(env.query(edges).len(), 1, "the child's");
        }
        if crate::specimen::has_table(&env, "thread_dynamic_tools") {
            env.sql(&format!(
                "INSERT INTO thread_dynamic_tools (thread_id, position, name, description, input_schema)
                 VALUES ('{TWINS}', 0, 'n', 'd', '{{}}'), ('{PLAIN}', 0, 'n', 'd', '{{}}')"
            ));
        }
        let outcome = dry_then_real(&env, &["prune", "--yes"]);
        outcome.status(0, format_args!("on {schema}"));
        let pruned = Pruned::of(&outcome);
        outcome.assert_eq(pruned.counts(), [2, 0, 0], "both");
        outcome.assert_eq(pruned.checked, ALL.len(), "all were looked at");
        outcome
            .assert(pruned.threads.iter().all(|thread| thread.path.contains(&thread.id)), "with their paths");
        agrees(&env, &format!("afterwards, on {schema}"));
        let rows = env.rows();
        assert_eq!(rows.keys().collect::<Vec<_>>(), [PLAIN, COMPRESSED, REVERTED]);
        if has_edges {
            assert!(env.query(edges).is_empty(), "the edge is gone");
        }
        if crate::specimen::has_table(&env, "thread_dynamic_tools") {
            assert_eq!(env.query("SELECT * FROM thread_dynamic_tools").len(), 1, "and the tools of one");
        }
        table::assert_sound(&env.db(), "after prune");

        let saved = pruned.saved_to.unwrap();
        assert_eq!(saved.parent(), Some(&*env.home().join("codex-state-backups")));
        let kept = table::threads(&saved);
        for (id, row) in &kept {
            assert_eq!(row, &before[id], "every column, on {schema}");
        }
        assert_eq!(kept.len(), 2);
        let outcome = prune(&env);
        outcome.status(0, "nothing left to do");
        outcome.assert_eq(Pruned::of(&outcome).counts(), [0, 0, 0], "nothing left to do");
    }
}

#[test]
fn unknown_columns_and_odd_cells_are_saved() {
    let env = moving::home("empty-2026-08");
    env.sql(&format!(
        "ALTER TABLE threads ADD COLUMN mood BLOB;
         UPDATE threads SET mood = x'00ff', name = 'Mine', title = 'T' WHERE id = '{PLAIN}'"
    ));
    let before = env.row(PLAIN);
    lose(&env, PLAIN);
    let outcome = prune(&env);
    outcome.status(0, "done");
    let saved = Pruned::of(&outcome).saved_to.unwrap();
    assert_eq!(table::threads(&saved)[PLAIN], before);
    let outcome = env.run(["--db", saved.to_str().unwrap(), "show", PLAIN, "--format", "json"]);
    outcome.status(0, "it is a database as any other");
}

/// Rows are read by a thousand. An id that is not text comes last, and no page can begin after it.
#[test]
fn an_id_that_is_not_text_ends_the_search_also_at_the_end_of_a_page() {
    let env = moving::home("empty-2026-08");
    let mut statements =
        format!("BEGIN; CREATE TEMP TABLE one AS SELECT * FROM threads WHERE id = '{PLAIN}';");
    let mut add = |id: &str| {
        statements += &format!("UPDATE one SET id = {id}; INSERT INTO threads SELECT * FROM one;");
    };
    for n in env.rows().len()..999 {
        add(&format!("'00000000-0000-4000-8000-{n:012}'"));
    }
    add("x'ff'");
    env.sql(&(statements + "COMMIT;"));
    let outcome = env.run(["prune", "--dry-run", "--format", "json"]);
    outcome.status(0, "no row is without a file");
    assert_eq!(Pruned::of(&outcome).checked, 1000);
}

#[test]
fn without_yes_nothing_is_deleted_where_there_is_no_terminal() {
    let env = moving::home("empty-2026-08");
    lose(&env, PLAIN);
    let before = env.tree();
    env.run(["prune"]).trouble("--yes");
    env.run(["backfill", "--prune"]).trouble("--yes");
    env.run(["prune", "--dry-run"]).status(0, "looking is free");
    env.run(["backfill", "--yes"]).status(2, "yes to what");
    assert_eq!(before.difference(&env.tree()), "");
}

#[test]
fn rows_whose_file_is_outside_or_elsewhere_stay() {
    let env = moving::home("empty-2026-08");
    let path = PathBuf::from(env.row(PLAIN)["rollout_path"].as_str().unwrap());
    let outside = env.outside("elsewhere").join(path.file_name().unwrap());
    fs::create_dir_all(outside.parent().unwrap()).unwrap();
    fs::rename(&path, &outside).unwrap();
    env.sql(&format!("UPDATE threads SET rollout_path = '{}' WHERE id = '{PLAIN}'", outside.display()));
    stays(&env, PLAIN, "outside of the Codex home", [0, 1, 0], 0);
    fs::create_dir_all(env.home().join("archived_sessions")).unwrap();
    fs::rename(&outside, env.home().join("archived_sessions").join(path.file_name().unwrap())).unwrap();
    stays(&env, PLAIN, "elsewhere in the home", [0, 1, 0], 0);
    let outcome = env.run(["prune", "--yes"]);
    outcome.assert(outcome.stderr.contains(&format!("codex-state backfill {PLAIN}")), "what repairs it");
    env.run(["backfill", PLAIN]).status(0, "it does");
    agrees(&env, "after that");
}

#[test]
fn a_row_stays_whose_file_has_another_name() {
    let env = moving::home("empty-2026-08");
    let path = PathBuf::from(env.row(PLAIN)["rollout_path"].as_str().unwrap());
    let odd = path.with_file_name("rollout-of-mine.jsonl");
    fs::rename(&path, &odd).unwrap();
    stays(&env, PLAIN, "elsewhere in the home", [0, 1, 0], 0);
    fs::rename(
        &odd,
        path.with_file_name(
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .replace(PLAIN, "cccccccc-1000-7000-8000-000000000000"),
        ),
    )
    .unwrap();
    stays(&env, PLAIN, "elsewhere in the home", [0, 1, 0], 0);
}

#[test]
fn the_other_form_of_a_file_keeps_its_row() {
    let env = moving::home("empty-2026-08");
    let path = PathBuf::from(env.row(PLAIN)["rollout_path"].as_str().unwrap());
    let bytes = zstd::encode_all(&*fs::read(&path).unwrap(), 3).unwrap();
    fs::write(format!("{}.zst", path.display()), bytes).unwrap();
    fs::remove_file(&path).unwrap();
    let outcome = prune(&env);
    outcome.status(0, "compressed meanwhile");
    outcome.assert_eq(Pruned::of(&outcome).counts(), [0, 0, 0], "no candidate");
}

#[test]
fn young_rows_and_open_threads_stay() {
    let env = moving::home("empty-2026-08");
    lose(&env, PLAIN);
    // NOW is 2026-09-01T12:00:00Z.
    env.sql(&format!(
        "UPDATE threads SET updated_at = 1788263700, updated_at_ms = 1788263700000 WHERE id = '{PLAIN}'"
    ));
    stays(&env, PLAIN, "younger than ten minutes", [0, 1, 0], 0);
    env.sql(&format!(
        "UPDATE threads SET updated_at = 1788263300, updated_at_ms = 1788263300000 WHERE id = '{PLAIN}'"
    ));
    let lock = hold(&writer_lock(&env, PLAIN));
    stays(&env, PLAIN, "open in a running Codex", [0, 0, 1], 1);
    drop(lock);
    prune(&env).status(0, "closed and old enough");
    assert_eq!(env.rows().len(), ALL.len() - 1);
}

#[test]
fn a_thread_stays_in_whose_rollout_another_history_begins() {
    for base in [REVERTED, HEAD] {
        let env = moving::home("empty-2026-08");
        let history = json!({"thread_id": base, "end_ordinal_exclusive": 2, "end_byte_offset": 600});
        let fork = Rollout::new("2026-03-23T10:00:00")
            .meta(|meta| meta.paginated().set("history_base", history))
            .user("a fork");
        fork.compressed().write(&env);
        env.run(["backfill"]).status(0, "it is indexed");
        lose(&env, REVERTED);
        let rows = env.rows();
        let outcome = dry_then_real(&env, &["prune", "--yes"]);
        outcome.status(1, "it should go and cannot");
        outcome.assert_eq(Pruned::of(&outcome).counts(), [0, 0, 1], base);
        outcome.assert(outcome.stderr.contains("history of another thread"), "the reason");
        assert!(table::difference(&rows, &env.rows()).is_empty());
    }
}

#[test]
fn a_folder_that_is_not_there_deletes_nothing() {
    let env = moving::home("empty-2026-08");
    let (sessions, aside) = (env.home().join("sessions"), env.outside("aside"));
    fs::rename(&sessions, &aside).unwrap();
    let before = env.tree();
    env.run(["prune", "--yes"]).trouble(sessions.to_str().unwrap());
    env.run(["prune", "--yes", "--all-missing"]).trouble("is missing");
    env.run(["prune", "--yes", PLAIN]).trouble("is missing");
    fs::create_dir(&sessions).unwrap();
    env.run(["prune", "--yes"]).trouble("is empty");
    fs::remove_dir(&sessions).unwrap();
    fs::write(&sessions, "no folder").unwrap();
    env.run(["prune", "--yes", "--all-missing"]).trouble("not a folder");
    fs::remove_file(&sessions).unwrap();
    assert_eq!(before.difference(&env.tree()), "", "nothing was done");
    fs::rename(&aside, &sessions).unwrap();
    agrees(&env, "with everything back");

    env.run(["archive", PLAIN, TWINS]).status(0, "some are archived");
    let (archive, aside) = (env.home().join("archived_sessions"), env.outside("aside"));
    fs::rename(&archive, &aside).unwrap();
    env.run(["prune", "--yes"]).trouble("archived_sessions");
    assert_eq!(env.rows().len(), ALL.len());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_deletes_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = moving::home("empty-2026-08");
    env.obey_permissions();
    let day = env.home().join("sessions/2026/03/10");
    fs::set_permissions(&day, fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = env.run(["prune", "--yes", "--all-missing"]);
    fs::set_permissions(&day, fs::Permissions::from_mode(0o700)).unwrap();
    outcome.trouble(day.to_str().unwrap());
    assert_eq!(env.rows().len(), ALL.len());
}

#[test]
fn most_rows_go_only_if_that_is_said() {
    let env = Env::new();
    env.database("empty-2026-08");
    let rollouts: Vec<Rollout> =
        (0..20).map(|hour| plain(&format!("2026-03-10T{hour:02}:00:00"), "one of many")).collect();
    rollouts.iter().for_each(|rollout| drop(rollout.write(&env)));
    env.run(["backfill"]).status(0, "all are fine");
    let (gone, kept) = rollouts.split_at(11);
    gone.iter().for_each(|rollout| lose(&env, rollout.thread()));
    let before = env.tree();
    let ids: Vec<&str> = gone.iter().map(Rollout::thread).collect();
    env.run(["prune", "--yes"]).trouble("11 of 20");
    env.run(["prune", "--yes"].iter().chain(&ids)).trouble("11 of 20");
    env.run(["prune", "--dry-run"]).trouble("11 of 20");
    assert_eq!(before.difference(&env.tree()), "");
    // Ten rows may always be deleted.
    let outcome = env.run(["prune", "--yes", "--format", "json"].iter().chain(&ids[..10]));
    outcome.status(0, "ten");
    outcome.assert_eq(Pruned::of(&outcome).counts(), [10, 0, 0], "ten");
    kept.iter().for_each(|rollout| lose(&env, rollout.thread()));
    let outcome = env.run(["prune", "--yes", "--all-missing", "--format", "json"]);
    outcome.status(0, "and all, if that is said");
    outcome.assert_eq(Pruned::of(&outcome).counts(), [10, 0, 0], "all");
    assert!(env.rows().is_empty());
}

#[test]
fn backfill_prunes_afterwards() {
    let env = moving::home("empty-2026-08");
    lose(&env, PLAIN);
    plain("2026-04-01T10:00:00", "new").write(&env);
    let before = env.tree();
    let dry = env.run(["backfill", "--prune", "--dry-run", "--format", "json"]);
    assert_eq!(before.difference(&env.tree()), "");
    let outcome = env.run(["backfill", "--prune", "--yes", "--format", "json"]);
    outcome.status(0, "both");
    let report = crate::shapes::Backfill::of(&outcome);
    outcome.assert_eq((report.inserted, report.pruned), (1, 1), "one came, one went");
    let (mut promised, mut done) = (dry.json(), outcome.json());
    promised["dry_run"].take();
    done["dry_run"].take();
    outcome.assert_eq(done, promised, "as the dry run said");
    outcome.assert(outcome.stderr.contains("--facts-from"), "what brings it back");
    agrees(&env, "afterwards");
    // A guard of prune does not undo the backfill.
    fs::remove_dir_all(env.home().join("sessions")).unwrap();
    env.run(["backfill", "--prune", "--yes"]).status(2, "a root is missing");
    assert_eq!(env.rows().len(), ALL.len());
}

#[test]
fn threads_that_are_fine_or_have_no_row_are_an_answer_when_named() {
    let env = moving::home("empty-2026-08");
    let unknown = plain("2026-04-01T10:00:00", "new");
    unknown.write(&env);
    let outcome = env.run(["prune", "--yes", PLAIN, unknown.thread(), "--format", "json"]);
    outcome.status(1, "no");
    outcome.assert_eq(Pruned::of(&outcome).counts(), [0, 2, 0], "both stay");
    assert_eq!(env.rows().len(), ALL.len());
}

#[test]
fn deleted_rows_come_back_with_their_files() {
    for schema in golden::SCHEMAS {
        let env = moving::home(schema);
        let all = ["name = 'Mine'", "is_pinned = 1", "git_branch = 'edited'", "title = 'My own title'"];
        for change in all {
            // In the first schema the title is the file's.
            let needs = change.split(' ').next().unwrap().replace("title", "first_user_message");
            if env.row(PLAIN).contains_key(&needs) {
                env.sql(&format!("UPDATE threads SET {change} WHERE id = '{PLAIN}'"));
            }
        }
        let line = format!(
            "{{\"id\":\"{PLAIN}\",\"thread_name\":\"Mine\",\"updated_at\":\"2026-03-13T12:00:00Z\"}}\n"
        );
        let (before, aside) = (env.rows(), env.outside("aside"));
        fs::rename(env.home().join("sessions"), &aside).unwrap();
        fs::create_dir_all(env.home().join("sessions/2026")).unwrap();
        let outcome = env.run(["prune", "--yes", "--all-missing", "--format", "json"]);
        outcome.status(0, "all go");
        let saved = Pruned::of(&outcome).saved_to.unwrap();
        assert!(env.rows().is_empty());
        fs::remove_dir_all(env.home().join("sessions")).unwrap();
        fs::rename(&aside, env.home().join("sessions")).unwrap();
        env.run(["backfill", "--facts-from", saved.to_str().unwrap()]).status(0, "with their files");
        // Written only now, because a new row would take its name from there.
        env.write("session_index.jsonl", line);
        agrees(&env, &format!("with everything back, on {schema}"));
        let difference = table::difference(&before, &env.rows());
        assert!(difference.is_empty(), "on {schema}: {difference:#?}");
        let outcome = env.run(["restore", saved.to_str().unwrap()]);
        outcome.status(2, "it is not a backup of the whole");
        outcome.assert(outcome.stderr.contains("--facts-from"), "but good for this");
    }
}

#[test]
fn nothing_is_left_behind_where_nothing_was_deleted() {
    let env = moving::home("empty-2026-08");
    let before = env.tree();
    prune(&env).status(0, "nothing to do");
    assert_eq!(before.difference(&env.tree()), "", "no backup, no saved rows");
    let _ = fs::remove_dir_all(env.home().join("codex-state-backups"));
    lose(&env, PLAIN);
    env.run(["prune", "--yes"]).status(0, "one");
    let names = |folder: &Path| {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let kept = names(&env.home().join("codex-state-backups"));
    assert_eq!(
        kept,
        ["auto-state_5.sqlite-20260901T120000Z.sqlite", "pruned-state_5.sqlite-20260901T120000Z.sqlite"]
    );
}

/// Codex's own foreign keys say which rows belong to a thread, also in tables of later schemas.
#[test]
fn what_hangs_on_a_thread_goes_with_its_row() {
    let env = Env::new();
    env.database("reconstructed-2026-10");
    let gone = crate::rollouts::Rollout::new("2026-03-14T10:00:00").user("words");
    let stays = crate::rollouts::Rollout::new("2026-03-15T10:00:00").user("words");
    let path = gone.write(&env);
    stays.write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    for (n, thread) in [&gone, &stays].into_iter().enumerate() {
        env.sql(&format!(
            "INSERT INTO thread_attachments (id, thread_id, attachment_type, identity_key, payload, created_at)
             VALUES ('attachment-{n}', '{0}', 'file', 'key', '{{}}', 1);
             INSERT INTO thread_dynamic_tools (thread_id, position, name, description, input_schema)
             VALUES ('{0}', 0, 'tool', '', '{{}}')",
            thread.thread()
        ));
    }
    std::fs::remove_file(path).unwrap();
    env.run(["prune", "--yes"]).status(0, "one row goes");
    for table in ["thread_attachments", "thread_dynamic_tools"] {
        let left = env.query(&format!("SELECT thread_id FROM {table}"));
        assert_eq!(left.len(), 1, "{table}");
        assert_eq!(left[0]["thread_id"], stays.thread(), "{table}");
    }
    assert!(env.query("PRAGMA foreign_key_check").is_empty());
}
