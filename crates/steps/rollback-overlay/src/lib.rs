//! Restore the last good image in the overlays, in one commit.
//!
//! The step restores a value, never a patch: it puts tag, digest and `newName` as they were into
//! the file as it is now. The forge's deployments and the history of the file say which value was
//! good, and the registry says whether its image is still there. The commit names the bad image, so
//! that `bump-overlay` holds it back.

mod judge;
mod observe;
mod reasons;
mod report;
mod request;
mod write;

use branch::CommitName;
use check_image::Connection;
use clap::ArgAction;
use contract::{
    Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
};
use remote::{RemoteWriter, Where};

use observe::Observer;
use request::Request;
use write::RollbackPlan;

/// The step.
#[derive(Debug)]
pub struct RollbackOverlay;

/// The flags of `rollback-overlay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overlay to restore: a directory, or its kustomization; repeatable
    #[arg(
        long,
        value_name = "DIR|FILE",
        required = true,
        action = ArgAction::Append,
        value_parser = remote::not_empty,
        help_heading = "Overlays"
    )]
    pub overlay: Vec<String>,
    /// Environment of each overlay, in the same order; repeatable
    #[arg(long, value_name = "NAME", action = ArgAction::Append, help_heading = "Overlays")]
    pub environment: Vec<String>,
    /// Account whose deployments count, such as `release-app[bot]`; repeatable [default: that of
    /// the token]
    #[arg(
        long,
        value_name = "LOGIN",
        action = ArgAction::Append,
        value_parser = remote::not_empty,
        requires = "environment",
        help_heading = "Overlays"
    )]
    pub deployed_by: Vec<String>,
    /// Image to restore; only its repository counts
    #[arg(long, value_name = "REF", value_parser = request::repository, help_heading = "Image")]
    pub image: Reference,
    /// Bad image [default: the deployed one]
    #[arg(
        long,
        value_name = "REF",
        conflicts_with = "undo",
        help_heading = "Image"
    )]
    pub bad: Option<Reference>,
    /// Commit that set the bad image
    #[arg(long, value_name = "COMMIT", help_heading = "Image")]
    pub undo: Option<CommitName>,
    /// Image to restore [default: the last good one, else the previous one]
    #[arg(long, value_name = "REF", help_heading = "Image")]
    pub to: Option<Reference>,
    /// Restore an older image if the previous one is gone or lacks a platform
    #[arg(long, conflicts_with = "to", help_heading = "Image")]
    pub allow_older: bool,
    /// Commit onto this branch of the remote
    #[arg(long, value_name = "BRANCH", help_heading = "Where to write")]
    pub branch: branch::BranchName,
    /// The remote, and how to write it.
    #[command(flatten)]
    pub remote: Where,
    /// Reason for the rollback, for the commit message
    #[arg(long, value_name = "TEXT", help_heading = "Where to write")]
    pub reason: Option<String>,
    /// Write nothing; show earlier images, the diff and the commit message
    #[arg(long, help_heading = "Where to write")]
    pub dry_run: bool,
    /// The registry that must still have the image.
    #[command(flatten)]
    pub connection: Connection,
}

contract::facts! {
    /// The facts of `rollback-overlay`.
    pub struct Facts {
        /// The commit that has the image: the new commit, the merge, or the branch's tip when there
        /// was nothing to do; empty until a pull request is merged
        pub commit: String,
        /// The branch that was written, without `refs/heads/`
        pub branch: String,
        /// The files, from the root of the repository: a list
        pub overlays: Vec<String>,
        /// Whether anything was written (with `--dry-run`: would be)
        pub changed: bool,
        /// The images that the overlays deploy now, with the digest if it is known: a list of
        /// references
        pub image: Vec<String>,
        /// The bad images: a list of references
        pub bad: Vec<String>,
        /// Whether the forge's deployments call every restored image good
        pub verified: bool,
        /// The commits that had set the restored images: a list
        pub restores: Vec<String>,
        /// The number of lines that were changed, inserted or removed
        pub lines: usize,
        /// The change as a unified diff
        pub diff: String,
        /// The message of the commit; empty when there was nothing to do
        pub message: String,
        /// The URL of the pull request; empty without one
        pub pull_request: String,
    }
}

impl Step for RollbackOverlay {
    const NAME: &'static str = "rollback-overlay";
    const SENTENCE: &'static str = "Restore the last good image in the overlays, in one commit";
    const TIMEOUT: &'static str = "2m";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            system: System::GitHub,
            line: "contents: write",
            when: "the overlays are on GitHub",
        },
        Permission {
            system: System::GitHub,
            line: "pull-requests: write",
            when: "with `--pull-request`, unless the branch itself could be written",
        },
        Permission {
            system: System::GitHub,
            line: "deployments: read",
            when: "with `--environment`",
        },
        Permission {
            system: System::Git,
            line: "push to the branch",
            when: "always",
        },
        check_image::PERMISSIONS[0],
        check_image::PERMISSIONS[1],
    ];
    const SECRETS: &'static [SecretVariable] = &[
        SecretVariable {
            name: "RUNBOOK_GITHUB_TOKEN",
            conventional: Some("GITHUB_TOKEN"),
            meaning: "writes through the API at `GITHUB_API_URL` or pushes to the host of \
                      `GITHUB_SERVER_URL`, and is the last password to try for `ghcr.io`; sent to \
                      no other host",
            default: Some("${{ github.token }}"),
        },
        check_image::SECRETS[0],
    ];
    const EXAMPLE: &'static str = "\
with:
  overlay: |
    infra/argocd/overlays/stage
    infra/argocd/overlays/prod
  environment: |
    stage
    prod
  image: ${{ needs.bump.outputs.image }}
  bad: ${{ needs.bump.outputs.image }}
  branch: main
";
    const EXAMPLES: &'static [&'static str] = &[
        "# Show the images that prod had, and what a rollback would restore\n\
         rollback-overlay --overlay infra/argocd/overlays/prod \
         --image ghcr.io/data-literate/dex --branch main --dry-run",
        "# Restore the last image that was good in prod, unless it was replaced already\n\
         rollback-overlay --overlay infra/argocd/overlays/prod --environment prod \
         --image ghcr.io/data-literate/dex --bad ghcr.io/data-literate/dex:sha-1a2b3c4d \
         --branch main --reason \"error rate\"",
        "# Undo the image of one commit, and restore a certain one\n\
         rollback-overlay --overlay infra/argocd/overlays/prod \
         --image ghcr.io/data-literate/dex --undo 1a2b3c4d \
         --to ghcr.io/data-literate/dex:sha-0f9e8d7c --branch main",
    ];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        let remote = RemoteWriter::find(&request.remote, &request.branch, None, world).await?;
        let observer = Observer::new(&request, remote.branch(), world).await?;
        let mut plan = RollbackPlan::new(&request, observer);
        let outcome = remote.apply(&mut plan, request.dry_run).await?;
        report::report(&request, &plan.judgement, &outcome)
    }
}
