//! Write the image into the overlays, as the smallest change, in one commit.
//!
//! Without `--branch` the step edits the files of this checkout in place, all or none. With it, the
//! step reads them at the branch's tip, edits them in memory and writes one commit, through git or
//! through GitHub's API; when another writer was faster, it starts again from the new tip. On a
//! branch an older image never replaces a newer one, and an image that a rollback called bad is
//! held back.

mod judge;
mod observe;
mod reasons;
mod report;
mod request;
mod write;

use clap::ArgAction;
use contract::{
    Commit, Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
};
use remote::{RemoteWriter, Where};

use judge::edits::Edits;
use request::{PinMode, Request};
use write::{branch::BumpPlan, message::MessageTemplate};

/// The step.
#[derive(Debug)]
pub struct BumpOverlay;

/// The flags of `bump-overlay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overlay to write: a directory, or its kustomization; repeatable
    #[arg(
        long,
        value_name = "DIR|FILE",
        required = true,
        action = ArgAction::Append,
        value_parser = remote::not_empty,
        help_heading = "Overlays"
    )]
    pub overlay: Vec<String>,
    /// Image to deploy, with a tag, a digest, or both; repeatable
    #[arg(
        long,
        value_name = "REF",
        required = true,
        action = ArgAction::Append,
        help_heading = "Image"
    )]
    pub image: Vec<Reference>,
    /// Edit the entry with exactly this `name`, whatever its `newName`
    #[arg(long, value_name = "NAME", help_heading = "Image")]
    pub entry: Option<String>,
    /// Which parts of the image to write
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "keep",
        help_heading = "Image"
    )]
    pub pin: PinMode,
    /// Allow another `newName`
    #[arg(long, help_heading = "Image")]
    pub rename: bool,
    /// Add an entry if the overlay has none for the image
    #[arg(long, help_heading = "Image")]
    pub create: bool,
    /// Set every entry for the image instead of refusing several
    #[arg(long, help_heading = "Image")]
    pub all: bool,
    /// Remove a `tagSuffix`, which has no effect on a tag or digest
    #[arg(long, help_heading = "Image")]
    pub drop_suffix: bool,
    /// Commit onto this branch [default: edit the files of this checkout]
    #[arg(long, value_name = "BRANCH", help_heading = "Where to write")]
    pub branch: Option<branch::BranchName>,
    /// The remote, and how to write it.
    #[command(flatten)]
    pub remote: Where,
    /// Commit message with `{image}`, `{overlays}`, `{source}` [default:
    /// `deploy({overlays}): {image}`]
    #[arg(long, value_name = "TEMPLATE", help_heading = "Where to write")]
    pub message: Option<MessageTemplate>,
    /// Write nothing; show the diff and the commit message
    #[arg(long, help_heading = "Where to write")]
    pub dry_run: bool,
    /// Commit that the image was built from, all 40 digits
    #[arg(long, value_name = "SHA40", help_heading = "Checks")]
    pub source_commit: Option<Commit>,
    /// Repository of the source, if it is another one [default: the remote]
    #[arg(
        long,
        value_name = "URL|PATH|OWNER/NAME",
        requires = "branch",
        help_heading = "Checks"
    )]
    pub source_repository: Option<String>,
    /// Skip the checks for older, rolled-back and unchanged images
    #[arg(long, requires = "branch", help_heading = "Checks")]
    pub force: bool,
}

contract::facts! {
    /// The facts of `bump-overlay`.
    pub struct Facts {
        /// The commit that has the image: the new commit, the merge, or the branch's tip when there
        /// was nothing to do; empty without `--branch`, and until a pull request is merged
        pub commit: String,
        /// The branch that was written, without `refs/heads/`; empty without `--branch`
        pub branch: String,
        /// The files, from the root of the repository: a list
        pub overlays: Vec<String>,
        /// Whether anything was written (with `--dry-run`: would be)
        pub changed: bool,
        /// The images that the overlays deploy now, as the files name them: a list of references
        pub image: Vec<String>,
        /// The images that they deployed before: a list of references
        pub before: Vec<String>,
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

impl Step for BumpOverlay {
    const NAME: &'static str = "bump-overlay";
    const SENTENCE: &'static str =
        "Write the image into the overlays, as the smallest change, in one commit";
    const TIMEOUT: &'static str = "2m";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            system: System::GitHub,
            line: "contents: write",
            when: "with `--branch`",
        },
        Permission {
            system: System::GitHub,
            line: "pull-requests: write",
            when: "with `--pull-request`, unless the branch itself could be written",
        },
        Permission {
            system: System::Git,
            line: "push to the branch",
            when: "with `--branch`",
        },
        Permission {
            system: System::Git,
            line: "read the source",
            when: "with `--branch`, if the source is in another repository",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[SecretVariable {
        name: "RUNBOOK_GITHUB_TOKEN",
        conventional: Some("GITHUB_TOKEN"),
        meaning: "writes through the API at `GITHUB_API_URL` or pushes to the host of \
                  `GITHUB_SERVER_URL`; sent to no other host",
        default: Some("${{ github.token }}"),
    }];
    const EXAMPLE: &'static str = "\
with:
  overlay: |
    infra/argocd/overlays/stage
    infra/argocd/overlays/prod
  image: ${{ needs.check.outputs.image }}
  branch: main
  source-commit: ${{ github.event.workflow_run.head_sha }}
";
    const EXAMPLES: &'static [&'static str] = &[
        "# Edit the files of this checkout\n\
         bump-overlay --overlay infra/argocd/overlays/dev \
         --image ghcr.io/data-literate/dex:sha-1a2b3c4d",
        "# Commit stage and prod together onto a branch of `origin`\n\
         bump-overlay --overlay infra/argocd/overlays/stage --overlay infra/argocd/overlays/prod \
         --image ghcr.io/data-literate/dex:sha-1a2b3c4d --branch main",
        "# Show what a pull request through GitHub's API would change\n\
         bump-overlay --overlay infra/argocd/overlays/prod \
         --image ghcr.io/data-literate/dex:sha-1a2b3c4d --branch main \
         --repository data-literate/DEX --pull-request always --dry-run",
    ];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        match &request.branch {
            None => bump_checkout(&request, world),
            Some(name) => bump_branch(&request, name, world).await,
        }
    }
}

/// Edits the files of this checkout.
fn bump_checkout(request: &Request, world: &World) -> Result<Report, Failure> {
    let entries = observe::checkout::read(request, world)?;
    let judgement = judge::judge_checkout(Edits::of(request, &entries));
    write::checkout::write(request, &judgement, world)?;
    Ok(report::report_checkout(request, &judgement))
}

/// Commits onto a branch; the plan observes and judges at every tip.
async fn bump_branch(
    request: &Request,
    name: &branch::BranchName,
    world: &World,
) -> Result<Report, Failure> {
    let source = request.source_repository.as_deref();
    let remote = RemoteWriter::find(&request.remote, name, source, world).await?;
    let mut plan = BumpPlan::new(request, &remote, world);
    let outcome = remote.apply(&mut plan, request.dry_run).await?;
    report::report(request, name, &plan.judgement, &outcome)
}
