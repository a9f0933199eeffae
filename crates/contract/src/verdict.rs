//! The twelve verdicts, their exit codes, and which of several is the worst.

use serde::Serialize;

/// The result of a step, or of one of its subjects.
///
/// Codes from 10 are answers, codes from 20 mean that there is no answer. The codes are an
/// interface: workflows branch on them, so a new code is a design decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The answer is yes (0).
    Passed,
    /// The answer is yes, and there was nothing to do (0).
    Unchanged,
    /// An internal error, panics included (1).
    Internal,
    /// The flags or the configuration are invalid; nothing was sent or written (2).
    Usage,
    /// The answer is no (10).
    Refused,
    /// The timeout came first (11).
    NotYet,
    /// Something newer took over, so this request must not win (12).
    Superseded,
    /// Two sources disagree (13).
    Contradicted,
    /// The answer could not be obtained: network, 5xx, an invalid answer (20).
    Unavailable,
    /// Credentials are missing, rejected, or lack a permission (21).
    Denied,
    /// Others kept changing it first until the deadline (22).
    Contended,
    /// Stopped by SIGINT or SIGTERM; the report has the facts known so far (130).
    Interrupted,
}

impl Verdict {
    /// Every verdict, in the order of the table in the README.
    pub const ALL: [Self; 12] = [
        Self::Passed,
        Self::Unchanged,
        Self::Internal,
        Self::Usage,
        Self::Refused,
        Self::NotYet,
        Self::Superseded,
        Self::Contradicted,
        Self::Unavailable,
        Self::Denied,
        Self::Contended,
        Self::Interrupted,
    ];

    /// Returns the exit code of the process.
    pub fn exit(self) -> u8 {
        match self {
            Self::Passed | Self::Unchanged => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Refused => 10,
            Self::NotYet => 11,
            Self::Superseded => 12,
            Self::Contradicted => 13,
            Self::Unavailable => 20,
            Self::Denied => 21,
            Self::Contended => 22,
            Self::Interrupted => 130,
        }
    }

    /// Returns the verdict's word, as in JSON and `--accept`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unchanged => "unchanged",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::NotYet => "not-yet",
            Self::Superseded => "superseded",
            Self::Contradicted => "contradicted",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::Contended => "contended",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the meaning of the verdict, a lowercase fragment for tables.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Passed => "the answer is yes",
            Self::Unchanged => "the answer is yes, and there was nothing to do",
            Self::Internal => "internal error; please report it",
            Self::Usage => "invalid flags or configuration; nothing was sent or written",
            Self::Refused => "the answer is no",
            Self::NotYet => "the timeout came first",
            Self::Superseded => "something newer took over, so this request must not win",
            Self::Contradicted => "two sources disagree",
            Self::Unavailable => "no valid answer (network, server error, unexpected content)",
            Self::Denied => "credentials are missing, rejected, or lack a permission",
            Self::Contended => "others kept changing it first until the timeout",
            Self::Interrupted => "stopped by a signal; the report has what was known so far",
        }
    }

    /// Returns whether the process may exit with 0.
    pub fn is_good(self) -> bool {
        self.exit() == 0
    }

    /// Returns whether `--accept` may name it: only codes 10 to 22, so that no workflow accepts an
    /// internal error, an invalid flag or an interrupted run.
    pub fn may_be_accepted(self) -> bool {
        (10..=22).contains(&self.exit())
    }

    /// Returns the worst of several verdicts: an outage of one system never hides a proven "no" of
    /// another. `None` for an empty list, which is not a pass.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().min_by_key(|verdict| verdict.rank())
    }

    /// Returns the place in the order from worst to best.
    fn rank(self) -> u8 {
        match self {
            Self::Interrupted => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Contradicted => 4,
            Self::Denied => 5,
            Self::Unavailable => 6,
            Self::Contended => 7,
            Self::NotYet => 8,
            Self::Superseded => 9,
            Self::Passed => 10,
            Self::Unchanged => 11,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Who or what has to change; a workflow rolls back on [`Fault::Change`] and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The image, the commit or the overlay is bad: a rollback helps.
    Change,
    /// The settings: a wrong branch, a missing permission.
    Configuration,
    /// The network, the cluster, a registry, a quota.
    Environment,
    /// Neither: something newer won.
    Nobody,
}

impl Fault {
    /// Returns the fault's word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Configuration => "configuration",
            Self::Environment => "environment",
            Self::Nobody => "nobody",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_keeps_its_exit_code() {
        let table: Vec<String> = Verdict::ALL
            .iter()
            .map(|v| format!("{} {v}", v.exit()))
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        0 passed
        0 unchanged
        1 internal
        2 usage
        10 refused
        11 not-yet
        12 superseded
        13 contradicted
        20 unavailable
        21 denied
        22 contended
        130 interrupted
        ");
    }

    #[test]
    fn a_proven_no_is_worse_than_an_outage() {
        let mut all = Verdict::ALL.to_vec();
        let mut order = Vec::new();
        while let Some(worst) = Verdict::worst(all.iter().copied()) {
            order.push(worst.exit());
            all.retain(|verdict| *verdict != worst);
        }
        assert_eq!(order, [130, 1, 2, 10, 13, 21, 20, 22, 11, 12, 0, 0]);
    }

    #[test]
    fn an_empty_list_has_no_worst() {
        assert_eq!(Verdict::worst([]), None);
    }

    #[test]
    fn only_answers_and_outages_may_be_accepted() {
        let accepted: Vec<u8> = Verdict::ALL
            .iter()
            .filter(|v| v.may_be_accepted())
            .map(|v| v.exit())
            .collect();
        assert_eq!(accepted, [10, 11, 12, 13, 20, 21, 22]);
    }
}
