//! Tests what people and scripts expect of `list`: order, visibility, filters, pages, and the documented shape of
//! each format.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::env::Env;
use crate::golden;
use crate::shapes::List;
use crate::specimen;
use crate::table::Row;

/// Returns the ids of the rows that fit, newest first by a time column and then by id.
fn newest_first(env: &Env, time: &str, fits: impl Fn(&Row) -> bool) -> Vec<String> {
    let mut rows: Vec<Row> = env.rows().into_values().filter(fits).collect();
    rows.sort_by_key(|row| (row[time].as_i64().unwrap(), row["id"].as_str().unwrap().to_owned()));
    rows.iter().rev().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn visible(row: &Row) -> bool {
    row["preview"] != "" && row["archived"] == 0
}

/// Returns the ids that a list prints.
#[track_caller]
fn ids(env: &Env, args: &[&str]) -> Vec<String> {
    let outcome = env.run([&["list", "--ids"], args].concat());
    outcome.status(0, "a list, even an empty one, is not a failure");
    outcome.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn the_default_is_what_codex_shows_latest_first() {
    let env = golden::filled_by_codex();
    let outcome = env.run(["list", "--format", "json"]);
    outcome.status(0, "a list");
    let list = List::of(&outcome);
    outcome.assert_eq(list.ids(), newest_first(&env, "updated_at_ms", visible), "sorted by updated, then id");
    outcome.assert_eq(list.next_cursor, None, "in a pipe all are shown, so no page is next");
    outcome.assert(list.scanned >= list.threads.len() as u64, "what is shown was scanned");
}

#[test]
fn archived_all_and_hidden_widen_it() {
    let env = golden::filled_by_codex();
    let by = |fits: fn(&Row) -> bool| newest_first(&env, "updated_at_ms", fits);
    assert_eq!(
        ids(&env, &["--archived"]),
        by(|row| row["preview"] != "" && row["archived"] == 1),
        "archived only"
    );
    assert_eq!(ids(&env, &["--all"]), by(|row| row["preview"] != ""), "both");
    assert_eq!(ids(&env, &["--hidden"]), by(|row| row["archived"] == 0), "also those without a message");
    assert_eq!(ids(&env, &["--all", "--hidden"]), by(|_| true), "every row");
}

#[test]
fn each_sort_goes_both_ways() {
    let env = golden::filled_by_codex();
    for (sort, time) in
        [("created", "created_at_ms"), ("updated", "updated_at_ms"), ("recency", "recency_at_ms")]
    {
        let mut expected = newest_first(&env, time, visible);
        assert_eq!(ids(&env, &["--sort", sort]), expected, "by {sort}");
        expected.reverse();
        assert_eq!(ids(&env, &["--sort", sort, "--reverse"]), expected, "by {sort}, reversed");
    }
}

#[test]
fn visibility_follows_the_schema() {
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        let spoken = [specimen::RELAXED, specimen::SPAWNED, specimen::PAGINATED, specimen::LEGACY];
        assert_eq!(ids(&env, &[]), spoken, "{schema}: active threads with a message of the user");
        assert_eq!(ids(&env, &["--archived"]), [specimen::ARCHIVED], "{schema}: archived");
        assert_eq!(ids(&env, &["--all", "--hidden"]).len(), 7, "{schema}: all");
    }
}

#[test]
fn recency_falls_back_to_updated_with_a_warning_where_the_column_is_missing() {
    let env = specimen::filled("empty-2026-03");
    let outcome = env.run(["list", "--sort", "recency", "--ids"]);
    outcome.status(0, "a list");
    outcome.assert_eq(outcome.stdout.lines().next(), Some(specimen::RELAXED), "by updated");
    outcome.assert(outcome.stderr.contains("recency"), "a warning says so");
}

#[test]
fn equal_times_are_ordered_by_id_and_pages_neither_lose_nor_repeat() {
    let env = golden::filled_by_codex();
    env.sql("UPDATE threads SET updated_at = 1773510000, updated_at_ms = 1773510000000 WHERE rowid % 3 > 0");
    for sort in ["updated", "created", "recency"] {
        for direction in [&[][..], &["--reverse"]] {
            let whole = ids(&env, &[&["--all", "--hidden", "--sort", sort], direction].concat());
            assert_eq!(whole.len(), 61);
            let (mut paged, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let mut args =
                    vec!["list", "--all", "--hidden", "--sort", sort, "--format", "json", "-n", "7"];
                args.extend(direction);
                args.extend(cursor.iter().flat_map(|cursor| ["--after", cursor.as_str()]));
                let outcome = env.run(&args);
                outcome.status(0, "a page");
                let page = List::of(&outcome);
                outcome.assert(page.threads.len() <= 7, "no more than the limit");
                paged.extend(page.ids());
                cursor = page.next_cursor;
                if cursor.is_none() || paged.len() > 100 {
                    break;
                }
            }
            assert_eq!(paged, whole, "{sort} {direction:?}: the pages together are the list");
        }
    }
}

/// Follows the cursors until the last page. Returns the ids of all pages.
fn pages(env: &Env, args: &[&str]) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after: Vec<&str> = cursor.iter().flat_map(|cursor| ["--after", cursor.as_str()]).collect();
        let outcome = env.run([args, &after].concat()).with_odd_cells();
        outcome.status(0, "a page");
        let page = List::of(&outcome);
        ids.extend(page.ids());
        cursor = page.next_cursor;
        if cursor.is_none() || ids.len() > 200 {
            return ids;
        }
    }
}

#[test]
fn pages_neither_lose_nor_repeat_though_times_are_none() {
    for (database, env) in
        [("filled-2026-08", golden::filled_by_codex()), ("empty-2026-01", specimen::filled("empty-2026-01"))]
    {
        let milliseconds =
            if database == "filled-2026-08" { ", updated_at_ms = updated_at_ms + 0.5" } else { "" };
        env.sql(&format!(
            "UPDATE threads SET updated_at = updated_at + 0.25{milliseconds} WHERE rowid % 4 = 0;
             UPDATE threads SET updated_at = 'soon' || rowid WHERE rowid % 4 = 1;
             UPDATE threads SET updated_at = 9223372036854775807 - rowid WHERE rowid % 4 = 2"
        ));
        for direction in [&[][..], &["--reverse"]] {
            let whole = ids(&env, &[&["--all", "--hidden"], direction].concat());
            for n in ["1", "2", "5"] {
                let args = ["list", "--all", "--hidden", "--format", "json", "-n", n];
                assert_eq!(pages(&env, &[&args, direction].concat()), whole, "{database} {n} {direction:?}");
            }
        }
    }
}

#[test]
fn a_cursor_goes_on_with_other_filters_and_columns_and_a_tampered_one_is_refused() {
    let env = golden::filled_by_codex();
    let whole = ids(&env, &["--all", "--hidden"]);
    let page = List::of(&env.run(["list", "--all", "--hidden", "--format", "json", "-n", "10"]));
    let cursor = page.next_cursor.expect("more than ten threads");
    assert_eq!(ids(&env, &["--all", "--hidden", "--after", &cursor]), whole[10..], "where it left off");
    let custom = ids(&env, &["--all", "--hidden", "--provider", "custom"]);
    let expected: Vec<String> = custom.into_iter().filter(|id| whole[10..].contains(id)).collect();
    let rest = ids(&env, &["--all", "--hidden", "--provider", "custom", "--after", &cursor]);
    assert_eq!(rest, expected, "of those alone that follow");
    for place in 0..cursor.len() {
        let old = &cursor[place..=place];
        let new = if old == "0" { "1" } else { "0" };
        let tampered = format!("{}{new}{}", &cursor[..place], &cursor[place + 1..]);
        env.run(["list", "--all", "--hidden", "--after", &tampered]).trouble("invalid cursor");
    }
}

#[test]
fn a_cursor_is_refused_where_it_does_not_fit() {
    let env = golden::filled_by_codex();
    let page = List::of(&env.run(["list", "--format", "json", "-n", "3"]));
    let cursor = page.next_cursor.expect("more than three threads");
    env.run(["list", "--sort", "created", "--after", &cursor]).status(2, "a cursor of another sort");
    env.run(["list", "--after", "rubbish"]).status(2, "no cursor at all");
    env.run(["list", "--after", ""]).status(2, "nor this");
    env.run(["list", "--after", &cursor]).status(0, "where it fits it works");
}

#[test]
fn limits() {
    let env = golden::filled_by_codex();
    let all = ids(&env, &[]);
    assert_eq!(ids(&env, &["-n", "5"]), all[..5], "-n");
    assert_eq!(ids(&env, &["--limit", "1"]), all[..1], "--limit");
    assert_eq!(ids(&env, &["-n", "0"]), all, "0 is all");
    assert_eq!(ids(&env, &["-n", "1000"]), all, "more than there are");
}

#[test]
fn filters() {
    let env = golden::filled_by_codex();
    let thread = |case: &str| golden::case(case).thread;
    let one = |case: &str| vec![thread(case)];
    assert_eq!(ids(&env, &["--source", "exec"]), one("odd-layout"), "a source that is a string");
    let subagents = vec![thread("source-spawn"), thread("source-review")];
    assert_eq!(ids(&env, &["--source", "subagent"]), subagents, "`subagent` matches its objects");
    assert_eq!(ids(&env, &["--provider", "custom"]), one("settings"), "a provider");
    assert_eq!(ids(&env, &["--cwd", "/srv/odd"]), one("odd-layout"), "a folder");
    let two = vec![thread("odd-layout"), thread("fork")];
    assert_eq!(ids(&env, &["--cwd", "/srv/child", "--cwd", "/srv/odd"]), two, "repeatable: any of them");
    assert_eq!(ids(&env, &["--source", "exec", "--source", "subagent"]).len(), 3, "repeatable as well");
    assert_eq!(ids(&env, &["--source", "exec", "--provider", "custom"]).len(), 0, "together: all of them");
    assert_eq!(ids(&env, &["--search", "make it fast"]), one("goal-first"), "in the preview");
    assert_eq!(ids(&env, &["--search", "odd-layout"]), one("odd-layout"), "in the title");
    assert_eq!(ids(&env, &["--search", "%"]).len(), 0, "a text, not a pattern");
    assert_eq!(ids(&env, &["--search", "no such text anywhere"]).len(), 0, "an empty list is fine");
}

#[test]
fn since_and_until_are_on_the_time_of_the_sort() {
    let env = golden::filled_by_codex();
    // `meta-offset-time` was created ten days before the others and updated at about the same time as they were.
    let old = golden::case("meta-offset-time").thread;
    assert_eq!(
        ids(&env, &["--sort", "created", "--until", "2026-03-10"]),
        [old.as_str()],
        "a date is midnight"
    );
    assert!(ids(&env, &["--sort", "updated", "--until", "2026-03-10"]).is_empty());
    let all = ids(&env, &[]);
    assert_eq!(ids(&env, &["--since", "2026-03-14"]), all, "since a date");
    assert_eq!(ids(&env, &["--since", "171d"]), all, "since an age: it is 1 September");
    assert!(ids(&env, &["--since", "30s"]).is_empty(), "nothing happened lately");
    let thread = golden::case("no-provider");
    let exact = "2026-03-14T16:58:16.873Z";
    let at = |args: &[&str]| ids(&env, args).contains(&thread.thread);
    assert!(at(&["--since", exact]), "since <= t");
    assert!(!at(&["--until", exact]), "t < until");
    assert!(at(&["--since", "2026-03-14T17:58:16.873+01:00"]), "an offset counts");
    for bad in ["yesterday-ish", "2026-13-01", "7x", ""] {
        env.run(["list", "--since", bad]).status(2, format_args!("{bad:?} is not a time"));
    }
}

#[test]
fn a_folder_of_windows_is_found_in_every_spelling() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = crate::rollouts::Rollout::new("2026-03-14T10:00:00").user("words");
    thread.write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    env.sql(r"UPDATE threads SET cwd = '\\?\C:\proj\a'");
    for spelling in [r"\\?\C:\proj\a", r"C:\proj\a", r"c:\proj\a"] {
        assert_eq!(ids(&env, &["--cwd", spelling]), [thread.thread()], "{spelling}");
    }
    assert_eq!(ids(&env, &["--cwd", r"D:\proj\a"]), [""; 0]);
}

#[test]
fn json_has_the_columns_of_the_table_and_their_types() {
    let env = golden::filled_by_codex();
    let outcome = env.run(["list", "--all", "--hidden", "--format", "json"]);
    let list = List::of(&outcome);
    let rows = env.rows();
    for thread in &list.threads {
        let row = &rows[thread["id"].as_str().unwrap()];
        let keys = |keys: Vec<&String>| -> BTreeSet<String> { keys.into_iter().cloned().collect() };
        let (told, there) = (keys(thread.keys().collect()), keys(row.keys().collect()));
        outcome.assert(there.is_subset(&told), "the columns of the table");
        for (column, value) in thread {
            // A column of a newer schema is missing here: its value is null, and the key is there.
            check_cell(column, value, row.get(column).unwrap_or(&serde_json::Value::Null));
        }
    }
    let lines = env.run(["list", "--all", "--hidden", "--format", "jsonl"]);
    let threads: Vec<Value> = lines.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let document = outcome.json();
    lines.assert_eq(&threads, document["threads"].as_array().unwrap(), "jsonl: the same, a thread a line");
}

/// Compares a value of the JSON with its cell.
#[track_caller]
fn check_cell(column: &str, value: &Value, cell: &Value) {
    let expected = match (column, cell) {
        (_, Value::Null) => Value::Null,
        ("archived" | "is_pinned" | "has_user_event", cell) => (cell.as_i64() == Some(1)).into(),
        (time, cell) if time.ends_with("_at") || time.ends_with("_at_ms") => {
            let scale = if time.ends_with("_ms") { 1 } else { 1000 };
            let milliseconds = cell.as_i64().unwrap() * scale;
            let text = value.as_str().unwrap_or_else(|| panic!("{column}: a time is a text, not {value}"));
            let shape = text.len() == "2026-03-14T16:57:30.373Z".len() && text.ends_with('Z');
            assert!(shape, "{column}: RFC 3339 UTC with milliseconds, not {text}");
            let time = chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
            assert_eq!(time.div_euclid(scale), milliseconds.div_euclid(scale), "{column}: {text} is {cell}");
            return;
        }
        (_, cell) => cell.clone(),
    };
    assert_eq!(value, &expected, "{column}: JSON text stays a string, all else is itself");
}

#[test]
fn json_of_an_older_schema_has_null_where_the_column_is_missing() {
    let env = specimen::filled("empty-2026-01");
    let outcome = env.run(["list", "--format", "json"]);
    let columns: BTreeSet<String> = env.row(specimen::LEGACY).into_keys().collect();
    for thread in &List::of(&outcome).threads {
        let missing: Vec<_> = columns.iter().filter(|column| !thread.contains_key(*column)).collect();
        outcome
            .assert(missing.is_empty(), format_args!("every column of the table, not without {missing:?}"));
        let invented: Vec<_> =
            thread.iter().filter(|(key, value)| !columns.contains(*key) && !value.is_null()).collect();
        outcome.assert(
            invented.is_empty(),
            format_args!("what the table has not is null at most: {invented:?}"),
        );
    }
}

#[test]
fn tsv_is_what_a_pipe_gets_and_scripts_can_split() {
    let env = golden::filled_by_codex();
    let columns = "id,title,archived_at,updated_at_ms,cwd";
    let outcome = env.run(["list", "--all", "--hidden", "--columns", columns]);
    outcome.status(0, "a list");
    let mut lines = outcome.stdout.lines();
    outcome.assert_eq(lines.next(), Some(columns.replace(',', "\t").as_str()), "a header line");
    let records: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    outcome.assert_eq(records.len(), 61, "a line for each row, whatever line ends its title holds");
    outcome.assert(
        records.iter().all(|record| record.len() == 5),
        "five fields each, whatever tabs a title holds",
    );
    let explicit = env.run(["list", "--all", "--hidden", "--columns", columns, "--format", "tsv"]);
    explicit.assert_eq(&explicit.stdout, &outcome.stdout, "--format tsv is the default in a pipe");
    let bare = env.run(["list", "--all", "--hidden", "--columns", columns, "--no-header"]);
    bare.assert_eq(bare.stdout.lines().count(), 61, "--no-header drops it");

    let record = |case: &str| {
        let id = golden::case(case).thread;
        records.iter().find(|record| record[0] == id).unwrap().clone()
    };
    outcome.assert_eq(record("no-provider")[2], "", "NULL is empty");
    outcome.assert_eq(record("no-provider")[3], "2026-03-14T16:58:16.873Z", "RFC 3339 UTC");
    let title = record("unicode-title")[1];
    outcome.assert(title.starts_with("日本語 café 🚀"), "text is UTF-8");
    outcome.assert(title.contains(r" tab\there\nnewline "), "tab and newline are escaped");
    let raw = outcome.stdout.chars().find(|c| ['\u{1b}', '\u{7}', '\u{202e}', '\u{202c}', '\r'].contains(c));
    outcome.assert(raw.is_none(), format_args!("no control or bidi character raw: {raw:?}"));
}

#[test]
fn a_backslash_in_tsv_is_escaped_as_well() {
    let env = golden::filled_by_codex();
    let id = golden::case("no-provider").thread;
    env.sql(&format!("UPDATE threads SET title = 'a\\tb' || char(13) || 'c' WHERE id = '{id}'"));
    let outcome = env.run(["list", "--columns", "id,title", "--no-header"]);
    let line = outcome.stdout.lines().find(|line| line.starts_with(&id)).unwrap();
    outcome.assert_eq(line.split('\t').nth(1), Some(r"a\\tb\rc"), "so that it can be undone");
}

#[test]
fn ids_alone_have_no_header_in_any_format_of_lines() {
    let env = golden::filled_by_codex();
    let ids = env.run(["list", "--ids", "-n", "3"]);
    for format in ["tsv", "csv", "table"] {
        let outcome = env.run(["list", "--ids", "-n", "3", "--format", format]);
        outcome.assert_eq(outcome.stdout.replace('\r', ""), ids.stdout.clone(), "just the ids");
    }
}

/// Tests cells that no Codex writes, but a damaged disk or an edit by hand may leave.
#[test]
fn cells_of_every_kind_are_written_safely_in_every_format() {
    let env = golden::filled_by_codex();
    let cases = ["plain", "no-provider", "bom", "compacted", "source-new"];
    let [nul, invalid, blob, real, words] = cases.map(|case| golden::case(case).thread);
    env.sql(&format!(
        "UPDATE threads SET title = 'a' || char(0, 27, 8238, 10, 9, 92) || 'b' WHERE id = '{nul}';
         UPDATE threads SET title = CAST(x'61ff62' AS TEXT) WHERE id = '{invalid}';
         UPDATE threads SET title = x'00ff1b5b', tokens_used = x'0a' WHERE id = '{blob}';
         UPDATE threads SET title = 1.5, tokens_used = 1.5 WHERE id = '{real}';
         UPDATE threads SET tokens_used = 'many', archived_at = 'then', is_pinned = 7 WHERE id = '{words}'"
    ));
    let columns = ["--columns", "id,title,tokens_used,archived_at,is_pinned"];
    let list = |format: &str| {
        let outcome = env.run([&["list", "--all", "--hidden", "--format", format], &columns[..]].concat());
        outcome.status(0, "whatever the cells hold");
        outcome
    };
    for format in ["tsv", "table"] {
        let outcome = list(format);
        let raw =
            outcome.stdout.chars().find(|&c| c == '\u{202e}' || (c.is_control() && !"\t\n".contains(c)));
        outcome.assert(raw.is_none(), format_args!("{format}: nothing that acts or hides: {raw:?}"));
    }
    let tsv = list("tsv");
    for line in [
        &format!("{nul}\ta\\x00\\x1b\\u{{202e}}\\n\\t\\\\b\t"),
        &format!("{invalid}\ta\u{fffd}b\t"),
        &format!("{blob}\t\\x00\u{fffd}\\x1b[\t\\n\t"),
        &format!("{real}\t1.5\t1.5\t"),
        &format!("{words}\tsource-new: please look at golden\tmany\tthen\t7\n"),
    ] {
        tsv.assert(tsv.stdout.contains(line.as_str()), format_args!("a line with {line:?}"));
    }
    let json = list("json").with_odd_cells().json();
    let thread = |id: &str| json["threads"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    assert_eq!(thread(&nul)["title"], "a\0\u{1b}\u{202e}\n\t\\b", "unchanged, as JSON quotes it");
    assert_eq!((&thread(&real)["title"], &thread(&real)["tokens_used"]), (&"1.5".into(), &1.5.into()));
    assert_eq!((&thread(&words)["tokens_used"], &thread(&words)["is_pinned"]), (&"many".into(), &7.into()));
    let csv = list("csv");
    csv.assert(csv.stdout.contains("\"a\0\u{1b}\u{202e}\n\t\\b\""), "unchanged, as CSV quotes it");
    for id in [&nul, &invalid, &blob, &real, &words] {
        env.run(["show", id]).status(0, "each column");
        env.run(["show", "--compare", id]).status(0, "beside the file");
    }
    env.run(["status"]).status(0, "counted all the same");
}

/// Runs without the fixed clock, because that fixes the time zone too.
#[cfg(unix)]
#[test]
fn a_date_is_midnight_where_people_live() {
    let env = golden::filled_by_codex();
    let since = |zone: &str, date: &str| {
        let mut command = env.command(["list", "--all", "--hidden", "--ids", "--since", date]);
        command.env_remove("CODEX_STATE_NOW").env("TZ", zone);
        env.finish(command).stdout.lines().count()
    };
    // All threads were updated between 16:57 and 18:06 UTC.
    assert_eq!(since("UTC0", "2026-03-15"), 0);
    assert_eq!(since("JST-9", "2026-03-15"), 61, "there it is the next day already");
    assert_eq!(since("EST5", "2026-03-14"), 61);
    let half_past_five = since("XXX-6:30", "2026-03-15");
    assert!((1..61).contains(&half_past_five), "{half_past_five}");
}

#[test]
fn csv_carries_the_text_unchanged() {
    let env = golden::filled_by_codex();
    let outcome = env.run(["list", "--format", "csv", "--columns", "id,title", "--all", "--hidden"]);
    outcome.status(0, "a list");
    let mut reader = csv::Reader::from_reader(outcome.stdout.as_bytes());
    outcome.assert_eq(reader.headers().unwrap().iter().collect::<Vec<_>>(), vec!["id", "title"], "a header");
    let rows = env.rows();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    outcome.assert_eq(records.len(), rows.len(), "a record for each row");
    for record in records {
        outcome.assert(
            rows[&record[0]]["title"] == record[1],
            format_args!("the title of {} as it is", &record[0]),
        );
    }
}

#[test]
fn a_table_never_shows_raw_controls() {
    let env = golden::filled_by_codex();
    let outcome = env.run(["list", "--all", "--hidden", "--format", "table", "--color", "never"]);
    outcome.status(0, "a list");
    let raw = outcome.stdout.chars().find(|c| ['\u{1b}', '\u{7}', '\u{202e}'].contains(c));
    outcome.assert(raw.is_none(), format_args!("no control or bidi character raw: {raw:?}"));
    let widest = outcome.stdout.lines().map(unicode_width::UnicodeWidthStr::width).max();
    outcome.assert(widest <= Some(120), format_args!("fitted to COLUMNS=120, not {widest:?}"));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let env = golden::filled_by_codex();
    for format in ["json", "jsonl", "tsv", "csv", "table"] {
        let mut command = env.command(["list", "--all", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{format}: what it would have been; stderr:\n{stderr}");
        assert!(!stderr.to_lowercase().contains("broken pipe"), "{format}: quietly:\n{stderr}");
    }
}
