//! What is wanted, from the flags.

use branch::{CommitName, Overlay};
use check_image::Connection;
use contract::{Failure, InvalidReference, Reference, World};
use overlay::Change;

use crate::Args;

/// Everything that is wanted, checked.
pub(crate) struct Request {
    pub(crate) overlays: Vec<Overlay>,
    /// The entry that is meant, by its repository.
    pub(crate) entry: Change,
    pub(crate) bad: Bad,
    pub(crate) to: Option<Reference>,
    pub(crate) allow_older: bool,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) branch: branch::Name,
    pub(crate) remote: Option<String>,
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
        check_environments(&args, world)?;
        Ok(Self {
            overlays: Overlay::all(&args.overlay),
            entry: Change {
                names: vec![args.image.familiar().to_owned(), args.image.name()],
                ..Change::default()
            },
            bad: match (args.bad, args.undo) {
                (Some(image), _) => Bad::Image(image),
                (_, Some(commit)) => Bad::SetBy(commit),
                _ => Bad::Deployed,
            },
            to: args.to,
            allow_older: args.allow_older,
            reason: args.reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            run: branch::run_url(world),
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

/// Says which judgement is not asked for; a flag is never ignored in silence.
fn check_environments(args: &Args, world: &World) -> Result<(), Failure> {
    let (environments, overlays) = (args.environment.len(), args.overlay.len());
    if environments != 0 && environments != overlays {
        let error = anyhow::anyhow!("there are {overlays} overlays, but {environments} environments");
        return Err(
            Failure::usage(error).hinted("pass `--environment` once for each `--overlay`, or not at all")
        );
    }
    if args.to.is_none() {
        let asked = if environments == 0 { "without `--environment` " } else { "`--environment`: " };
        let why = if environments == 0 { "are not asked" } else { "cannot be asked yet" };
        world.notice(format!(
            "{asked}the forge's deployments {why}: what was there before counts as good, unless a rollback called it bad"
        ));
    }
    Ok(())
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
