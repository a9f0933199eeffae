//! Names: of namespaces, and of workloads as `deployment/dex`.

use std::{fmt, str::FromStr};

use pods::WorkloadKind;

/// A workload that somebody names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkloadName {
    pub(crate) kind: WorkloadKind,
    pub(crate) name: String,
}

impl FromStr for WorkloadName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "expected `deployment/NAME`, `statefulset/NAME` or `daemonset/NAME`".to_owned();
        let (kind, name) = text.trim().split_once('/').ok_or_else(wrong)?;
        let kind = kind.parse().map_err(|()| wrong())?;
        if is_name(name, 253) {
            Ok(Self {
                kind,
                name: name.to_owned(),
            })
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Reads the name of a namespace; it becomes part of a path, so nothing else may be in it.
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_name(text, 63) && !text.contains('.') {
        Ok(text.to_owned())
    } else {
        Err("expected the name of a namespace: lowercase letters, digits and `-`".to_owned())
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edges = !text.starts_with(['-', '.']) && !text.ends_with(['-', '.']);
    !text.is_empty() && text.len() <= longest && edges && text.bytes().all(fine)
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
    fn a_namespace_is_no_path() {
        assert_eq!(namespace(" dex-prod "), Ok("dex-prod".to_owned()));
        for bad in ["", "a/b", "..", "a.b", "-a", "A", "a?b"] {
            assert!(namespace(bad).is_err(), "{bad}");
        }
    }
}
