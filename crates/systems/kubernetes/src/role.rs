//! The permissions that the credentials need, as rules of a Role.

/// One rule of a Role in each namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleRule {
    /// The API group; the core group is empty.
    pub group: &'static str,
    /// `pods`, `pods/log`.
    pub resources: &'static [&'static str],
    /// `list`, `watch`, `get`.
    pub verbs: &'static [&'static str],
    /// The rule as a line of YAML.
    pub line: &'static str,
}

/// Reads pods.
pub const PODS: RoleRule = RoleRule {
    group: "",
    resources: &["pods"],
    verbs: &["list", "watch"],
    line: r#"- { apiGroups: [""], resources: [pods], verbs: [list, watch] }"#,
};
/// Reads workloads.
pub const WORKLOADS: RoleRule = RoleRule {
    group: "apps",
    resources: &["deployments", "replicasets", "statefulsets", "daemonsets"],
    verbs: &["list", "watch"],
    line: concat!(
        "- { apiGroups: [apps], resources: [deployments, replicasets, statefulsets, daemonsets], ",
        "verbs: [list, watch] }"
    ),
};
/// Reads the log of a container that crashed.
pub const LOGS: RoleRule = RoleRule {
    group: "",
    resources: &["pods/log"],
    verbs: &["get"],
    line: r#"- { apiGroups: [""], resources: [pods/log], verbs: [get] }"#,
};
/// Reads the events that controllers and kubelets record about a pod.
pub const EVENTS: RoleRule = RoleRule {
    group: "",
    resources: &["events"],
    verbs: &["list"],
    line: r#"- { apiGroups: [""], resources: [events], verbs: [list] }"#,
};

/// Reads Rollouts of Argo Rollouts.
pub const ROLLOUTS: RoleRule = RoleRule {
    group: "argoproj.io",
    resources: &["rollouts"],
    verbs: &["list", "watch"],
    line: "- { apiGroups: [argoproj.io], resources: [rollouts], verbs: [list, watch] }",
};
/// Reads CloneSets of OpenKruise.
pub const CLONE_SETS: RoleRule = RoleRule {
    group: "apps.kruise.io",
    resources: &["clonesets"],
    verbs: &["list", "watch"],
    line: "- { apiGroups: [apps.kruise.io], resources: [clonesets], verbs: [list, watch] }",
};

/// All rules about kinds that every cluster has.
pub const RULES: [RoleRule; 4] = [PODS, WORKLOADS, LOGS, EVENTS];

/// Returns the rule that a path of the API needs.
pub(crate) fn of_path(path: &str) -> Option<&'static RoleRule> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let at = parts.iter().position(|part| *part == "namespaces")? + 2;
    let resource = match parts.get(at..)? {
        ["pods", _, "log"] => "pods/log",
        [resource, ..] => resource,
        [] => return None,
    };
    let mut rules = RULES.iter().chain(&[ROLLOUTS, CLONE_SETS]);
    rules.find(|rule| rule.resources.contains(&resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_requested_path_has_its_rule() {
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
        assert_eq!(
            rule("/apis/argoproj.io/v1alpha1/namespaces/dex-prod/rollouts"),
            Some(ROLLOUTS)
        );
        assert_eq!(
            rule("/apis/apps.kruise.io/v1alpha1/namespaces/dex-prod/clonesets"),
            Some(CLONE_SETS)
        );
        assert_eq!(rule("/api/v1/namespaces/dex-prod"), None);
    }

    #[test]
    fn a_line_agrees_with_its_rule() {
        for rule in RULES.into_iter().chain([ROLLOUTS, CLONE_SETS]) {
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
