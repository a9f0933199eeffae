//! Decides whether an image names the commit that it must be built from.

use contract::Reason;

use crate::{
    observe::{NamedRevision, RevisionSource},
    reasons::{NO_REVISION, REVISION_MISMATCH},
    request::{RevisionMode, RevisionRequest},
};

/// How the revisions of an image compare to the commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RevisionOutcome<'o> {
    /// One of them names the commit, or all where all have to; `others` name another one.
    Consistent { others: Vec<&'o NamedRevision> },
    /// None names a commit; `texts` are those of the revisions that name something else.
    Unknown { texts: Vec<&'o NamedRevision> },
    /// These name another commit.
    Mismatch(Vec<&'o NamedRevision>),
}

impl RevisionOutcome<'_> {
    /// Returns why the outcome refuses the image, if it does.
    pub(crate) fn reason(&self, request: &RevisionRequest) -> Option<Reason> {
        match self {
            Self::Consistent { .. } => None,
            Self::Unknown { .. } => request.is_required.then_some(NO_REVISION),
            Self::Mismatch(_) => Some(REVISION_MISMATCH),
        }
    }
}

/// Compares the revisions that count with the commit.
pub(super) fn compare<'o>(
    request: &RevisionRequest,
    revisions: &'o [NamedRevision],
) -> RevisionOutcome<'o> {
    let counts = |named: &&NamedRevision| match request.mode {
        RevisionMode::Any | RevisionMode::All => true,
        RevisionMode::Label => named.source != RevisionSource::Provenance,
        RevisionMode::Provenance => named.source == RevisionSource::Provenance,
    };
    let (commits, texts): (Vec<_>, Vec<_>) = revisions
        .iter()
        .filter(counts)
        .partition(|named| named.is_of_a_commit());
    if commits.is_empty() {
        return RevisionOutcome::Unknown { texts };
    }
    let (same, others): (Vec<_>, Vec<_>) = commits
        .into_iter()
        .partition(|named| named.names(&request.commit));
    let is_enough = !same.is_empty() && (others.is_empty() || request.mode != RevisionMode::All);
    if is_enough {
        RevisionOutcome::Consistent { others }
    } else {
        RevisionOutcome::Mismatch(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffff";

    fn outcome(mode: RevisionMode, revisions: &[(RevisionSource, &str)]) -> String {
        let request = RevisionRequest {
            commit: COMMIT.parse().unwrap(),
            mode,
            is_required: true,
        };
        let revisions: Vec<NamedRevision> = revisions
            .iter()
            .map(|(source, text)| NamedRevision::new(*source, text))
            .collect();
        match compare(&request, &revisions) {
            RevisionOutcome::Consistent { others } => {
                format!("consistent, {} others", others.len())
            }
            RevisionOutcome::Unknown { texts } => format!("unknown, {} texts", texts.len()),
            RevisionOutcome::Mismatch(others) => format!("mismatch, {}", others.len()),
        }
    }

    #[test]
    fn each_mode_counts_its_sources() {
        use RevisionMode::{All, Any, Label, Provenance};
        use RevisionSource::{Annotation, Label as OfLabel, Provenance as OfProvenance};
        let both = [(OfLabel, OTHER), (OfProvenance, COMMIT)];
        for (mode, revisions, expected) in [
            (Any, &both[..], "consistent, 1 others"),
            (All, &both, "mismatch, 1"),
            (Label, &both, "mismatch, 1"),
            (Provenance, &both, "consistent, 0 others"),
            (
                All,
                &[(Annotation, COMMIT), (OfLabel, COMMIT)],
                "consistent, 0 others",
            ),
            (Provenance, &[(OfLabel, COMMIT)], "unknown, 0 texts"),
            (Label, &[(OfProvenance, COMMIT)], "unknown, 0 texts"),
            (Any, &[], "unknown, 0 texts"),
        ] {
            assert_eq!(outcome(mode, revisions), expected, "{mode:?} {revisions:?}");
        }
    }

    #[test]
    fn only_digits_name_a_commit() {
        for (text, expected) in [
            (COMMIT, "consistent, 0 others"),
            (&COMMIT.to_uppercase(), "consistent, 0 others"),
            (&COMMIT[..7], "consistent, 0 others"),
            (&COMMIT[..6], "unknown, 1 texts"),
            (&format!("{COMMIT}-dirty"), "mismatch, 1"),
            (OTHER, "mismatch, 1"),
            ("main", "unknown, 1 texts"),
            ("v1.2.3", "unknown, 1 texts"),
        ] {
            let outcome = outcome(RevisionMode::Any, &[(RevisionSource::Label, text)]);
            assert_eq!(outcome, expected, "{text}");
        }
    }
}
