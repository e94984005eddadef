//! Plans the rows about memory: the commands whose memory could grow with what they find or are asked for. `rows` has
//! the goals.

use super::child::{Expect, Fresh, Invocation};
use super::homes::Spec;
use super::lab::{Lab, Site};
use super::rows::Plan;
use anyhow::Result;

const PRUNE: [&str; 3] = ["prune", "--dry-run", "--all-missing"];
const RELINK: [&str; 5] = ["relink", "--dry-run", "--missing-ok", "/", "/elsewhere"];

/// Plans the usual commands.
pub(super) fn usual(lab: &mut Lab<'_>, spec: Spec) -> Result<Plan> {
    let (_, fresh) = lab.backfill_fresh(spec)?;
    let site = lab.filled(spec)?;
    let mut commands = vec![fresh];
    for args in [&["verify"][..], &["backfill"], &["backfill", "--quick"], &["list", "--all"]] {
        commands.push(lab.ours(&site, args));
    }
    Ok(Plan::Peak(site.about, commands))
}

/// Plans the commands that look at all rows, on a sound home.
pub(super) fn whole(lab: &mut Lab<'_>, spec: Spec) -> Result<Plan> {
    let site = lab.filled(spec)?;
    let backup = lab.scratch().join("copy.sqlite").to_string_lossy().into_owned();
    let mut commands = Vec::new();
    for args in [
        &["status"][..],
        &["verify", "--quick"],
        &["verify", "--deep"],
        &["list", "--all", "--ids"],
        &["list", "--all", "--sort", "size"],
        &["list", "--all", "--format", "json"],
        &RELINK,
    ] {
        commands.push(lab.ours(&site, args));
    }
    let copy = lab.ours(&site, ["backup", &backup]);
    commands.push(Invocation { absent: Some(backup.into()), ..copy });
    Ok(Plan::Peak(site.about, commands))
}

/// Plans the commands whose memory could grow with what they find: rows without rollouts, and rollouts without rows.
pub(super) fn findings(lab: &mut Lab<'_>, spec: Spec, args: &[&[&str]]) -> Result<Plan> {
    let (site, _, template) = lab.prune(spec)?;
    let site = Site { db: template.into(), ..site };
    let (_, fresh) = lab.backfill_fresh(spec)?;
    let mut commands = Vec::new();
    for args in args {
        commands.push(lab.ours(&site, *args).expect(Expect::Drift));
        let mut without_rows = fresh.clone().expect(Expect::Drift);
        without_rows.args.truncate(4);
        without_rows.args.extend(args.iter().map(Into::into));
        commands.push(without_rows);
    }
    Ok(Plan::Peak(site.about, commands))
}

/// Plans the commands that read the names of threads, on a home in whose index `n_names` threads have one.
pub(super) fn names(lab: &mut Lab<'_>, spec: Spec, n_names: usize) -> Result<Plan> {
    let site = lab.named(spec, n_names)?;
    let fresh = lab.ours(&site, ["backfill"]).expect(Expect::Rows(spec.files()));
    let mut commands = vec![Invocation { fresh: Some(Fresh::empty(site.db.clone())), ..fresh }];
    // They use the database that the backfill left.
    for args in [
        &["backfill"][..],
        &["backfill", "--index", "--dry-run"],
        &["verify"],
        &["verify", "--quick"],
        &["status"],
        &["list", "--all"],
    ] {
        commands.push(lab.ours(&site, args).expect(Expect::Drift));
    }
    Ok(Plan::Peak(site.about, commands))
}

/// Plans the same findings in a JUnit report.
pub(super) fn junit(lab: &mut Lab<'_>, spec: Spec) -> Result<Plan> {
    let file = lab.scratch().join("junit.xml").to_string_lossy().into_owned();
    findings(lab, spec, &[&["verify", "--quick", "--junit", &file], &["verify", "--junit", &file]])
}

/// Plans a prune of most rows, as a dry run too.
pub(super) fn prune(lab: &mut Lab<'_>, spec: Spec) -> Result<Plan> {
    let (site, prune, template) = lab.prune(spec)?;
    let site = Site { db: template.into(), ..site };
    Ok(Plan::Peak(site.about.clone(), vec![prune, lab.ours(&site, PRUNE)]))
}

/// Plans commands that read the ids of all threads from standard input.
pub(super) fn ids(lab: &mut Lab<'_>, spec: Spec, args: &[&[&str]]) -> Result<Plan> {
    let site = lab.filled(spec)?;
    let commands = args.iter().map(|args| with_ids(lab, &site, args)).collect::<Result<_>>()?;
    Ok(Plan::Peak(site.about, commands))
}

/// Plans many jobs, on plain and on compressed rollouts.
pub(super) fn jobs(lab: &mut Lab<'_>, spec: Spec, compressed: Spec) -> Result<Plan> {
    let mut commands = Vec::new();
    for spec in [compressed, spec] {
        let site = lab.filled(spec)?;
        commands.push(lab.backfill_fresh(spec)?.1);
        commands.extend([lab.ours(&site, ["verify"]), lab.ours(&site, ["backfill"])]);
    }
    commands.iter_mut().for_each(|command| command.args.extend(["--jobs", "64"].map(Into::into)));
    Ok(Plan::Peak(lab.filled(spec)?.about, commands))
}

/// Plans a database of a million rows, most of which have no rollout.
pub(super) fn million_rows(lab: &mut Lab<'_>, spec: Spec) -> Result<Plan> {
    let site = lab.million(spec)?;
    let mut commands = Vec::new();
    for args in [&["archive", "--dry-run", "-"][..], &["path", "-"], &["show", "-"]] {
        commands.push(with_ids(lab, &site, args)?);
    }
    for args in [
        &["status"][..],
        &["list", "--all"],
        &["list", "--all", "--sort", "size"],
        &["backfill", "--quick", "--dry-run"],
        &PRUNE,
        &RELINK,
        &["verify"],
        &["verify", "--quick", "--format", "json"],
    ] {
        commands.push(lab.ours(&site, args).expect(Expect::Drift));
    }
    Ok(Plan::Peak(site.about, commands))
}

/// Plans the commands that go through a home, on a tenth of the rollouts and on all of them.
pub(super) fn million_files(lab: &mut Lab<'_>, few: Spec, many: Spec) -> Result<Plan> {
    let mut commands = |spec: Spec| -> Result<Vec<Invocation>> {
        let mut commands = vec![lab.backfill_fresh(spec)?.1];
        let site = lab.filled(spec)?;
        for args in
            [&["backfill"][..], &["backfill", "--quick"], &["verify"], &["verify", "--quick"], &["status"]]
        {
            commands.push(lab.ours(&site, args));
        }
        Ok(commands)
    };
    let pairs = commands(few)?.into_iter().zip(commands(many)?).collect();
    let about = format!("a million files, from {} and {}", few.files(), many.files());
    Ok(Plan::Growth { about, pairs, n: [few.files(), many.files(), 1_000_000] })
}

fn with_ids(lab: &Lab<'_>, site: &Site, args: &[&str]) -> Result<Invocation> {
    // Threads without a rollout are named, and make the exit status 1.
    let command = lab.ours(site, args).expect(Expect::Drift);
    Ok(Invocation { stdin: Some(lab.ids(site)?), ..command })
}
