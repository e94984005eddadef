//! Tests `list` as people see it, in terminals of two widths and in a pipe, and its answers to impossible requests.

use expect_test::{Expect, expect};

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;
use crate::specimen;

/// Returns the golden home with a pinned thread, a named thread, and a thread whose folder is in the user's folder.
fn home() -> Env {
    let env = golden::filled_by_codex();
    let user = env.home().parent().unwrap().to_str().unwrap().to_owned();
    let id = |case: &str| golden::case(case).thread;
    env.sql(&format!(
        "UPDATE threads SET is_pinned = 1 WHERE id = '{}';
         UPDATE threads SET name = 'the name of it' WHERE id = '{}';
         UPDATE threads SET cwd = '{user}/work/a/rather/deep/folder/of/a/project/that/goes/on' WHERE id = '{}'",
        id("compacted"),
        id("bom"),
        id("source-new")
    ));
    env
}

fn at_width(env: &Env, width: &str, args: &[&str]) -> Outcome {
    let mut command = env.command(args);
    command.env("COLUMNS", width);
    env.finish(command)
}

#[track_caller]
fn check(outcome: &Outcome, expected: &Expect) {
    expected.assert_eq(&outcome.snapshot());
}

#[test]
fn a_table_at_80_columns() {
    let outcome = at_width(&home(), "80", &["list", "--format", "table", "-n", "9"]);
    check(
        &outcome,
        &expect![[r#"
            $ codex-state list --format table -n 9
            ID          UPDATED  CWD                TITLE
            019ced86    24w ago  /srv/golden        no-newline-at-end: please look at golden
            019ced85    24w ago  …ect/that/goes/on  [hidden] source-new: please look at gol…
            019ced84    24w ago  /srv/golden        id-differs: please look at golden
            019ced83    24w ago  /srv/golden        the name of it
            019ced7f    24w ago  /srv/golden        bad-name: please look at golden
            019ced7b-f  24w ago  /srv/golden        [pinned] compacted: please look at gold…
            019ced7b-1  24w ago  /srv/golden        long xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            019ced7a    24w ago  /srv/golden        日本語 café 🚀 é \u{202e}RTL\u{202c} ta…
            019ced79    24w ago  /srv/golden        look-alikes: please look at golden
            --- stderr
            9 of 56 threads; -n 0 lists all
            Codex's own list leaves out the 1 thread marked [hidden]; codex-state status says why
            --- status 0
        "#]],
    );
}

#[test]
fn a_table_at_120_columns_with_archived_ones_by_when_they_began() {
    let outcome = at_width(
        &home(),
        "120",
        &["list", "--format", "table", "--all", "--sort", "created", "--search", "archived"],
    );
    check(
        &outcome,
        &expect![[r#"
        $ codex-state list --format table --all --sort created --search archived
        ID          CREATED  CWD          TITLE
        019ced67    24w ago  /srv/golden  [archived] zst-archived: please look at golden
        019ced66-0  24w ago  /srv/golden  [archived] archived-nested: please look at golden
        019ced65    24w ago  /srv/golden  [archived] archived: please look at golden
        --- stderr
        --- status 0
    "#]],
    );
}

#[test]
fn in_a_pipe() {
    let outcome = home().run(["list", "-n", "3"]);
    check(
        &outcome,
        &expect![[r#"
            $ codex-state list -n 3
            id	updated_at	created_at	archived	source	model_provider	cwd	git_branch	title	name
            019ced86-103b-7f3e-b36d-91483db9a03a	2026-03-14T18:05:18.000Z	2026-03-14T18:05:12.000Z	false	cli	openai	/srv/golden		no-newline-at-end: please look at golden	
            019ced85-25db-75ae-a37e-732112fb2591	2026-03-14T18:04:16.000Z	2026-03-14T18:04:12.000Z	false	unknown	openai	$ROOT/user/work/a/rather/deep/folder/of/a/project/that/goes/on		source-new: please look at golden	
            019ced84-3b7b-7885-9c4d-8f2a21bd87a2	2026-03-14T18:03:16.000Z	2026-03-14T18:03:12.000Z	false	cli	openai	/srv/golden		id-differs: please look at golden	
            --- stderr
            --- status 0
        "#]],
    );
}

#[test]
fn columns_that_were_asked_for_as_a_table() {
    let columns = "id,archived,tokens_used,created_at_ms,is_pinned,rollout_path,name";
    let outcome = at_width(&home(), "100", &["list", "--format", "table", "-n", "6", "--columns", columns]);
    check(
        &outcome,
        &expect![[r#"
            $ codex-state list --format table -n 6 --columns id,archived,tokens_used,created_at_ms,is_pinned,rollout_path,name
            ID          ARCHIVED  TOKENS_USED  CREATED_AT_MS  IS_PINNED  ROLLOUT_PATH             NAME
            019ced86    no                 33  24w ago        no         …36d-91483db9a03a.jsonl
            019ced85    no                  0  24w ago        no         …37e-732112fb2591.jsonl
            019ced84    no                  0  24w ago        no         …60a-c15056a47813.jsonl
            019ced83    no                  0  24w ago        no         …6b5-63350780311f.jsonl  the name of it
            019ced7f    no                  0  24w ago        no         …06-07-not-a-uuid.jsonl
            019ced7b-f  no                 15  24w ago        yes        …84f-80dd0f85a856.jsonl
            --- stderr
            6 of 56 threads; -n 0 lists all
            --- status 0
        "#]],
    );
}

#[test]
fn columns_that_have_no_room_are_named() {
    let columns = "id,title,tokens_used,archived,updated_at,created_at,cwd,source";
    let outcome = at_width(&home(), "80", &["list", "--format", "table", "-n", "2", "--columns", columns]);
    check(
        &outcome,
        &expect![[r#"
            $ codex-state list --format table -n 2 --columns id,title,tokens_used,archived,updated_at,created_at,cwd,source
            ID        TITLE                    TOKENS_USED  ARCHIVED  UPDATED_AT  CREATED_AT
            019ced86  no-newline-at-end: ple…           33  no        24w ago     24w ago
            019ced85  source-new: please loo…            0  no        24w ago     24w ago
            --- stderr
            2 of 56 threads; -n 0 lists all
            no room for cwd, source: make the terminal wider, or take --format tsv
            --- status 0
        "#]],
    );
    let quiet =
        at_width(&home(), "80", &["list", "-q", "--format", "table", "-n", "2", "--columns", columns]);
    quiet.assert(quiet.stderr.is_empty(), "unless --quiet is given");
    let wide = at_width(&home(), "160", &["list", "--format", "table", "-n", "0", "--columns", columns]);
    wide.assert(wide.stderr.is_empty(), "here all have room");
}

#[test]
fn an_empty_list_says_so_to_people_alone() {
    let env = home();
    let outcome = env.run(["list", "--format", "table", "--search", "no such text"]);
    check(
        &outcome,
        &expect![[r#"
        $ codex-state list --format table --search no such text
        --- stderr
        no threads
        hint: codex-state list --all --hidden also lists those that are archived or without a message
        --- status 0
    "#]],
    );
    let outcome = env.run(["list", "--ids", "--search", "no such text"]);
    outcome.assert(outcome.stdout.is_empty() && outcome.stderr.is_empty(), "nothing for scripts");
    let quiet = env.run(["list", "--format", "table", "-n", "1", "--quiet"]);
    quiet.assert(quiet.stderr.is_empty(), "--quiet leaves the footer out");
}

#[test]
fn colour_is_for_those_who_want_it() {
    let env = home();
    let is_coloured = |args: &[&str], variable: Option<(&str, &str)>| {
        let mut command = env.command([&["list", "--format", "table", "-n", "1"], args].concat());
        command.envs(variable);
        env.finish(command).stdout.contains('\x1b')
    };
    assert!(!is_coloured(&[], None), "a pipe is not a terminal");
    assert!(is_coloured(&["--color", "always"], None));
    assert!(is_coloured(&["--color", "always"], Some(("NO_COLOR", "1"))), "the option has the last word");
    assert!(is_coloured(&[], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!is_coloured(&["--color", "never"], Some(("CLICOLOR_FORCE", "1"))));
    let tsv = env.run(["list", "--color", "always", "-n", "1"]);
    tsv.assert(!tsv.stdout.contains('\x1b'), "records are never coloured");
}

#[test]
fn names_come_from_the_session_index_where_no_column_has_them() {
    for schema in ["empty-2026-01", "empty-2026-03", "empty-2026-07"] {
        let env = specimen::filled(schema);
        env.write(
            "session_index.jsonl",
            format!("{{\"id\":\"{}\",\"thread_name\":\"My Own Name\"}}\n", specimen::LEGACY),
        );
        let found = env.run(["list", "--ids", "--search", "my own"]);
        found.assert_eq(
            &*found.stdout,
            &*format!("{}\n", specimen::LEGACY),
            format_args!("{schema}: sought"),
        );
        let table = env.run(["list", "--format", "table"]);
        table.assert(table.stdout.contains("My Own Name"), format_args!("{schema}: shown"));
        let columns = env.run(["list", "--columns", "name", "--no-header", "--search", "my own"]);
        columns.assert_eq(&*columns.stdout, "My Own Name\n", format_args!("{schema}: as a column"));
    }
    let env = specimen::filled("empty-2026-08");
    env.write(
        "session_index.jsonl",
        format!("{{\"id\":\"{}\",\"thread_name\":\"Not This\"}}\n", specimen::LEGACY),
    );
    let found = env.run(["list", "--ids", "--search", "not this"]);
    found.assert(found.stdout.is_empty(), "where a column has them, it alone counts");
}

#[test]
fn folders_below_count_if_wanted_and_every_spelling_of_a_folder_does() {
    let env = golden::filled_by_codex();
    let deep = env.outside("work/deep/x");
    let work = deep.parent().unwrap().parent().unwrap().to_owned();
    let set = |case: &str, folder: &std::path::Path| {
        let id = golden::case(case).thread;
        env.sql(&format!("UPDATE threads SET cwd = '{}' WHERE id = '{id}'", folder.display()));
        format!("{id}\n")
    };
    let (one, two) = (set("no-provider", &work), set("compacted", &work.join("deep")));
    set("plain", &work.with_file_name("work-not"));
    let ids = |folder: &str, args: &[&str]| {
        let mut command = env.command([&["list", "--ids", "--cwd", folder], args].concat());
        command.current_dir(&work);
        env.finish(command).stdout
    };
    let full = work.to_str().unwrap();
    for folder in [full, ".", "deep/..", &format!("{full}/"), "../work"] {
        assert_eq!(ids(folder, &[]), one, "{folder}");
        assert_eq!(ids(folder, &["--recursive"]), [two.as_str(), one.as_str()].concat(), "{folder}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&work, env.outside("link")).unwrap();
        assert_eq!(ids("../link", &[]), one, "through a link");
    }
    env.run(["list", "--recursive"]).status(2, "below what?");
    // A folder that is not on this machine is in the row as it was written.
    for folder in ["relative/folder", r"C:\work\project", "/gone/with/slash/"] {
        let written = set("no-provider", std::path::Path::new(folder));
        assert_eq!(ids(folder, &[]), written, "{folder}");
    }
}

#[test]
fn an_unknown_column_is_refused_with_those_that_there_are() {
    let env = home();
    let outcome = env.run(["list", "--columns", "id,titel"]);
    outcome.status(2, "no such column");
    outcome.assert(outcome.stderr.contains("\"titel\""), "it is named");
    outcome.assert(outcome.stderr.contains("hint: title; or one of id,"), "what was meant");
    outcome.assert(outcome.stderr.contains("first_user_message, agent_nickname"), "and what there is");
}

#[test]
fn nonsense_is_answered_with_what_to_type_instead() {
    let env = home();
    check(
        &env.run(["list", "--after", "abc"]),
        &expect![[r#"
        $ codex-state list --after abc
        --- stderr
        codex-state: error: invalid cursor "abc" for --after
        hint: take next_cursor from the JSON of the page before, or leave --after out to begin at the top
        --- status 2
    "#]],
    );
    check(
        &env.run(["list", "--since", "last-week"]),
        &expect![[r#"
            $ codex-state list --since last-week
            --- stderr
            codex-state: error: cannot read "last-week" as a time
            hint: give an RFC 3339 time (2026-03-14T09:00:00Z), a date (2026-03-14), today, yesterday, or an age (30s, 10m, 2h, 7d, 4w, 3mo, 1y, "2 weeks ago")
            --- status 2
        "#]],
    );
    check(
        &env.run(["list", "--until", "14.3.2026"]),
        &expect![[r#"
            $ codex-state list --until 14.3.2026
            --- stderr
            codex-state: error: cannot read "14.3.2026" as a time
            hint: give an RFC 3339 time (2026-03-14T09:00:00Z), a date (2026-03-14), today, yesterday, or an age (30s, 10m, 2h, 7d, 4w, 3mo, 1y, "2 weeks ago")
            --- status 2
        "#]],
    );
    check(
        &env.run(["show", "019ced7b"]),
        &expect![[r#"
        $ codex-state show 019ced7b
        --- stderr
        codex-state: error: 019ced7b: ambiguous, 2 threads begin so: 019ced7b-13bb-7570-a35a-aacfda27c5e5, 019ced7b-fe1b-7df4-884f-80dd0f85a856
        hint: type more of the id
        --- status 2
    "#]],
    );
    check(
        &env.run(["show", "ffff"]),
        &expect![[r#"
            $ codex-state show ffff
            --- stderr
            codex-state: no such thread: ffff
            hint: codex-state list --all --hidden --search TEXT finds the id of a thread by its words
            --- status 1
        "#]],
    );
    check(
        &env.run(["path", "./nothing.jsonl"]),
        &expect![[r#"
            $ codex-state path ./nothing.jsonl
            --- stderr
            codex-state: no such thread: ./nothing.jsonl
            hint: codex-state list --all --hidden --search TEXT finds the id of a thread by its words
            --- status 1
        "#]],
    );
    check(
        &Env::new().run(["list"]),
        &expect![[r#"
        $ codex-state list
        --- stderr
        codex-state: error: no database in $HOME_DIR or $HOME_DIR/sqlite
        hint: codex-state backfill makes one from the rollouts; or name one with --db FILE
        --- status 2
    "#]],
    );
    let json = env.run(["list", "--format", "json", "-n", "1"]).json();
    let cursor = json["next_cursor"].as_str().unwrap();
    let outcome = env.run(["list", "--reverse", "--after", cursor]);
    outcome.status(2, "another order");
    outcome
        .assert(outcome.stderr.contains("hint: repeat the options of the page before: --sort updated\n"), "");
}

#[test]
fn show_for_people() {
    let env = home();
    let outcome = env.run(["show", &golden::case("no-provider").thread]);
    check(
        &outcome,
        &expect![[r#"
            $ codex-state show 019ced48-b91b-7cd1-8fde-679dbc86ee82
            id:                     019ced48-b91b-7cd1-8fde-679dbc86ee82
            rollout_path:           $HOME_DIR/sessions/2026/03/14/rollout-2026-03-14T16-58-12-019ced48-b91b-7cd1-8fde-679dbc86ee82.jsonl
            created_at:             2026-03-14 16:58:12 +00:00 (24w ago)
            updated_at:             2026-03-14 16:58:16 +00:00 (24w ago)
            source:                 cli
            model_provider:         openai
            cwd:                    /srv/golden
            title:                  no-provider: please look at golden
            sandbox_policy:         {"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"special","value":{"kind":"root"}},"access":"read"},{"path":{"type":"special","value":{"kind":"project_roots"}},"access":"write"},{"path":{"type":"special","value":{"kind":"slash_tmp"}},"access":"write"},{"path":{"type":"special","value":{"kind":"tmpdir"}},"access":"write"},{"path":{"type":"path","path":"/srv/golden"},"access":"write"},{"path":{"type":"special","value":{"kind":"project_roots","subpath":".git"}},"access":"read","missing_path_behavior":"skip"},{"path":{"type":"special","value":{"kind":"project_roots","subpath":".agents"}},"access":"read","missing_path_behavior":"skip"},{"path":{"type":"special","value":{"kind":"project_roots","subpath":".codex"}},"access":"read","missing_path_behavior":"skip"},{"path":{"type":"path","path":"/srv/golden/.codex"},"access":"read","missing_path_behavior":"skip"}]},"network":"restricted"}
            approval_mode:          on-request
            tokens_used:            0
            has_user_event:         no
            archived:               no
            archived_at:            -
            git_sha:                -
            git_branch:             -
            git_origin_url:         -
            cli_version:            0.147.0
            first_user_message:     no-provider: please look at golden
            agent_nickname:         -
            agent_role:             -
            memory_mode:            enabled
            model:                  gpt-5.3-codex
            reasoning_effort:       high
            agent_path:             -
            thread_source:          user
            preview:                no-provider: please look at golden
            recency_at:             2026-03-14 16:58:16 +00:00 (24w ago)
            history_mode:           legacy
            name:                   -
            is_pinned:              no
            thread_section_id:      -
            section_position:       -
            section_entered_at_ms:  -
            project_id:             -
            originator:             -
            daybreak_enabled:       -
            creator_user_id:        -
            creator_account_id:     -
            in codex:               listed; codex resume lists it in its folder alone
            resume:                 codex resume 019ced48-b91b-7cd1-8fde-679dbc86ee82
            --- stderr
            --- status 0
        "#]],
    );
}
