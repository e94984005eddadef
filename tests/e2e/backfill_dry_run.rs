//! Tests that a dry run prints what the real run then prints, and changes nothing.

use crate::env::Env;
use crate::golden;
use crate::shapes::Backfill;
use crate::specimen;

/// Runs dry and then for real, and compares both documents. The dry run must change no file.
#[track_caller]
fn check(env: &Env, why: &str) {
    let before = env.tree();
    let dry = env.run(["backfill", "--dry-run", "--format", "json"]);
    let difference = before.difference(&env.tree());
    dry.assert(difference.is_empty(), format_args!("{why}: a dry run changes nothing:\n{difference}"));
    let real = env.run(["backfill", "--format", "json"]);
    real.assert_eq(real.code, dry.code, format_args!("{why}: the status of the dry run"));
    dry.assert(Backfill::of(&dry).dry_run, format_args!("{why}: it says that it is one"));
    real.assert(!Backfill::of(&real).dry_run, format_args!("{why}: it does not say that it is one"));
    let (mut promised, done) = (dry.json(), real.json());
    promised["dry_run"] = false.into();
    real.assert_eq(done, promised, format_args!("{why}: what the dry run printed"));
}

#[test]
fn it_promises_the_golden_home_on_every_schema() {
    for schema in golden::SCHEMAS {
        check(&Env::golden(schema), schema);
    }
}

#[test]
fn it_promises_a_database_that_is_not_there_yet() {
    let env = Env::new();
    env.golden_home();
    check(&env, "no database");
}

#[test]
fn it_promises_updates_inserts_and_rows_that_agree() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET cwd = 'elsewhere' WHERE id = '{}'; DELETE FROM threads WHERE id = '{}'",
        specimen::LEGACY,
        specimen::ARCHIVED
    ));
    let outcome = env.run(["backfill", "--dry-run", "--format", "json"]);
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.counts(), [1, 1, 5, 0, 0], "[inserted, updated, unchanged, superseded, failed]");
    outcome.assert_eq(report.pruned, 0, "no pruning was requested");
    outcome.assert(report.bytes_read > 0, "the files were read");
    outcome.assert_eq(
        report.database,
        env.db().to_str().unwrap().to_owned(),
        "the database that would change",
    );
    check(&env, "a home with drift");
}
