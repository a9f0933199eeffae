//! What to check, and how to reach the registry: the flags, checked.

use std::path::PathBuf;

use contract::{Commit, Failure, Platform, Reference, World};
use registry::{RegistryOptions, RegistryPassword};

use crate::Args;

/// Flags of every step that asks a registry.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Treat "unauthorized" as "not found", as for a public image
    #[arg(long)]
    assume_public: bool,
    /// Use plain HTTP (automatic on loopback)
    #[arg(long)]
    registry_plain_http: bool,
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE")]
    registry_ca_file: Option<PathBuf>,
    /// User name for the registry
    #[arg(long, value_name = "NAME")]
    registry_username: Option<String>,
}

/// Which revisions of the source count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RevisionMode {
    /// One that names the commit is enough; those that disagree are notices
    Any,
    /// All of them have to name the commit
    All,
    /// Only labels and annotations
    Label,
    /// Only BuildKit's provenance
    Provenance,
}

/// The commit that the image must be built from.
#[derive(Debug, Clone)]
pub(crate) struct RevisionRequest {
    pub(crate) commit: Commit,
    pub(crate) mode: RevisionMode,
    /// Whether an image that names no commit is refused.
    pub(crate) is_required: bool,
}

/// Which image to check.
#[derive(Debug)]
pub struct Request {
    pub(crate) image: Reference,
    /// The platforms that the image must have; when empty, each one that it has must be complete.
    pub(crate) platforms: Vec<Platform>,
    /// Whether an index is believed without a look at the images that it lists.
    pub(crate) is_shallow: bool,
    /// Whether to ask again until the deadline.
    pub(crate) waits: bool,
    /// Whether `check-image` itself runs, so that the run's partial facts are its own.
    pub(crate) is_own_run: bool,
    /// The commit that the image must be built from, if the step asks for it.
    pub(crate) revision: Option<RevisionRequest>,
    pub(crate) registry: RegistryOptions,
}

impl Request {
    /// Checks the flags of `check-image`.
    pub(crate) fn new(args: Args, world: &World) -> Result<Self, Failure> {
        if args.image.was_lowered() {
            world.notice(format!(
                "the image name was changed to lowercase, the only case that registries know: `{}`",
                args.image
            ));
        }
        let registry = args.image.registry().to_owned();
        Ok(Self {
            waits: world.deadline().waits(),
            is_own_run: true,
            is_shallow: args.shallow,
            revision: args.source_commit.map(|commit| RevisionRequest {
                commit,
                mode: args.revision_source,
                is_required: args.require_revision,
            }),
            ..Self::for_image(
                args.image,
                args.platforms,
                &args.connection,
                &registry,
                world,
            )?
        })
    }

    /// Makes the request of another step: it asks once, even if that step has time to wait.
    ///
    /// `RUNBOOK_REGISTRY_PASSWORD` belongs to `password_registry`, as references name it
    /// ([`Reference::registry`]). An image in any other registry is asked for with that registry's
    /// own credentials in the files of Docker and Podman, or without any.
    ///
    /// # Errors
    /// `usage` when the file of `--registry-ca-file` cannot be read, or a secret has a line break.
    pub fn for_image(
        image: Reference,
        platforms: Vec<Platform>,
        connection: &Connection,
        password_registry: &str,
        world: &World,
    ) -> Result<Self, Failure> {
        Ok(Self {
            image,
            platforms,
            is_shallow: false,
            waits: false,
            is_own_run: false,
            revision: None,
            registry: connection.options(password_registry, world)?,
        })
    }
}

impl Connection {
    /// Reads the files and secrets that the registry may need, before the first request.
    fn options(&self, password_registry: &str, world: &World) -> Result<RegistryOptions, Failure> {
        let password = world.secret("RUNBOOK_REGISTRY_PASSWORD", None)?;
        Ok(RegistryOptions {
            plain_http: self.registry_plain_http,
            authorities: registry::authorities(world, self.registry_ca_file.as_deref())?,
            username: self.registry_username.clone(),
            password: password.map(|secret| RegistryPassword::new(secret, password_registry)),
            github_token: world.secret("RUNBOOK_GITHUB_TOKEN", Some("GITHUB_TOKEN"))?,
            assume_public: self.assume_public,
        })
    }
}
