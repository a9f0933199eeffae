//! Restore the last good image in the overlays, in one commit.
//!
//! What is restored is the value, never a patch: tag, digest and `newName` as they were, put into the
//! file as it is now. Which value that is, the forge's deployments say, and the history of the file; that
//! its image is still there, the registry says. The commit says which image was bad, so that `bump-overlay` holds it back.

mod forge;
mod image;
mod message;
mod plan;
mod request;
mod restore;
mod say;
mod table;

use check_image::Connection;
use contract::{
    Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
};

use branch::CommitName;
use remote::Where;
use request::Request;

/// The step.
pub struct RollbackOverlay;

/// What to restore, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overlay to restore: a directory with a kustomization, or the file; may be repeated
    #[arg(long, value_name = "DIR|FILE", required = true, action = clap::ArgAction::Append, value_parser = request::not_empty)]
    pub overlay: Vec<String>,
    /// Environment of each overlay, in their order: what was good there is restored; may be repeated
    #[arg(long, value_name = "NAME", action = clap::ArgAction::Append)]
    pub environment: Vec<String>,
    /// Image to restore: its repository counts, its tag and digest do not
    #[arg(long, value_name = "REF", value_parser = request::repository)]
    pub image: Reference,
    /// Image that is bad [default: the one that is deployed]
    #[arg(long, value_name = "REF", conflicts_with = "undo")]
    pub bad: Option<Reference>,
    /// Commit that set the bad image
    #[arg(long, value_name = "COMMIT")]
    pub undo: Option<CommitName>,
    /// Image to restore [default: the last that was good in the environment, else the one before, unless a rollback called it bad]
    #[arg(long, value_name = "REF")]
    pub to: Option<Reference>,
    /// Restore an older image where the one before is gone, or not for every platform of the bad one
    #[arg(long, conflicts_with = "to")]
    pub allow_older: bool,
    /// Why, for the message of the commit
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Write nothing; show the images that the overlays had, the diff, and the message of the commit
    #[arg(long)]
    pub dry_run: bool,
    /// Commit onto this branch of the remote
    #[arg(long, value_name = "BRANCH")]
    pub branch: branch::BranchName,
    /// Where to write
    #[command(flatten)]
    pub remote: Where,
    /// The registry that must still have the image
    #[command(flatten)]
    pub connection: Connection,
}

contract::facts! {
    /// What was restored.
    pub struct Facts {
        /// The commit that has the image: the new one, that of the merge, or the branch's tip when nothing was to be done; empty until a pull request is merged
        pub commit: String,
        /// The branch that was written, without `refs/heads/`
        pub branch: String,
        /// The files, from the root of the repository: a list
        pub overlays: Vec<String>,
        /// Whether anything was written (with `--dry-run`: would be)
        pub changed: bool,
        /// What the overlays deploy now, with the digest where it is known: a list of references
        pub image: Vec<String>,
        /// What was bad: a list of references
        pub bad: Vec<String>,
        /// Whether the forge's deployments call all of it good
        pub verified: bool,
        /// The commits that had set what was restored: a list
        pub restores: Vec<String>,
        /// How many lines were changed, inserted or removed
        pub lines: usize,
        /// The change as a unified diff
        pub diff: String,
        /// The message of the commit; empty when nothing was to be done
        pub message: String,
        /// Where the pull request is; empty without one
        pub pull_request: String,
    }
}

impl Step for RollbackOverlay {
    const NAME: &'static str = "rollback-overlay";
    const SENTENCE: &'static str = "Restore the last good image in the overlays, in one commit";
    const TIMEOUT: &'static str = "2m";
    const REASONS: &'static [Reason] = &say::REASONS;
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
            meaning: "writes through the API at `GITHUB_API_URL` or pushes to the host of `GITHUB_SERVER_URL`, is the password of last resort for `ghcr.io`, and goes to no other",
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

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        restore::restore(&request, world).await
    }
}
