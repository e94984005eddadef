//! Defines the rows of the table: what each measures, its yardstick and its goal; `measure` measures them.

use super::child::{Expect, Invocation};
use super::homes::Spec;
use super::lab::{Lab, Site};
use super::memory;
use super::yardstick::{self, Yardstick};
use anyhow::Result;

/// A row of the table.
pub(crate) struct Row {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// The description of what it measures.
    pub(crate) measure: &'static str,
    /// The goal.
    pub(crate) goal: Goal,
    /// True if its home has gigabytes.
    pub(crate) large: bool,
    /// Makes the home and the database, and returns what to run.
    pub(crate) plan: fn(&mut Lab<'_>) -> Result<Plan>,
}

/// The goal of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// At most the yardstick's time multiplied by this.
    Times(f64, &'static str),
    /// At most this many milliseconds.
    Millis(f64),
    /// At most this much memory, in MiB.
    Mib(f64),
}

/// The commands of a row, and the home on which they run.
#[allow(clippy::large_enum_variant, reason = "there are thirty of them; only on Windows are they this large")]
pub(crate) enum Plan {
    /// Our command and its yardstick, which take turns.
    Pair(String, Invocation, Yardstick),
    /// Several of our commands. The one with the highest peak counts.
    Peak(String, Vec<Invocation>),
    /// Our commands on a small and a large home. From the growth of their peaks follows the peak on a still larger one.
    Growth {
        /// The homes, for people.
        about: String,
        /// Each command on the small home and on the large one.
        pairs: Vec<(Invocation, Invocation)>,
        /// The sizes of the small home, of the large one, and of the one to compute.
        n: [usize; 3],
    },
    /// The number of steps on a large table and on a small one.
    Steps(String, Option<u64>, Option<u64>),
}

const RG: &str = "rg -c ''";
const FIND: &str = "find -printf";
const SQLITE: &str = "sqlite3";
const ZSTD: &str = "zstd -dc";
const INSERT: &str = "plain insert";
const TENTH: &str = "a tenth";
const BACKFILL: &str = "backfill";

/// All rows, in the order of the table.
#[rustfmt::skip]
pub(crate) const ROWS: [Row; 41] = [
    row("backfill-fresh", "fresh backfill", Goal::Times(2.0, RG), |lab| {
        let (site, ours) = lab.backfill_fresh(lab.usual(1))?;
        Ok(Plan::Pair(site.about.clone(), ours, yardstick::rg(&site)))
    }),
    row("backfill-unchanged", "backfill, nothing changed", Goal::Times(1.3, RG), |lab| {
        filled(lab, lab.usual(1), &["backfill"], yardstick::rg)
    }),
    row("verify", "verify, every field", Goal::Times(1.5, RG), |lab| {
        filled(lab, lab.usual(1), &["verify"], yardstick::rg)
    }),
    row("tiny-backfill", "fresh backfill, tiny threads", Goal::Times(1.15, INSERT), |lab| {
        let filled = lab.filled(lab.tiny(1))?;
        let (site, ours) = lab.backfill_fresh(lab.tiny(1))?;
        Ok(Plan::Pair(site.about, ours, yardstick::insert(lab, &filled)))
    }),
    row("tiny-verify", "verify, tiny threads", Goal::Times(2.5, RG), |lab| {
        filled(lab, lab.tiny(1), &["verify"], yardstick::rg)
    }),
    row("prune", "prune of six rows of seven", Goal::Times(2.0, SQLITE), |lab| {
        let (site, ours, template) = lab.prune(lab.tiny(1))?;
        let sql = yardstick::delete(lab, &site, template, ours.expect);
        Ok(Plan::Pair(site.about, ours, sql))
    }),
    row("status", "status", Goal::Times(2.0, FIND), |lab| filled(lab, lab.tiny(1), &["status"], yardstick::find)),
    row("quick-backfill", "backfill --quick, nothing changed", Goal::Times(3.0, FIND), |lab| {
        filled(lab, lab.tiny(1), &["backfill", "--quick"], yardstick::find)
    }),
    row("quick-verify", "verify --quick", Goal::Times(3.0, FIND), |lab| {
        filled(lab, lab.tiny(1), &["verify", "--quick"], yardstick::find)
    }),
    row("list-all", "list --all as TSV", Goal::Times(1.0, SQLITE), |lab| {
        let site = lab.filled(lab.tiny(1))?;
        let columns = lab.listed_columns(&site)?;
        let sql = format!("SELECT {columns} FROM threads WHERE preview <> '' ORDER BY updated_at_ms DESC, id DESC");
        let lines = Expect::Lines(site.spec.files());
        let ours = lab.ours(&site, ["list", "--all", "--format", "tsv"]).expect(lines);
        Ok(Plan::Pair(site.about.clone(), ours, yardstick::sqlite3(&site, &sql).map(|y| y.expect(lines))))
    }),
    row("search", "list --all --search WORD", Goal::Times(1.0, SQLITE), |lab| {
        let site = lab.filled(lab.tiny(1))?;
        let columns = lab.listed_columns(&site)?;
        let condition = ["title", "name", "preview", "first_user_message"].map(|name| format!("{name} LIKE '%parser%'"));
        let sql = format!(
            "SELECT {columns} FROM threads WHERE preview <> '' AND ({}) ORDER BY updated_at_ms DESC, id DESC",
            condition.join(" OR ")
        );
        let ours = lab.ours(&site, ["list", "--all", "--search", "parser", "--format", "tsv"]);
        Ok(Plan::Pair(site.about.clone(), ours, yardstick::sqlite3(&site, &sql)))
    }),
    row("list-20", "list -n 20", Goal::Times(1.0, SQLITE), |lab| list_20(lab, lab.tiny(1))),
    row("show", "show THREAD", Goal::Times(1.0, SQLITE), |lab| one_thread(lab, "show", "*")),
    row("path", "path THREAD", Goal::Times(1.0, SQLITE), |lab| one_thread(lab, "path", "rollout_path")),
    row("start", "list -n 20, start to exit", Goal::Millis(5.0), |lab| list_20(lab, lab.small())),
    row("vm-steps", "SQLite's steps for list -n 20", Goal::Times(1.1, "1,000 threads"), |lab| {
        let large = lab.filled(lab.tiny(1))?;
        let small = lab.filled(Spec { threads: 1000, ..lab.tiny(1) })?;
        let sql = list_20_query(&lab.listed_columns(&large)?);
        let steps = |site| yardstick::vm_steps(lab, site, &sql);
        Ok(Plan::Steps(large.about.clone(), steps(&large), steps(&small)))
    }),
    row("zstd-backfill", "fresh backfill, compressed", Goal::Times(1.3, ZSTD), |lab| {
        let (site, ours) = lab.backfill_fresh(compressed(lab))?;
        Ok(Plan::Pair(site.about.clone(), ours, yardstick::zstd(lab, &site)))
    }),
    row("zstd-verify", "verify, compressed", Goal::Times(1.3, ZSTD), |lab| {
        let site = lab.filled(compressed(lab))?;
        Ok(Plan::Pair(site.about.clone(), lab.ours(&site, ["verify"]), yardstick::zstd(lab, &site)))
    }),
    row("rebuild", "rebuild in place of no database", Goal::Times(1.3, BACKFILL), |lab| {
        let (site, ours) = lab.rebuild_garbage(lab.tiny(1))?;
        Ok(Plan::Pair(site.about, ours, Ok(lab.backfill_fresh(lab.tiny(1))?.1)))
    }),
    row("rebuild-damaged", "rebuild with a damaged database's rows", Goal::Times(1.3, BACKFILL), |lab| {
        let (site, ours) = lab.rebuild_damaged(lab.tiny(1))?;
        Ok(Plan::Pair(site.about, ours, Ok(lab.backfill_fresh(lab.tiny(1))?.1)))
    }),
    row("rebuild-memory", "peak memory of rebuild", Goal::Mib(64.0), |lab| {
        let (site, garbage) = lab.rebuild_garbage(lab.tiny(1))?;
        let damaged = lab.rebuild_damaged(lab.tiny(1))?.1;
        Ok(Plan::Peak(site.about, vec![garbage, damaged]))
    }),
    row("memory-tiny", "peak memory of any usual command", Goal::Mib(64.0), |lab| memory::usual(lab, lab.tiny(1))),
    row("memory-whole", "peak memory of status, lists, backup", Goal::Mib(64.0), |lab| memory::whole(lab, lab.tiny(1))),
    row("memory-findings", "peak memory, whatever is found", Goal::Mib(64.0), |lab| {
        let args = [&["verify", "--quick"][..], &["verify"], &["verify", "--format", "json"]];
        memory::findings(lab, lab.tiny(1), &args)
    }),
    row("memory-junit", "peak memory of a JUnit report", Goal::Mib(64.0), |lab| memory::junit(lab, lab.tiny(1))),
    row("memory-prune", "peak memory of prune", Goal::Mib(64.0), |lab| memory::prune(lab, lab.tiny(1))),
    row("memory-archive", "peak memory of archive -", Goal::Mib(64.0), |lab| {
        memory::ids(lab, lab.tiny(1), &[&["archive", "--dry-run", "-"], &["unarchive", "--dry-run", "-"]])
    }),
    row("memory-ids", "peak memory of any command on all ids", Goal::Mib(64.0), |lab| {
        let args = [&["show", "-"][..], &["show", "--compare", "-"], &["path", "-"], &["verify", "-"], &["backfill", "-"]];
        memory::ids(lab, lab.tiny(1), &args)
    }),
    row("memory-jobs", "peak memory of 64 jobs", Goal::Mib(64.0), |lab| memory::jobs(lab, lab.tiny(1), compressed(lab))),
    row("memory-names", "peak memory, every thread named", Goal::Mib(64.0), |lab| {
        let spec = lab.tiny(1);
        memory::names(lab, spec, spec.files())
    }),
    row("memory-million-names", "peak memory, a million names", Goal::Mib(200.0), |lab| {
        memory::names(lab, lab.tiny(75), 1_000_000)
    }),
    row("memory-million-files", "peak memory, by its growth", Goal::Mib(200.0), |lab| {
        memory::million_files(lab, lab.tiny(10), lab.tiny(1))
    }),
    row("scale-tiny-backfill", "fresh backfill, ten times the threads", Goal::Times(11.0, TENTH), |lab| {
        scaled_backfill(lab, lab.tiny(1), lab.tiny(10))
    }),
    row("scale-tiny-verify", "verify, ten times the threads", Goal::Times(11.0, TENTH), |lab| {
        scaled_verify(lab, lab.tiny(1), lab.tiny(10))
    }),
    large("scale-backfill", "fresh backfill, ten times the threads", Goal::Times(11.0, TENTH), |lab| {
        scaled_backfill(lab, lab.usual(10), lab.usual(1))
    }),
    large("scale-verify", "verify, ten times the threads", Goal::Times(11.0, TENTH), |lab| {
        scaled_verify(lab, lab.usual(10), lab.usual(1))
    }),
    large("one-file", "verify, one rollout of 5 GB", Goal::Times(0.6, RG), |lab| {
        filled(lab, lab.one_file(), &["verify"], yardstick::rg)
    }),
    large("memory-huge", "peak memory of any command", Goal::Mib(64.0), |lab| memory::usual(lab, lab.huge())),
    large("memory-million", "peak memory, a million rows", Goal::Mib(200.0), |lab| memory::million_rows(lab, lab.tiny(1))),
    large("memory-line", "peak memory, a line of 1 GiB", Goal::Mib(128.0), |lab| memory::usual(lab, lab.giant())),
    large("memory-line-zstd", "peak memory, a line of 1 GiB, compressed", Goal::Mib(128.0), |lab| {
        memory::usual(lab, Spec { zstd: true, ..lab.giant() })
    }),
];

type MakePlan = fn(&mut Lab<'_>) -> Result<Plan>;

const fn row(name: &'static str, measure: &'static str, goal: Goal, plan: MakePlan) -> Row {
    Row { name, measure, goal, large: false, plan }
}

const fn large(name: &'static str, measure: &'static str, goal: Goal, plan: MakePlan) -> Row {
    Row { name, measure, goal, large: true, plan }
}

fn compressed(lab: &Lab<'_>) -> Spec {
    Spec { zstd: true, ..lab.usual(1) }
}

/// Plans a command on a home whose database agrees with it.
fn filled(lab: &mut Lab<'_>, spec: Spec, args: &[&str], yardstick: fn(&Site) -> Yardstick) -> Result<Plan> {
    let site = lab.filled(spec)?;
    Ok(Plan::Pair(site.about.clone(), lab.ours(&site, args), yardstick(&site)))
}

fn list_20_query(columns: &str) -> String {
    format!(
        "SELECT {columns} FROM threads WHERE archived = 0 AND preview <> '' \
         ORDER BY updated_at_ms DESC, id DESC LIMIT 20"
    )
}

fn list_20(lab: &mut Lab<'_>, spec: Spec) -> Result<Plan> {
    let site = lab.filled(spec)?;
    let sql = list_20_query(&lab.listed_columns(&site)?);
    // A few threads of the small home are archived and not listed.
    let lines = Expect::Lines(spec.files().min(20) / 2);
    let ours = lab.ours(&site, ["list", "-n", "20", "--format", "tsv"]).expect(lines);
    Ok(Plan::Pair(site.about.clone(), ours, yardstick::sqlite3(&site, &sql).map(|y| y.expect(lines))))
}

fn one_thread(lab: &mut Lab<'_>, command: &str, columns: &str) -> Result<Plan> {
    let site = lab.filled(lab.tiny(1))?;
    let id = lab.some_id(&site.spec);
    let sql = format!("SELECT {columns} FROM threads WHERE id = '{id}'");
    let ours = lab.ours(&site, [command, &id]).expect(Expect::Lines(1));
    Ok(Plan::Pair(site.about.clone(), ours, yardstick::sqlite3(&site, &sql)))
}

fn scaled_backfill(lab: &Lab<'_>, ten: Spec, one: Spec) -> Result<Plan> {
    let (site, ours) = lab.backfill_fresh(ten)?;
    Ok(Plan::Pair(site.about, ours, Ok(lab.backfill_fresh(one)?.1)))
}

fn scaled_verify(lab: &mut Lab<'_>, ten: Spec, one: Spec) -> Result<Plan> {
    let (ten, one) = (lab.filled(ten)?, lab.filled(one)?);
    Ok(Plan::Pair(ten.about.clone(), lab.ours(&ten, ["verify"]), Ok(lab.ours(&one, ["verify"]))))
}
