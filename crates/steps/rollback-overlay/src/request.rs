//! What to restore, and where: the flags, checked.

use branch::CommitName;
use check_image::Connection;
use contract::{Failure, InvalidReference, Reference, World};
use overlay::{ImageUpdate, Overlay};
use remote::Where;

use crate::{
    Args,
    observe::forge::{self, OverlayEnvironment},
};

/// All flags, checked.
pub(crate) struct Request {
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) image: Reference,
    /// The entry of the image, found by its repository.
    pub(crate) entry: ImageUpdate,
    pub(crate) bad: BadImage,
    pub(crate) to: Option<Reference>,
    /// The environments whose deployments to ask for; `None` when the forge is not asked.
    pub(crate) environments: Option<Vec<OverlayEnvironment>>,
    /// The accounts whose deployments count; without any, that of the token.
    pub(crate) creators: Vec<String>,
    pub(crate) allow_older: bool,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) branch: branch::BranchName,
    pub(crate) remote: Where,
    pub(crate) connection: Connection,
}

/// Which image is bad.
pub(crate) enum BadImage {
    /// The deployed one.
    Deployed,
    /// The one of `--bad`.
    Named(Reference),
    /// The one that the commit of `--undo` set.
    SetBy(CommitName),
}

impl Request {
    pub(crate) fn new(args: Args, world: &World) -> Result<Self, Failure> {
        Ok(Self {
            environments: environments(&args, world)?,
            creators: args.deployed_by,
            overlays: Overlay::all(&remote::from_checkout(args.overlay, world)),
            entry: ImageUpdate {
                names: vec![args.image.familiar().to_owned(), args.image.name()],
                ..ImageUpdate::default()
            },
            image: args.image,
            bad: match (args.bad, args.undo) {
                (Some(image), _) => BadImage::Named(image),
                (_, Some(commit)) => BadImage::SetBy(commit),
                _ => BadImage::Deployed,
            },
            to: args.to,
            allow_older: args.allow_older,
            reason: args
                .reason
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
            run: remote::run_url(world),
            dry_run: args.dry_run,
            branch: args.branch,
            remote: args.remote,
            connection: args.connection,
        })
    }

    /// Returns every path that may be an overlay's file.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.overlays.iter().flat_map(Overlay::paths).collect()
    }
}

/// Returns the environments whose deployments to ask for; tells the user when the forge is not
/// asked.
fn environments(args: &Args, world: &World) -> Result<Option<Vec<OverlayEnvironment>>, Failure> {
    let (environments, overlays) = (args.environment.len(), args.overlay.len());
    match (environments, &args.to) {
        (0, None) => world.notice(
            "without `--environment` the forge's deployments are not asked: the previous image \
             counts as good, unless a rollback called it bad",
        ),
        (0, Some(_)) => {}
        (count, _) if count != overlays => {
            let error =
                anyhow::anyhow!("there are {overlays} overlays, but {environments} environments");
            return Err(Failure::usage(error)
                .hinted("pass `--environment` once for each `--overlay`, or not at all"));
        }
        (_, Some(to)) => world.notice(format!(
            "`--to` names the image to restore: the forge's deployments are not asked about {to}"
        )),
        (_, None) => return Ok(Some(forge::pair(&args.overlay, &args.environment))),
    }
    Ok(None)
}

/// Accepts a reference, or a repository alone.
pub(crate) fn repository(text: &str) -> Result<Reference, InvalidReference> {
    match text.parse() {
        Err(InvalidReference::Unpinned(name)) => format!("{name}:any").parse(),
        parsed => parsed,
    }
}
