//! What to write, and where: the flags, checked.

use branch::Trailers;
use contract::{Commit, Failure, Reference, World};
use overlay::{EditOptions, ImageUpdate, Overlay, is_kustomization};
use remote::Where;

use crate::{
    Args,
    write::message::{CommitMessage, MessageTemplate},
};

/// Which parts of the image to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PinMode {
    /// Write the digest only if the entry already has one
    Keep,
    /// Always write the digest
    Digest,
    /// Write the tag, and remove a digest
    Tag,
}

/// All flags, checked.
pub(crate) struct Request {
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) images: Vec<Reference>,
    pub(crate) updates: Vec<ImageUpdate>,
    pub(crate) options: EditOptions,
    pub(crate) message: CommitMessage,
    pub(crate) dry_run: bool,
    pub(crate) branch: Option<branch::BranchName>,
    pub(crate) remote: Where,
    pub(crate) source: Option<Commit>,
    pub(crate) source_repository: Option<String>,
    pub(crate) force: bool,
}

impl Request {
    pub(crate) fn new(args: Args, world: &World) -> Result<Self, Failure> {
        check_entry(&args)?;
        for image in args.image.iter().filter(|image| image.was_lowered()) {
            world.notice(format!(
                "the image name was changed to lowercase, the only case that registries know: \
                 `{image}`"
            ));
        }
        let template = args.message.unwrap_or_default();
        let trailers = Trailers {
            source: args.source_commit.clone(),
            images: args.image.clone(),
            forced: args.force,
            run: remote::run_url(world),
            ..Trailers::default()
        };
        Ok(Self {
            updates: args
                .image
                .iter()
                .map(|image| image_update(image, args.entry.as_deref()))
                .collect(),
            options: EditOptions {
                pin: args.pin.into(),
                rename: args.rename,
                create: args.create,
                all: args.all,
                drop_suffix: args.drop_suffix,
            },
            message: message(template, trailers)?,
            overlays: Overlay::all(&remote::from_checkout(args.overlay, world)),
            images: args.image,
            dry_run: args.dry_run,
            branch: args.branch,
            remote: args.remote,
            source: args.source_commit,
            source_repository: args.source_repository,
            force: args.force,
        })
    }

    /// Returns the images as the flags name them, for people.
    pub(crate) fn images(&self) -> String {
        self.images
            .iter()
            .map(Reference::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns the directories of the overlays, each once, in alphabetical order.
    pub(crate) fn directories(&self) -> Vec<String> {
        Overlay::directories(&self.overlays)
    }

    /// Returns whether a path belongs to an overlay and not to the source: it is below one of the
    /// overlays, or it is a kustomization, since a bump of other overlays changes nothing else.
    pub(crate) fn is_of_an_overlay(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        is_kustomization(name)
            || self
                .overlays
                .iter()
                .filter_map(Overlay::directory)
                .any(|directory| is_below(path, directory))
    }

    /// Returns every path that may be an overlay's file, and those of Argo CD's overrides.
    pub(crate) fn paths(&self) -> Vec<String> {
        let files = self.overlays.iter().flat_map(Overlay::paths);
        let overrides = self.overlays.iter().filter_map(Overlay::argocd_source);
        files.chain(overrides).collect()
    }
}

/// Refuses several images for one entry.
fn check_entry(args: &Args) -> Result<(), Failure> {
    if args.entry.is_none() || args.image.len() < 2 {
        return Ok(());
    }
    let error = anyhow::anyhow!(
        "`--entry` names one entry, but there are {} images",
        args.image.len()
    );
    Err(Failure::usage(error).hinted("run it once per image, or leave `--entry` out"))
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| !directory.is_empty() && rest.starts_with('/'))
}

fn message(template: MessageTemplate, trailers: Trailers) -> Result<CommitMessage, Failure> {
    CommitMessage::new(template, trailers).map_err(|error| {
        Failure::usage(error)
            .hinted("pass `--source-commit`, or leave `{source}` out of `--message`")
    })
}

fn image_update(image: &Reference, entry: Option<&str>) -> ImageUpdate {
    ImageUpdate {
        names: vec![image.familiar().to_owned(), image.name()],
        tag: image.tag().map(|tag| tag.as_str().to_owned()),
        digest: image.digest().map(|digest| digest.as_str().to_owned()),
        entry: entry.map(str::to_owned),
    }
}

impl From<PinMode> for overlay::Pin {
    fn from(pin: PinMode) -> Self {
        match pin {
            PinMode::Keep => Self::Keep,
            PinMode::Digest => Self::Digest,
            PinMode::Tag => Self::Tag,
        }
    }
}
