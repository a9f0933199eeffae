//! Check that an image is in its registry, complete, for every required platform.
//!
//! "The registry does not have the image" (10) and "the registry could not be asked" (20, 21) are
//! never confused. The step resolves a tag once and reports the image pinned by digest, so that all
//! later steps refer to the same bytes.

mod judge;
mod observe;
pub mod reasons;
mod report;
mod request;

use contract::{
    Commit, Digest, Failure, Permission, Platform, Reason, Reference, Report, SecretVariable, Step,
    System, World,
};

pub use self::request::{Connection, Request, RevisionMode};

/// The step.
#[derive(Debug)]
pub struct CheckImage;

/// The flags of `check-image`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Image to check: `registry/repository:tag`, `…@sha256:…`, or both
    #[arg(long, value_name = "REF", help_heading = "Image")]
    image: Reference,
    /// Platform that the image must have, such as `linux/arm64`; repeat it or separate by commas
    #[arg(
        long = "platform",
        value_name = "OS/ARCH",
        value_delimiter = ',',
        help_heading = "Image"
    )]
    platforms: Vec<Platform>,
    /// Do not check that the registry has every image that an index lists
    #[arg(long, conflicts_with = "source_commit", help_heading = "Checks")]
    shallow: bool,
    /// Commit that the image must be built from, all 40 digits
    #[arg(long, value_name = "SHA40", help_heading = "Checks")]
    source_commit: Option<Commit>,
    /// Which revisions that the image names count for `--source-commit`
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        default_value = "any",
        requires = "source_commit",
        help_heading = "Checks"
    )]
    revision_source: RevisionMode,
    /// Refuse an image that names no commit
    #[arg(long, requires = "source_commit", help_heading = "Checks")]
    require_revision: bool,
    #[command(flatten)]
    connection: Connection,
}

contract::facts! {
    /// The facts of `check-image`.
    pub struct Facts {
        /// The image pinned by digest, for the next steps: `registry/repository:tag@sha256:…`.
        pub image: Option<String>,
        /// Digest that the tag points to: of the index, or of the manifest where there is no index.
        pub digest: Option<String>,
        /// Every digest that a running container may show for it: index, manifests, configurations.
        pub digests: Option<Vec<String>>,
        /// Platforms of the image: `linux/amd64`, …
        pub platforms: Option<Vec<String>>,
        /// Whether the image names `--source-commit`: `consistent`, as its builder claims without a signature, or `unknown`.
        pub revision: Option<String>,
        /// How long the step waited for the image, in seconds.
        pub waited: Option<u64>,
        /// How many times the step asked for the image.
        pub attempts: Option<u32>,
    }
}

/// The permissions that reading a registry requires.
pub const PERMISSIONS: [Permission; 2] = [
    Permission {
        system: System::GitHub,
        line: "packages: read",
        when: "the image is on `ghcr.io` and not public",
    },
    Permission {
        system: System::Registry,
        line: "repository:<name>:pull",
        when: "the image is not public",
    },
];

/// The secrets that a registry may ask for.
pub const SECRETS: [SecretVariable; 2] = [
    SecretVariable {
        name: "RUNBOOK_REGISTRY_PASSWORD",
        conventional: None,
        meaning: "password or token for the registry",
        default: None,
    },
    SecretVariable {
        name: "RUNBOOK_GITHUB_TOKEN",
        conventional: Some("GITHUB_TOKEN"),
        meaning: "GitHub's token, the last password to try for `ghcr.io`; sent to no other host",
        default: Some("${{ github.token }}"),
    },
];

impl Step for CheckImage {
    const NAME: &'static str = "check-image";
    const SENTENCE: &'static str =
        "Check that an image is in its registry, complete, for every required platform";
    const TIMEOUT: &'static str = "0";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &PERMISSIONS;
    const SECRETS: &'static [SecretVariable] = &SECRETS;
    const EXAMPLE: &'static str = "\
id: image
with:
  image: ghcr.io/data-literate/dex:sha-1a2b3c4d
  platform: linux/amd64,linux/arm64
  timeout: 5m";
    const EXAMPLES: &'static [&'static str] = &[
        "# Check a tag and print the image pinned by digest\n\
         check-image --image ghcr.io/data-literate/dex:sha-1a2b3c4d",
        "# Wait for a build that is still running, and require two platforms\n\
         check-image --image ghcr.io/data-literate/dex:sha-1a2b3c4d \
         --platform linux/amd64,linux/arm64 --timeout 10m",
        "# Require that the image was built from a commit\n\
         check-image --image ghcr.io/data-literate/dex:sha-1a2b3c4d \
         --source-commit \"$(git rev-parse main)\" --require-revision",
        "# Log in to a private registry with its own certificate authority\n\
         RUNBOOK_REGISTRY_PASSWORD=\"$TOKEN\" check-image --image registry.example.org/dex:v1 \
         --registry-username robot --registry-ca-file ca.pem",
    ];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        check(&request, world).await
    }
}

/// Checks an image; also for other steps, which make their request with [`Request::for_image`].
///
/// # Errors
/// `unavailable` or `denied` when the registry did not answer.
pub async fn check(request: &Request, world: &World) -> Result<Report, Failure> {
    let observation = observe::observe(request, world).await?;
    let judgement = judge::judge(request, &observation);
    Ok(report::report(request, &judgement))
}

/// An image as its registry has it, whatever the request requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryImage {
    /// The digest.
    pub digest: Digest,
    /// All platforms; `None` when the registry does not say that of every part.
    pub platforms: Option<Vec<Platform>>,
}

/// Returns an image as its registry has it; `None` when the registry does not have it.
///
/// # Errors
/// `unavailable` or `denied` when the registry did not answer.
pub async fn look_up(request: &Request, world: &World) -> Result<Option<RegistryImage>, Failure> {
    observe::look_up(request, world).await
}
