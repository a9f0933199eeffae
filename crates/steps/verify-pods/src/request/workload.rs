//! Names of namespaces, and of workloads such as `deployment/dex`.

use std::{fmt, str::FromStr};

use pods::WorkloadKind;

/// A workload as a flag names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkloadName {
    pub(crate) kind: WorkloadKind,
    pub(crate) name: String,
}

const EXPECTED: &str = "expected `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`, or a \
     workload of another kind that keeps its pods running, such as `rollout/NAME`";

impl FromStr for WorkloadName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.trim().split_once('/').ok_or(EXPECTED)?;
        let kind = kind.parse().map_err(|()| EXPECTED)?;
        if !is_name(name, 253) {
            return Err(EXPECTED.to_owned());
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Parses the name of a namespace. It becomes part of a path, so other characters are rejected.
pub(crate) fn parse_namespace(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_name(text, 63) && !text.contains('.') {
        Ok(text.to_owned())
    } else {
        Err("expected the name of a namespace: lowercase letters, digits and `-`".to_owned())
    }
}

fn is_name(text: &str, max_length: usize) -> bool {
    let has_good_ends = !text.starts_with(['-', '.']) && !text.ends_with(['-', '.']);
    let has_good_characters = text
        .bytes()
        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    (1..=max_length).contains(&text.len()) && has_good_ends && has_good_characters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_a_kind_and_a_name() {
        assert_eq!(
            "deploy/dex".parse::<WorkloadName>().unwrap().to_string(),
            "deployment/dex"
        );
        for bad in [
            "dex",
            "pod/dex",
            "deployment/",
            "deployment/De x",
            "deployment/../secrets",
        ] {
            assert!(bad.parse::<WorkloadName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_namespace_is_not_a_path() {
        assert_eq!(parse_namespace(" dex-prod "), Ok("dex-prod".to_owned()));
        for bad in ["", "a/b", "..", "a.b", "-a", "A", "a?b"] {
            assert!(parse_namespace(bad).is_err(), "{bad}");
        }
    }
}
