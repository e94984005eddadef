//! Tests threads with several files: revert chains, forks, duplicates and compressed twins give one row, from the
//! right file.

use std::fs;

use serde_json::json;

use crate::env::Env;
use crate::rollouts::{Meta, Rollout, plain};
use crate::shapes::Backfill;

const HEAD: &str = "20260314-1100-7000-9000-00000000000a";

/// Returns a paginated thread and its reverted head, which keeps the lines before byte `end` of the base.
fn chain() -> (Rollout, Rollout) {
    let base =
        Rollout::new("2026-03-14T10:00:00").meta(Meta::paginated).user("first words").turn("gpt-5", "high");
    let end = base.text().len();
    let base = base.user("regretted").tokens(500);
    let history = json!({"thread_id": base.thread(), "end_ordinal_exclusive": 3, "end_byte_offset": end});
    let head = Rollout::new("2026-03-14T11:00:00")
        .id(base.thread())
        .rollout_id(HEAD)
        .meta(|meta| meta.paginated().set("history_base", history))
        .user("other words")
        .turn("gpt-6", "low")
        .tokens(40);
    (base, head)
}

#[test]
fn a_revert_chain_is_folded_base_prefix_first() {
    let env = Env::new();
    env.database("empty-2026-08");
    let (base, head) = chain();
    base.write(&env);
    head.write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "a chain is not a failure");
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 1, 0], "one row, the base is superseded");
    let row = env.row(base.thread());
    assert_eq!(
        row["rollout_path"],
        env.path(&head.relative()).as_str(),
        "the greatest (time, rollout id) is the head"
    );
    for column in ["title", "first_user_message", "preview"] {
        assert_eq!(row[column], "first words", "{column} comes from the base's prefix");
    }
    assert_eq!(row["tokens_used"], 40, "what the base had after the prefix is gone");
    assert_eq!(row["created_at_ms"], 1_773_482_400_123_i64, "the thread is as old as its base");
    assert_eq!(row["updated_at_ms"], head.mtime_ms());
    assert_eq!(row["model"], "gpt-6", "the last turn is the head's");
}

#[test]
fn a_chain_is_as_old_as_its_base_also_where_one_of_them_does_not_say_when_it_began() {
    for (broken, expected) in [("head", 1_773_482_400_123_i64), ("base", 1_773_482_400_000)] {
        let env = Env::new();
        env.database("empty-2026-08");
        let (base, head) = chain();
        for (what, rollout) in [("base", &base), ("head", &head)] {
            let text = rollout.text();
            // The length stays the same, because the head says at which byte its base ends.
            let text = if what == broken {
                text.replacen("\"timestamp\":\"2026-03-14T1", "\"timestamp\":\"2026-03-14x1", 2)
            } else {
                text
            };
            env.write(&rollout.relative(), text);
        }
        env.run(["backfill"]).status(0, broken);
        assert_eq!(env.row(base.thread())["created_at_ms"], expected, "the {broken}'s time is broken");
    }
}

#[test]
fn tokens_of_a_base_prefix_count_until_the_head_has_its_own() {
    let env = Env::new();
    env.database("empty-2026-08");
    let base = Rollout::new("2026-03-14T10:00:00")
        .meta(Meta::paginated)
        .user("first")
        .turn("gpt-5", "high")
        .tokens(77);
    let end = base.text().len();
    let history = json!({"thread_id": base.thread(), "end_ordinal_exclusive": 4, "end_byte_offset": end});
    base.clone().user("regretted").tokens(99).write(&env);
    let head = Rollout::new("2026-03-14T11:00:00").id(base.thread()).rollout_id(HEAD);
    head.meta(|meta| meta.paginated().set("history_base", history)).write(&env);
    env.run(["backfill"]).status(0, "a head may still be empty");
    assert_eq!(env.row(base.thread())["tokens_used"], 77);
}

#[test]
fn a_compressed_base_is_cut_at_its_uncompressed_offset() {
    let env = Env::new();
    env.database("empty-2026-08");
    let (base, head) = chain();
    base.clone().compressed().write(&env);
    head.write(&env);
    env.run(["backfill"]).status(0, "a base may be compressed");
    let row = env.row(base.thread());
    assert_eq!((&row["title"], &row["tokens_used"]), (&"first words".into(), &40.into()));
}

#[test]
fn the_row_is_the_authority_on_the_selected_rollout() {
    let env = Env::new();
    env.database("empty-2026-08");
    let (base, head) = chain();
    base.write(&env);
    env.run(["backfill"]).status(0, "only the base is there yet");
    head.write(&env);
    env.run(["backfill"]).status(0, "both are there");
    let row = env.row(base.thread());
    assert_eq!(
        row["rollout_path"],
        env.path(&base.relative()).as_str(),
        "the row named the base, and it exists"
    );
    assert_eq!(row["tokens_used"], 500, "so the row says what the base says");
    fs::remove_file(env.path(&base.relative())).unwrap();
    env.run(["backfill"]);
    let row = env.row(base.thread());
    assert_eq!(row["rollout_path"], env.path(&head.relative()).as_str(), "until that file is gone");
}

#[test]
fn a_rollout_that_holds_nothing_gives_way_to_another_of_its_thread_unless_the_row_chose_it() {
    let env = Env::new();
    env.database("empty-2026-08");
    let (base, head) = chain();
    let base_path = base.write(&env);
    let head_path = head.write(&env);
    env.run(["backfill"]).status(0, "both are whole");
    fs::write(&head_path, "").unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "the row's choice is empty");
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 0, 0, 1, 1], "and stays its choice");
    env.sql("DELETE FROM threads");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "an empty file beside a good one is not a failure");
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 1, 0], "the other one has the thread");
    assert_eq!(env.row(base.thread())["rollout_path"], base_path.to_str().unwrap());
    env.run(["verify"]).status(0, "an empty file beside it is a warning");
}

#[test]
fn a_fork_may_begin_in_another_threads_file() {
    let env = Env::new();
    env.database("empty-2026-08");
    let parent =
        Rollout::new("2026-03-14T10:00:00").meta(Meta::paginated).user("parent words").turn("gpt-5", "high");
    let end = parent.text().len();
    let history = json!({"thread_id": parent.thread(), "end_ordinal_exclusive": 3, "end_byte_offset": end});
    let parent = parent.tokens(10).archived();
    let fork = Rollout::new("2026-03-14T12:00:00")
        .meta(|meta| meta.paginated().cwd("/nowhere/fork").set("history_base", history))
        .tokens(20);
    parent.write(&env);
    fork.write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [2, 0, 0, 0, 0], "two threads");
    let row = env.row(fork.thread());
    assert_eq!(row["title"], "parent words", "the fork's beginning lies in the parent's archived file");
    assert_eq!(row["tokens_used"], 20);
    assert_eq!(row["cwd"], "/nowhere/fork", "but it is itself, not its parent");
    assert_eq!(row["archived"], 0);
    assert_eq!(env.row(parent.thread())["tokens_used"], 10);
}

/// Writes both files of one rollout. Returns the path that a new row must name.
#[track_caller]
fn chosen(files: [Rollout; 2]) -> String {
    let env = Env::new();
    env.database("empty-2026-08");
    for file in &files {
        file.write(&env);
    }
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "a duplicate is not a failure");
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 1, 0], "one row, one file superseded");
    let path = env.row(files[0].thread())["rollout_path"].as_str().unwrap().to_owned();
    let relative = path.strip_prefix(env.home().to_str().unwrap()).unwrap().replace('\\', "/");
    relative.trim_start_matches('/').to_owned()
}

#[test]
fn of_true_duplicates_the_documented_one_is_chosen() {
    let thread = || plain("2026-03-14T10:00:00", "words");
    let early = 1_773_400_000_000;
    let cases = [
        ("plain over compressed, even if older", [thread().mtime(early), thread().compressed()]),
        (
            "plain over compressed, wherever they lie",
            [thread().archived().mtime(early), thread().compressed()],
        ),
        ("the newest mtime", [thread().archived(), thread().mtime(early)]),
        ("the longer", [thread().answer("and more").archived().mtime(early), thread().mtime(early)]),
        ("the lower path", [thread().archived().mtime(early), thread().mtime(early)]),
    ];
    for (rule, files) in cases {
        let winner = files[0].relative();
        assert_eq!(chosen(files), winner, "{rule}");
    }
}

#[test]
fn among_duplicates_the_file_that_the_row_names_stays() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    thread.write(&env);
    env.run(["backfill"]).status(0, "one file");
    thread.tokens(9999).archived().write(&env);
    let before = env.rows();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 0, 1, 1, 0], "the row's choice is not taken away");
    outcome.assert_eq(env.rows(), before, "though the other is newer and longer");
}

#[test]
fn a_row_follows_its_file_into_the_compressed_form_and_back() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    let path = thread.write(&env);
    env.run(["backfill"]).status(0, "plain");
    let row = env.row(thread.thread());
    fs::remove_file(path).unwrap();
    let compressed = thread.clone().compressed();
    compressed.write(&env);
    let outcome = env.run(["backfill"]);
    outcome.status(0, "compressed");
    let mut after = env.row(thread.thread());
    let path = after.insert("rollout_path".to_owned(), row["rollout_path"].clone()).unwrap();
    outcome.assert(
        [env.path(&thread.relative()), env.path(&compressed.relative())]
            .iter()
            .any(|known| path == known.as_str()),
        "the path names the thread's file, plain or as it is now",
    );
    outcome.assert_eq(after, row, "compression changes nothing that a row says, but for its path");
}

#[test]
fn a_malformed_name_is_indexed_by_what_the_meta_says() {
    let env = Env::new();
    env.database("empty-2026-08");
    let named = plain("2026-03-14T10:00:00", "words").file_name("rollout-somehow.jsonl");
    let nameless = plain("2026-03-15T10:00:00", "words").no_meta().file_name("rollout-nameless.jsonl");
    let other = plain("2026-03-16T10:00:00", "words").file_name("not-a-rollout.jsonl");
    for file in [&named, &nameless, &other] {
        file.write(&env);
    }
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "a file that says nowhere which thread it is fails");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.counts(), [1, 0, 0, 0, 1], "a file with another name than rollout-… is not one");
    outcome.assert(report.failures[0].path.ends_with("rollout-nameless.jsonl"), "the nameless one failed");
    assert_eq!(env.rows().len(), 1);
    assert_eq!(env.row(named.thread())["title"], "words");
}

#[test]
fn a_quick_run_leaves_a_row_to_the_file_of_another_name_that_it_names() {
    let env = Env::new();
    env.database("empty-2026-08");
    let own = plain("2026-03-10T10:00:00", "own");
    let other = plain("2026-03-11T10:00:00", "other");
    let file_name = other.relative().rsplit('/').next().unwrap().to_owned();
    let stray = |folder: &str, text: &str| {
        plain("2026-03-11T12:00:00", text).id(own.thread()).file_name(&file_name).folder(folder)
    };
    own.write(&env);
    other.write(&env);
    let named = stray("sessions/copies", "stray");
    let path = named.write(&env);
    let set = format!("UPDATE threads SET rollout_path = '{}' WHERE id = '{}'", path.display(), own.thread());
    env.run(["backfill"]).status(0, "the file with the thread in its name counts");
    assert_eq!(env.row(own.thread())["title"], "own");
    env.sql(&set);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 1, 1, 1, 0], "unless the row names the other");
    let rows = env.rows();
    assert_eq!(rows[own.thread()]["title"], "stray");
    for arguments in [vec!["backfill", "--quick"], vec!["backfill", "--quick", own.thread()]] {
        let outcome = env.run([arguments.clone(), vec!["--format", "json"]].concat());
        outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 0, 1, 2, 0], "nothing to do");
        outcome.assert_eq(env.rows(), rows.clone(), format_args!("{arguments:?}"));
    }
    // One more file that says so, in a group that is read.
    stray("sessions/more", "more").file_name("rollout-copy.jsonl").write(&env);
    env.run(["backfill", "--quick"]).status(0, "one file more");
    assert_eq!(env.rows(), rows);
    env.run(["backfill"]).status(0, "and all of them");
    assert_eq!(env.rows(), rows);
}

#[test]
fn ids_are_lower_case_in_rows_whatever_the_files_say() {
    let env = Env::new();
    env.database("empty-2026-08");
    let id = "019CED47-CEBB-79DD-B0AA-A552437621A9";
    plain("2026-03-14T10:00:00", "words").id(id).write(&env);
    env.run(["backfill"]).status(0, "upper case is a spelling");
    assert_eq!(env.rows().into_keys().collect::<Vec<_>>(), [id.to_lowercase()]);
}

#[cfg(unix)]
#[test]
fn the_home_and_its_folders_may_be_links_but_nothing_below_is_followed() {
    use std::os::unix::fs::symlink;
    let env = Env::new();
    env.database("empty-2026-08");
    let elsewhere = env.outside("elsewhere/sessions");
    fs::create_dir_all(&elsewhere).unwrap();
    symlink(&elsewhere, env.home().join("sessions")).unwrap();
    let real = plain("2026-03-14T10:00:00", "words");
    let path = real.write(&env);
    let hidden = env.outside("hidden/rollout-2026-03-15T10-00-00-20260315-1000-7000-8000-000000000000.jsonl");
    fs::copy(&path, &hidden).unwrap();
    symlink(hidden.parent().unwrap(), elsewhere.join("linked")).unwrap();
    symlink(&hidden, path.with_file_name(hidden.file_name().unwrap())).unwrap();
    symlink(&elsewhere, elsewhere.join("loop")).unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "links below the folders are not followed, so there are no loops");
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 0, 0], "one rollout");
}

#[test]
fn an_active_rollout_outside_of_the_home_gives_way_to_no_archived_copy() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-16T10:00:00", "words");
    let active = thread.write(&env);
    env.run(["backfill"]).status(0, "a row");
    // Two homes share a database; the other one has the active rollout.
    let outside = env.outside("other/sessions/2026/03/16").join(active.file_name().unwrap());
    fs::create_dir_all(outside.parent().unwrap()).unwrap();
    let copy = thread.clone().archived().write(&env);
    fs::rename(&active, &outside).unwrap();
    plain("2026-03-17T10:00:00", "other words").write(&env);
    env.run(["backfill"]).status(0, "another thread, so that sessions/ is not empty");
    env.sql(&format!(
        "UPDATE threads SET archived = 0, archived_at = NULL, rollout_path = '{}' WHERE id = '{}'",
        outside.display(),
        thread.thread()
    ));
    let before = env.rows();
    for depth in [&["verify", "--strict"][..], &["verify", "--quick", "--strict"]] {
        let outcome = env.run(depth);
        outcome.status(1, "a warning");
        outcome.assert(outcome.stdout.contains("outside_home\twarning"), "where it is");
        outcome.assert(!outcome.stdout.contains("\terror\t"), "no drift");
    }
    for arguments in [&["backfill"][..], &["rebuild", "--force"], &["backfill", "--quick"]] {
        env.run(arguments).status(0, "the copy changes nothing");
        env.run(["verify"]).status(0, "no error");
        assert_eq!(env.row(thread.thread()), before[thread.thread()], "{arguments:?}");
    }
    fs::remove_file(&outside).unwrap();
    env.run(["backfill"]).status(0, "now the copy is all that is left");
    assert_eq!(env.row(thread.thread())["rollout_path"].as_str(), copy.to_str());
}
