//! What is wanted, from the flags.

use branch::CommitName;
use check_image::Connection;
use contract::{Failure, InvalidReference, Reference, World};
use overlay::{ImageUpdate, Overlay};
use remote::Where;

use crate::{Args, forge::Forge};

/// Everything that is wanted, checked.
pub(crate) struct Request {
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) image: Reference,
    /// The entry that is meant, by its repository.
    pub(crate) entry: ImageUpdate,
    pub(crate) bad: Bad,
    pub(crate) to: Option<Reference>,
    /// Who knows what was good.
    pub(crate) forge: Option<Forge>,
    pub(crate) allow_older: bool,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) branch: branch::BranchName,
    pub(crate) remote: Where,
    pub(crate) connection: Connection,
}

/// How it is said what is bad.
pub(crate) enum Bad {
    /// What is deployed.
    Deployed,
    /// This image.
    Image(Reference),
    /// What this commit set.
    SetBy(CommitName),
}

impl Request {
    pub(crate) fn new(args: Args, world: &World) -> Result<Self, Failure> {
        let forge = forge(&args, world)?;
        Ok(Self {
            forge,
            overlays: Overlay::all(&args.overlay),
            entry: ImageUpdate {
                names: vec![args.image.familiar().to_owned(), args.image.name()],
                ..ImageUpdate::default()
            },
            image: args.image,
            bad: match (args.bad, args.undo) {
                (Some(image), _) => Bad::Image(image),
                (_, Some(commit)) => Bad::SetBy(commit),
                _ => Bad::Deployed,
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

/// Returns whom to ask what was good, and says so where nobody is asked.
fn forge(args: &Args, world: &World) -> Result<Option<Forge>, Failure> {
    let (environments, overlays) = (args.environment.len(), args.overlay.len());
    match (environments, &args.to) {
        (0, None) => world.notice(
            "without `--environment` the forge's deployments are not asked: what was there before counts as good, unless a rollback called it bad",
        ),
        (0, Some(_)) => {}
        (some, _) if some != overlays => {
            let error = anyhow::anyhow!("there are {overlays} overlays, but {environments} environments");
            return Err(Failure::usage(error)
                .hinted("pass `--environment` once for each `--overlay`, or not at all"));
        }
        (_, Some(to)) => world.notice(format!(
            "`--to` says what is to be restored: the forge's deployments are not asked about {to}"
        )),
        (_, None) => {
            return Ok(Some(Forge::new(&args.overlay, &args.environment)));
        }
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

/// Accepts a text that is not empty.
pub(crate) fn not_empty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("expected a directory or a file".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
