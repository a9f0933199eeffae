//! A step: its name, its sentence, its needs, and `run`.

use crate::{Facts, Failure, Permission, Reason, Report, SecretVariable, World};

/// One step of a deployment runbook; its binary, action and README are made from this.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Step {
    /// Name of the package, binary, folder and action (`check-image`).
    const NAME: &'static str;
    /// Purpose of the step in one sentence for users, imperative, without a period.
    const SENTENCE: &'static str;
    /// Default of `--timeout` (`0`, `2m`).
    const TIMEOUT: &'static str;
    /// The closed list of its own reasons, without the shared ones of [`asking`](crate::asking).
    const REASONS: &'static [Reason];
    /// The permissions that it needs.
    const PERMISSIONS: &'static [Permission];
    /// The secrets that it reads from the environment.
    const SECRETS: &'static [SecretVariable];
    /// One use of the action as YAML, for its README: the lines below `uses:`.
    const EXAMPLE: &'static str;
    /// Command lines for the end of `--help`, each preceded by a `# comment` line that explains it.
    const EXAMPLES: &'static [&'static str];

    /// Its flags.
    type Args: clap::Args;
    /// Its facts.
    type Facts: Facts;

    /// Runs the step.
    ///
    /// # Errors
    /// A [`Failure`] when the step got no answer.
    async fn run(args: Self::Args, world: &World) -> Result<Report, Failure>;
}
