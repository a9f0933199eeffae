//! Check that an image is in its registry, whole, for every required platform.
//!
//! "The image is not there" (10) and "the registry could not be asked" (20, 21) are never confused.
//! A tag is resolved once, and what comes out is pinned by digest, so that the steps after it speak
//! of the same bytes.

mod inspect;
mod wait;

use std::path::PathBuf;

use contract::{
    Failure, Fault, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
};
pub use registry::Platform;
use registry::{Options, Repository};

/// The step.
#[derive(Debug)]
pub struct CheckImage;

/// The tag or digest is not in the registry.
pub const ABSENT: Reason = Reason::new(
    "absent",
    Fault::Change,
    "the registry says that the image is not there",
);
/// A required platform is not among those of the image.
pub const PLATFORM_MISSING: Reason = Reason::new(
    "platform-missing",
    Fault::Change,
    "the image is there, but not for every required platform",
);
/// The index names an image that is not there.
pub const DANGLING_INDEX: Reason = Reason::new(
    "dangling-index",
    Fault::Change,
    "the index is there, but an image that it names is not",
);
/// Something else is kept under this name.
pub const NOT_AN_IMAGE: Reason = Reason::new(
    "not-an-image",
    Fault::Change,
    "what is there is no container image: a chart, a signature, schema 1",
);
/// The tag points to another digest than the one asked for.
pub const TAG_MOVED: Reason = Reason::new(
    "tag-moved",
    Fault::Change,
    "the tag was pushed again and now means another image",
);

/// The flags of `check-image`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Image to look for: `registry/repository:tag`, `…@sha256:…`, or both
    #[arg(long, value_name = "REF")]
    image: Reference,
    /// Platform that must be there, such as `linux/arm64`; repeat it or separate by commas
    #[arg(long = "platform", value_name = "OS/ARCH", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// Do not look whether the images that an index names are there
    #[arg(long)]
    shallow: bool,
    #[command(flatten)]
    connection: Connection,
}

/// How to reach the registry, and enter it: flags of every step that asks one.
#[derive(Debug, Clone, clap::Args)]
pub struct Connection {
    /// Take "not without credentials" for "not there", as for a public image
    #[arg(long)]
    assume_public: bool,
    /// Speak to the registry without TLS; on loopback this is found out
    #[arg(long)]
    registry_plain_http: bool,
    /// Trust the certificate authorities of this PEM file as well
    #[arg(long, value_name = "FILE")]
    registry_ca_file: Option<PathBuf>,
    /// User name for the registry
    #[arg(long, value_name = "NAME")]
    registry_username: Option<String>,
}

contract::facts! {
    /// The facts of `check-image`.
    pub struct Facts {
        /// The image pinned by digest, to be passed on: `registry/repository:tag@sha256:…`.
        pub image: Option<String>,
        /// Digest of what the tag means: the index, or the manifest where there is no index.
        pub digest: Option<String>,
        /// Every digest that a running container may show for it: index, manifests, configurations.
        pub digests: Option<Vec<String>>,
        /// Platforms of the image: `linux/amd64`, …
        pub platforms: Option<Vec<String>>,
        /// How long it was waited for, in seconds.
        pub waited: Option<u64>,
        /// How often it was asked for.
        pub attempts: Option<u32>,
    }
}

/// What reading a registry takes.
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
        meaning: "GitHub's token, password of last resort for `ghcr.io` and sent nowhere else",
        default: Some("${{ github.token }}"),
    },
];

impl Step for CheckImage {
    const NAME: &'static str = "check-image";
    const SENTENCE: &'static str =
        "Check that an image is in its registry, whole, for every required platform";
    const TIMEOUT: &'static str = "0";
    const REASONS: &'static [Reason] = &[
        ABSENT,
        PLATFORM_MISSING,
        DANGLING_INDEX,
        NOT_AN_IMAGE,
        TAG_MOVED,
    ];
    const PERMISSIONS: &'static [Permission] = &PERMISSIONS;
    const SECRETS: &'static [SecretVariable] = &SECRETS;
    const EXAMPLE: &'static str = "\
id: image
with:
  image: ghcr.io/data-literate/dex:sha-1a2b3c4d
  platform: linux/amd64,linux/arm64
  timeout: 5m";

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        if args.image.was_lowered() {
            world.notice(format!(
                "registries know lowercase names only: `{}` was asked for",
                args.image
            ));
        }
        let repository = Repository::new(world, &args.image, args.connection.options(world)?);
        wait::until_there(&args, &repository, world).await
    }
}

/// Looks once whether an image is there, whole, for these platforms; without any, whatever its own are.
///
/// # Errors
/// When the registry could not be asked.
pub async fn look(
    image: &Reference,
    platforms: &[Platform],
    connection: &Connection,
    world: &World,
) -> Result<Report, Failure> {
    let repository = Repository::new(world, image, connection.options(world)?);
    let (image, platforms, connection) = (image.clone(), platforms.to_vec(), connection.clone());
    wait::once(
        &Args {
            image,
            platforms,
            shallow: false,
            connection,
        },
        &repository,
        world,
    )
    .await
}

/// Returns the platforms of an image, by its digest where it has one; `None` when it is not there, or
/// does not say all of them.
///
/// # Errors
/// When the registry could not be asked.
pub async fn platforms(
    image: &Reference,
    connection: &Connection,
    world: &World,
) -> Result<Option<Vec<Platform>>, Failure> {
    inspect::platforms(
        image,
        &Repository::new(world, image, connection.options(world)?),
    )
    .await
}

impl Connection {
    /// Reads everything that the registry needs before the first request.
    fn options(&self, world: &World) -> Result<Options, Failure> {
        let authorities = self.registry_ca_file.as_ref().map(|path| {
            world.read(path, 1 << 20).map_err(|error| {
                let error = anyhow::Error::new(error)
                    .context(format!("could not read `{}`", path.display()));
                Failure::usage(error).hinted("pass a readable PEM file as `--registry-ca-file`")
            })
        });
        Ok(Options {
            plain_http: self.registry_plain_http,
            authorities: authorities.transpose()?,
            username: self.registry_username.clone(),
            password: world.secret("RUNBOOK_REGISTRY_PASSWORD", None)?,
            github_token: world.secret("RUNBOOK_GITHUB_TOKEN", Some("GITHUB_TOKEN"))?,
            assume_public: self.assume_public,
        })
    }
}
