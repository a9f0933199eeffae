//! Rules that protect a branch.

use apollo_compiler::resolvers::FieldError;

use super::error::error;

/// The conditions for a change of a branch.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// Whether it is a protected branch of the old kind; otherwise a ruleset.
    pub classic: bool,
    /// How many reviews a pull request needs.
    pub reviews: u8,
    /// Which checks have to pass.
    pub checks: Vec<&'static str>,
}

impl Protection {
    /// Returns the kinds of its rules, as rulesets call them.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let checks = (!self.checks.is_empty()).then_some("REQUIRED_STATUS_CHECKS");
        ["PULL_REQUEST"].into_iter().chain(checks).collect()
    }

    /// Returns the error for a direct commit onto the branch.
    pub(super) fn violated(&self) -> FieldError {
        let checks = self
            .checks
            .iter()
            .map(|check| format!("Required status check \"{check}\" is expected."));
        let checks: Vec<String> = checks.collect();
        if self.classic {
            let review = format!(
                "At least {} approving review is required.",
                self.reviews.max(1)
            );
            return error(
                "BRANCH_PROTECTION_RULE_VIOLATION",
                [vec![review], checks].concat().join("\n"),
            );
        }
        let lines = [
            vec!["Changes must be made through a pull request.".to_owned()],
            checks,
        ]
        .concat();
        error(
            "FORBIDDEN",
            format!(
                "Repository rule violations found\n\n{}\n\n",
                lines.join("\n\n")
            ),
        )
    }
}
