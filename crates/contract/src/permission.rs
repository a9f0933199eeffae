//! The permissions and secrets of a step.

/// A permission that a step needs, for its README and for the hint when it is missing.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// The system that grants it.
    pub system: System,
    /// The exact line to write there (`contents: write`).
    pub line: &'static str,
    /// When it is needed, a lowercase fragment.
    pub when: &'static str,
}

/// The systems that grant permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// `permissions:` of a workflow's job.
    GitHub,
    /// Scope of a registry's token.
    Registry,
    /// Rights on a git remote.
    Git,
    /// Lines of Argo CD's policy (`argocd-rbac-cm`).
    ArgoCd,
    /// Rules of a Kubernetes Role in each namespace.
    Kubernetes,
}

impl System {
    /// Returns the heading for tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub, `permissions:` of the job",
            Self::Registry => "registry",
            Self::Git => "git remote",
            Self::ArgoCd => "Argo CD policy",
            Self::Kubernetes => "Kubernetes, rules of a Role in each namespace",
        }
    }
}

/// A secret that is read from the environment, never from a flag.
#[derive(Debug, Clone, Copy)]
pub struct SecretVariable {
    /// The variable (`RUNBOOK_REGISTRY_PASSWORD`).
    pub name: &'static str,
    /// The conventional variable that is read when `name` is not set (`GITHUB_TOKEN`).
    pub conventional: Option<&'static str>,
    /// Its purpose, a lowercase fragment.
    pub meaning: &'static str,
    /// Default of the action's input (`${{ github.token }}`), if any.
    pub default: Option<&'static str>,
}
