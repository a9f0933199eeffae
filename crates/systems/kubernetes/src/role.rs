//! What the credentials must be allowed to do: the rules of a Role, as they are written there.

/// One rule of a Role in each namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The API groups; the core's is empty.
    pub group: &'static str,
    /// `pods`, `pods/log`.
    pub resources: &'static [&'static str],
    /// `list`, `watch`, `get`.
    pub verbs: &'static [&'static str],
    /// The rule as a line of YAML.
    pub line: &'static str,
}

/// For pods.
pub const PODS: Rule = Rule {
    group: "",
    resources: &["pods"],
    verbs: &["list", "watch"],
    line: r#"- { apiGroups: [""], resources: [pods], verbs: [list, watch] }"#,
};
/// For workloads.
pub const WORKLOADS: Rule = Rule {
    group: "apps",
    resources: &["deployments", "replicasets", "statefulsets", "daemonsets"],
    verbs: &["list", "watch"],
    line: "- { apiGroups: [apps], resources: [deployments, replicasets, statefulsets, daemonsets], verbs: [list, watch] }",
};
/// For the log of a container that crashed.
pub const LOGS: Rule = Rule {
    group: "",
    resources: &["pods/log"],
    verbs: &["get"],
    line: r#"- { apiGroups: [""], resources: [pods/log], verbs: [get] }"#,
};
/// For what controllers and kubelets say of a pod.
pub const EVENTS: Rule = Rule {
    group: "",
    resources: &["events"],
    verbs: &["list"],
    line: r#"- { apiGroups: [""], resources: [events], verbs: [list] }"#,
};

/// All of them.
pub const RULES: [Rule; 4] = [PODS, WORKLOADS, LOGS, EVENTS];

/// Returns the rule that a path of the API needs.
pub(crate) fn of_path(path: &str) -> Option<&'static Rule> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let at = parts.iter().position(|part| *part == "namespaces")? + 2;
    let resource = match parts.get(at..)? {
        ["pods", _, "log"] => "pods/log",
        [resource, ..] => resource,
        [] => return None,
    };
    RULES.iter().find(|rule| rule.resources.contains(&resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_that_is_asked_has_its_rule() {
        let rule = |path| of_path(path).copied();
        assert_eq!(rule("/api/v1/namespaces/dex-prod/pods"), Some(PODS));
        assert_eq!(
            rule("/api/v1/namespaces/dex-prod/pods/dex-7f9/log"),
            Some(LOGS)
        );
        assert_eq!(rule("/api/v1/namespaces/dex-prod/events"), Some(EVENTS));
        assert_eq!(
            rule("/apis/apps/v1/namespaces/pods/statefulsets"),
            Some(WORKLOADS)
        );
        assert_eq!(rule("/api/v1/namespaces/dex-prod"), None);
    }

    #[test]
    fn a_line_says_what_the_rule_holds() {
        for rule in RULES {
            let (resources, verbs) = (rule.resources.join(", "), rule.verbs.join(", "));
            assert!(
                rule.line
                    .contains(&format!("resources: [{resources}], verbs: [{verbs}]")),
                "{}",
                rule.line
            );
        }
    }
}
