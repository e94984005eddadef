//! The environment block that Codex wrote at the start of a thread in 2025. In the oldest files only this block
//! contains the working directory and the permissions.
//!
//! Source: docs/codex-home.md 3.

/// The contents of an environment block; texts are trimmed and not empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvironmentBlock {
    /// The working directory.
    pub cwd: Option<String>,
    /// The approval policy.
    pub approval_policy: Option<String>,
    /// The sandbox policy, as JSON.
    pub sandbox_policy: Option<String>,
}

impl EnvironmentBlock {
    /// Parses a block, with tags, or with labels as in the first versions.
    #[must_use]
    pub fn parse(text: &str) -> EnvironmentBlock {
        let Some((_, block)) = text.split_once("<environment_context>") else {
            return EnvironmentBlock::default();
        };
        let value =
            |tag: &str, label: &str| tagged(block, tag).or_else(|| labelled(block, label)).map(str::to_owned);
        let network = value("network_access", "Network access").is_some_and(|word| word == "enabled");
        EnvironmentBlock {
            cwd: value("cwd", "Current working directory"),
            approval_policy: value("approval_policy", "Approval policy"),
            sandbox_policy: value("sandbox_mode", "Sandbox mode")
                .and_then(|mode| sandbox_policy(&mode, network)),
        }
    }
}

fn tagged<'a>(block: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = block.split_once(&format!("<{tag}>"))?;
    let (value, _) = rest.split_once(&format!("</{tag}>"))?;
    filled(value)
}

fn labelled<'a>(block: &'a str, label: &str) -> Option<&'a str> {
    block.lines().find_map(|line| filled(line.trim().strip_prefix(label)?.strip_prefix(':')?))
}

fn filled(value: &str) -> Option<&str> {
    let value = value.trim();
    (!value.is_empty()).then_some(value)
}

/// Returns the policy of a sandbox mode; `None` for a word that Codex does not know.
fn sandbox_policy(mode: &str, network: bool) -> Option<String> {
    match mode {
        "workspace-write" if network => {
            Some(r#"{"type":"workspace-write","network_access":true}"#.to_owned())
        }
        "read-only" | "workspace-write" | "danger-full-access" => Some(format!(r#"{{"type":"{mode}"}}"#)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &str, expected: [Option<&str>; 3]) {
        let EnvironmentBlock { cwd, approval_policy, sandbox_policy } =
            EnvironmentBlock::parse(&format!("<environment_context>{block}</environment_context>"));
        let read = [cwd.as_deref(), approval_policy.as_deref(), sandbox_policy.as_deref()];
        assert_eq!(read, expected, "{block}");
    }

    #[test]
    fn folder_approval_and_sandbox_are_read_from_tags_and_labels() {
        check(
            "\n  <cwd>/w</cwd>\n  <approval_policy>never</approval_policy>\n  <sandbox_mode>read-only</sandbox_mode>\n",
            [Some("/w"), Some("never"), Some(r#"{"type":"read-only"}"#)],
        );
        check(
            "\nCurrent working directory: /w w\nApproval policy: on-request\nSandbox mode: danger-full-access\n\
             Network access: enabled\n",
            [Some("/w w"), Some("on-request"), Some(r#"{"type":"danger-full-access"}"#)],
        );
        check(
            "<sandbox_mode>workspace-write</sandbox_mode><network_access>enabled</network_access>",
            [None, None, Some(r#"{"type":"workspace-write","network_access":true}"#)],
        );
        check("<sandbox_mode>novel</sandbox_mode><cwd> </cwd>", [None, None, None]);
        assert_eq!(EnvironmentBlock::parse("no block"), EnvironmentBlock::default());
    }
}
