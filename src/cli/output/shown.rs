//! Sentences about what Codex's default list shows and hides, the same in every command. They do not count threads.

use super::human;
use crate::db::census::Census;
use crate::db::shown::{HiddenReason, Reasons};
use std::collections::BTreeMap;

/// Maximum number of providers or sources that are named; the rest is counted together.
const NAMED: usize = 3;

/// The threads that Codex's list hides for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenThreads {
    /// The reason.
    pub reason: HiddenReason,
    /// The provider or source because of which they are hidden, if it is one of the named ones.
    pub name: Option<String>,
    /// Their number and the reason, as in `30 of provider azure`.
    pub words: String,
}

/// Returns the hidden threads by reason, and by provider or source.
pub fn hidden_parts(census: &Census) -> Vec<HiddenThreads> {
    let mut parts = Vec::new();
    for reason in HiddenReason::ALL {
        let n = census.hidden(reason);
        let alone =
            |words: &str| HiddenThreads { reason, name: None, words: format!("{} {words}", human::count(n)) };
        match reason {
            _ if n == 0 => {}
            HiddenReason::Archived => parts.push(alone("archived")),
            HiddenReason::NoMessage => parts.push(alone("without a message")),
            HiddenReason::Provider => parts.extend(named(reason, &census.hidden_providers, "provider")),
            HiddenReason::Source => parts.extend(named(reason, &census.hidden_sources, "source")),
        }
    }
    parts
}

/// Returns the hidden threads with their reasons, as in `40 archived, 30 of provider azure, 5 sub-agents`; empty if
/// none is hidden.
pub fn hidden(census: &Census) -> String {
    hidden_parts(census).into_iter().map(|part| part.words).collect::<Vec<_>>().join(", ")
}

/// Returns the counts by name that are not zero, the greatest first.
pub fn greatest_first(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut sorted: Vec<(&str, u64)> =
        counts.iter().filter(|(_, n)| **n > 0).map(|(name, n)| (&**name, *n)).collect();
    sorted.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
    sorted
}

/// Describes the greatest counts by name, and the rest together, without a name.
fn named(reason: HiddenReason, counts: &BTreeMap<String, u64>, noun: &str) -> Vec<HiddenThreads> {
    let words = |name: Option<&str>, n: u64| match name {
        Some("") => format!("{} without a {noun}", human::count(n)),
        Some("subagent") if reason == HiddenReason::Source => human::counted(n, "sub-agent", "sub-agents"),
        Some(name) => format!("{} of {noun} {name}", human::count(n)),
        None => format!("{} of other {noun}s", human::count(n)),
    };
    let sorted = greatest_first(counts);
    let n_named = if sorted.len() > NAMED { NAMED - 1 } else { sorted.len() };
    let (first, rest) = sorted.split_at(n_named);
    let part = |name: Option<&str>, n| HiddenThreads {
        reason,
        name: name.map(str::to_owned),
        words: words(name, n),
    };
    let mut parts: Vec<HiddenThreads> = first.iter().map(|(name, n)| part(Some(name), *n)).collect();
    if !rest.is_empty() {
        parts.push(part(None, rest.iter().map(|(_, n)| n).sum()));
    }
    parts
}

/// Returns the sentence about how a run changed Codex's list, or would change it.
pub fn change(before: &Census, after: &Census, dry_run: bool) -> String {
    let is_same = before.shown() == after.shown() && before.total() == after.total();
    let was = if before.shown() == after.shown() {
        format!("{} of {}", human::count(before.shown()), human::count(before.total()))
    } else {
        human::count(before.shown())
    };
    match (dry_run, is_same) {
        (_, true) => sentence("shows", after, ""),
        (false, false) => sentence("now shows", after, &format!(" (was {was})")),
        (true, false) => sentence("would show", after, &format!(" (now {was})")),
    }
}

/// Returns the sentence about what Codex's list shows, if the counts before are not known.
pub fn now(census: &Census, dry_run: bool) -> String {
    sentence(if dry_run { "would show" } else { "now shows" }, census, "")
}

fn sentence(verb: &str, census: &Census, was: &str) -> String {
    let total = human::counted(census.total(), "thread", "threads");
    let shown = format!("Codex {verb} {} of your {total}{was}", human::count(census.shown()));
    match hidden(census) {
        hidden if hidden.is_empty() => shown,
        hidden => format!("{shown}; hidden: {hidden}"),
    }
}

/// Returns the reasons why Codex's list hides one thread, one word each; empty if it shows the thread.
pub fn reasons(reasons: Reasons) -> String {
    let words = |reason: HiddenReason| match reason {
        HiddenReason::Archived => "archived",
        HiddenReason::NoMessage => "no message",
        HiddenReason::Provider => "provider",
        HiddenReason::Source => "source",
    };
    reasons.iter().map(words).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::shown::Visibility;

    fn census(threads: &[(i64, &str, &str, u64)]) -> Census {
        let mut census = Census::default();
        for (bits, source, provider, n) in threads {
            let verdict = Visibility {
                reasons: Reasons::of(*bits),
                source: (*source).to_owned(),
                provider: (*provider).to_owned(),
            };
            (0..*n).for_each(|_| census.add(&verdict));
        }
        census
    }

    #[test]
    fn a_change_gives_the_number_of_shown_threads_and_the_reasons_of_the_hidden() {
        let before = census(&[(0, "cli", "openai", 219), (1, "cli", "openai", 40)]);
        let after = census(&[
            (0, "cli", "openai", 225),
            (1, "cli", "openai", 40),
            (4, "cli", "azure", 30),
            (8, "subagent", "openai", 5),
        ]);
        let hidden = "hidden: 40 archived, 30 of provider azure, 5 sub-agents";
        assert_eq!(
            change(&before, &after, false),
            format!("Codex now shows 225 of your 300 threads (was 219); {hidden}")
        );
        assert_eq!(
            change(&before, &after, true),
            format!("Codex would show 225 of your 300 threads (now 219); {hidden}")
        );
        assert_eq!(change(&after, &after, false), format!("Codex shows 225 of your 300 threads; {hidden}"));
        let one = census(&[(0, "cli", "openai", 1)]);
        assert_eq!(change(&Census::default(), &one, false), "Codex now shows 1 of your 1 thread (was 0)");
    }

    #[test]
    fn a_new_list_is_said_without_an_old_one() {
        let census = census(&[(0, "cli", "openai", 2), (1, "cli", "openai", 1)]);
        assert_eq!(now(&census, false), "Codex now shows 2 of your 3 threads; hidden: 1 archived");
        assert_eq!(now(&census, true), "Codex would show 2 of your 3 threads; hidden: 1 archived");
    }

    #[test]
    fn rare_providers_and_sources_are_counted_together() {
        let census = census(&[
            (2, "cli", "openai", 1),
            (4, "cli", "a", 4),
            (4, "cli", "b", 3),
            (4, "cli", "c", 2),
            (4, "cli", "", 1),
            (8, "exec", "openai", 2),
            (8, "subagent", "openai", 1),
            (8, "", "openai", 1),
        ]);
        assert_eq!(
            hidden(&census),
            "1 without a message, 4 of provider a, 3 of provider b, 3 of other providers, 2 of source exec, \
             1 without a source, 1 sub-agent"
        );
    }
}
