//! Tests archive and unarchive that are killed between any two steps: nothing is lost, verify names what is half
//! done, and a rerun completes it.
#![cfg(feature = "fault-points")]

use crate::moving::{self, COMPRESSED, HEAD, PLAIN, REVERTED, TWINS, agrees, contents, files};
use crate::shapes::Verify;

#[test]
fn a_crash_at_any_step_is_named_and_completed() {
    for verb in ["archive", "unarchive"] {
        for point in moving::points(verb) {
            // Only moves to another file system copy files: archive_volumes tests these points.
            if ["copied", "source-removed"].contains(&point.split(':').nth(1).unwrap()) {
                continue;
            }
            for id in [PLAIN, COMPRESSED, TWINS, REVERTED] {
                let env = moving::home("empty-2026-08");
                let before = contents(&env);
                if verb == "unarchive" {
                    env.run(["archive", id]).status(0, "where it starts from");
                }
                let (start, row) = (files(&env), env.row(id));
                let mut command = env.command([verb, id]);
                command.env("CODEX_STATE_FAULT", &point);
                let crash = env.finish(command);
                crash.assert(crash.died(), format_args!("it died at {point}"));
                crate::table::assert_sound(&env.db(), &format!("after {point}"));
                assert_eq!(contents(&env), before, "{point} of {id}: nothing is lost");

                let outcome = env.run(["verify", "--format", "json"]);
                let findings = Verify::of(&outcome).findings;
                let (moved, is_done) = (files(&env) != start, env.row(id) != row);
                outcome.assert_eq(
                    !findings.is_empty(),
                    moved && !is_done,
                    format_args!("{point} of {id}: what is half done has a name: {findings:?}"),
                );
                for finding in &findings {
                    outcome.assert_eq(finding.thread_id.as_deref(), Some(id), "the thread's name");
                }
                let outcome = env.run([verb, id]);
                outcome.status(0, format_args!("{point} of {id}: the same again"));
                agrees(&env, &format!("{point} of {id}, after a rerun"));
                let archived = i64::from(verb == "archive");
                assert_eq!(env.row(id)["archived"], archived, "{point} of {id}: it is done");
                assert_eq!(env.row(id)["first_user_message"], row["first_user_message"], "{point} of {id}");
                assert_eq!(
                    file_name(&env.row(id)["rollout_path"]),
                    file_name(&row["rollout_path"]),
                    "{point} of {id}: the same rollout counts"
                );
                assert_eq!(contents(&env), before, "{point} of {id}: still nothing is lost");
            }
        }
    }
}

fn file_name(path: &serde_json::Value) -> String {
    path.as_str().unwrap().rsplit(['/', '\\']).next().unwrap().to_owned()
}

#[test]
fn backfill_after_a_crash_mends_the_row_and_keeps_its_choice() {
    let env = moving::home("empty-2026-08");
    let mut command = env.command(["archive", REVERTED]);
    command.env("CODEX_STATE_FAULT", "archive:renamed");
    env.finish(command);
    env.run(["backfill"]).status(0, "another way to repair it");
    agrees(&env, "after backfill");
    assert!(env.row(REVERTED)["rollout_path"].as_str().unwrap().contains(HEAD));
    env.run(["archive", REVERTED]).status(0, "and the rest goes along");
    agrees(&env, "after archive");
}
