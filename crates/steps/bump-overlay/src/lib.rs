//! Write the image into the overlays, as the smallest change, in one commit.
//!
//! Without `--branch` the files of this checkout are edited in place, all or none. With it, they are
//! read from the branch's tip, edited in memory and written as one commit, through git or through
//! GitHub's API; when somebody else was faster, they are read and edited anew. Then an older image never
//! takes the place of a newer one, and one that a rollback called bad is held back.

mod checkout;
mod commit;
mod edits;
mod guards;
mod message;
mod request;
mod say;

use contract::{
    Commit, Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
};

use message::Template;
use remote::Where;
use request::{Pin, Request};

/// The step.
pub struct BumpOverlay;

/// What to write, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overlay to write: a directory with a kustomization, or the file; may be repeated
    #[arg(long, value_name = "DIR|FILE", required = true, action = clap::ArgAction::Append, value_parser = request::not_empty)]
    pub overlay: Vec<String>,
    /// Image to deploy, with a tag, a digest, or both; may be repeated
    #[arg(long, value_name = "REF", required = true, action = clap::ArgAction::Append)]
    pub image: Vec<Reference>,
    /// Take the entry with exactly this `name`, whatever its `newName`
    #[arg(long, value_name = "NAME")]
    pub entry: Option<String>,
    /// Write what the entry has already, the digest too, or the tag alone
    #[arg(long, value_enum, value_name = "WHAT", default_value = "keep")]
    pub pin: Pin,
    /// Allow another `newName`
    #[arg(long)]
    pub rename: bool,
    /// Add an entry where there is none
    #[arg(long)]
    pub create: bool,
    /// Set every entry for the image instead of refusing several
    #[arg(long)]
    pub all: bool,
    /// Remove a `tagSuffix`, which a tag or digest leaves without effect
    #[arg(long)]
    pub drop_suffix: bool,
    /// Write nothing; show the diff, and the message of the commit
    #[arg(long)]
    pub dry_run: bool,
    /// Commit onto this branch of the remote [default: edit the files of this checkout]
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<branch::Name>,
    /// Where to write
    #[command(flatten)]
    pub remote: Where,
    /// Commit that the image was built from, all 40 digits
    #[arg(long, value_name = "SHA40")]
    pub source_commit: Option<Commit>,
    /// Repository of the source, where that is another one [default: the remote]
    #[arg(long, value_name = "URL|PATH|OWNER/NAME", requires = "branch")]
    pub source_repository: Option<String>,
    /// Write it although it is older, was called bad by a rollback, or has no other source
    #[arg(long, requires = "branch")]
    pub force: bool,
    /// Message of the commit; knows `{image}`, `{overlays}` and `{source}` [default: `deploy({overlays}): {image}`]
    #[arg(long, value_name = "TEMPLATE")]
    pub message: Option<Template>,
}

contract::facts! {
    /// What was written.
    pub struct Facts {
        /// The commit that has the image: the new one, that of the merge, or the branch's tip when nothing was to be done; empty without `--branch`, and until a pull request is merged
        pub commit: String,
        /// The branch that was written, without `refs/heads/`; empty without `--branch`
        pub branch: String,
        /// The files, from the root of the repository: a list
        pub overlays: Vec<String>,
        /// Whether anything was written (with `--dry-run`: would be)
        pub changed: bool,
        /// What the overlays deploy now, as they say it: a list of references
        pub image: Vec<String>,
        /// What they deployed before: a list of references
        pub before: Vec<String>,
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

impl Step for BumpOverlay {
    const NAME: &'static str = "bump-overlay";
    const SENTENCE: &'static str =
        "Write the image into the overlays, as the smallest change, in one commit";
    const TIMEOUT: &'static str = "2m";
    const REASONS: &'static [Reason] = &say::REASONS;
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
            when: "with `--branch`, where the source is in another repository",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[SecretVariable {
        name: "RUNBOOK_GITHUB_TOKEN",
        conventional: Some("GITHUB_TOKEN"),
        meaning: "writes through the API at `GITHUB_API_URL` or pushes to the host of `GITHUB_SERVER_URL`, and goes to no other",
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

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        match &request.branch {
            None => checkout::bump(&request, world),
            Some(branch) => commit::bump(&request, branch, world).await,
        }
    }
}
