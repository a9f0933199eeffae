//! Say which environments a commit deploys, and with which image.
//!
//! `.github/runbook.yaml` is the only place that knows environments. A commit that changes nothing
//! but overlays plans nothing, so that the commit of a bump is never built and bumped again. A branch
//! that deploys nowhere refuses: an empty plan would look like a deployment that passed.

mod judge;
mod observe;
pub mod reasons;
mod report;
mod request;

use std::path::PathBuf;

use branch::BranchName;
use clap::ArgAction;
use contract::{Commit, Failure, Permission, Reason, Report, SecretVariable, Step, System, World};

pub use self::report::PlannedEnvironment;
use self::request::Request;

/// The step.
#[derive(Debug)]
pub struct PlanDeploy;

/// The flags of `plan-deploy`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("selection").required(true).multiple(true))]
pub struct Args {
    /// Commit of the source that the image is built from, all 40 digits
    #[arg(long, value_name = "SHA40", help_heading = "Source")]
    source_commit: Commit,
    /// Plan every environment that deploys this branch
    #[arg(
        long,
        value_name = "BRANCH",
        group = "selection",
        help_heading = "Source"
    )]
    source_branch: Option<BranchName>,
    /// Plan this environment; repeat it or separate by commas
    #[arg(
        long = "environment",
        value_name = "NAME",
        group = "selection",
        action = ArgAction::Append,
        value_delimiter = ',',
        help_heading = "Source"
    )]
    environments: Vec<String>,
    /// Repository of the source [default: the workflow's, else `origin`]
    #[arg(long, value_name = "OWNER/NAME|URL|PATH", help_heading = "Source")]
    source_repository: Option<String>,
    /// File with the environments [default: `.github/runbook.yaml` of the checkout, else of the default branch]
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    config: Option<PathBuf>,
}

contract::facts! {
    /// The facts of `plan-deploy`.
    pub struct Facts {
        /// Whether there is nothing to deploy, since the commit changes nothing but overlays.
        pub skip: Option<bool>,
        /// The image of the commit: `registry/repository:tag`.
        pub image: Option<String>,
        /// The branch whose overlays are written.
        pub branch: Option<String>,
        /// The repository with the overlays, `OWNER/NAME`, where it is another one than the file's.
        pub repository: Option<String>,
        /// The names of the environments.
        pub names: Option<Vec<String>>,
        /// The overlays, in the order of the environments.
        pub overlays: Option<Vec<String>>,
        /// The environments as a list of objects, for `strategy.matrix`: `name`, `branch`, `overlay`, `app`, `namespace`, `workload`, `checks`.
        pub environments: Option<Vec<PlannedEnvironment>>,
    }
}

impl Step for PlanDeploy {
    const NAME: &'static str = "plan-deploy";
    const SENTENCE: &'static str = "Say which environments a commit deploys, and with which image";
    const TIMEOUT: &'static str = "0";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            system: System::GitHub,
            line: "contents: read",
            when: "the source is on GitHub, and not public",
        },
        Permission {
            system: System::Git,
            line: "read the source",
            when: "the source is elsewhere, and not public",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[SecretVariable {
        name: "RUNBOOK_GITHUB_TOKEN",
        conventional: Some("GITHUB_TOKEN"),
        meaning: "reads the source through the API at `GITHUB_API_URL`, or by git from the host of \
                  `GITHUB_SERVER_URL`; sent to no other host",
        default: Some("${{ github.token }}"),
    }];
    const EXAMPLE: &'static str = "\
id: plan
with:
  source-commit: ${{ github.event.workflow_run.head_sha }}
  source-branch: ${{ github.event.workflow_run.head_branch }}";
    const EXAMPLES: &'static [&'static str] = &[
        "# Plan the environments that deploy main\n\
         plan-deploy --source-commit \"$(git rev-parse main)\" --source-branch main",
        "# Plan one environment, and print its overlay\n\
         plan-deploy --source-commit \"$(git rev-parse main)\" --environment prod --format json \
         | jq -r '.facts.overlays[]'",
    ];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args)?;
        let observation = observe::observe(&request, world).await?;
        let judgement = judge::judge(&request, &observation);
        Ok(report::report(&request, &observation, &judgement))
    }
}
