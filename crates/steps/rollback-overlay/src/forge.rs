//! What the forge's deployments call good.

use std::collections::BTreeMap;

use contract::{Failure, Reference, World};
use github::{Deployments, RecordedDeployment, RepositoryName};
use overlay::Overlay;
use remote::RemoteBranch;

use crate::message::unique;

/// How many different images that were good suffice: the bad one may be among them, and a few that a
/// rollback called bad.
const ENOUGH: usize = 20;

/// What to ask about.
pub(crate) struct Forge {
    /// The overlays, by their directories, each with its environment.
    environments: Vec<(String, String)>,
}

/// What the forge knows of an overlay.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The environments that it was deployed to.
    environments: Vec<String>,
    /// The images that were good there, the last one first, each once.
    pub(crate) good: Vec<Reference>,
    /// The images that only ever failed there.
    bad: Vec<Reference>,
    /// How many deployments were looked at, unless these were all.
    looked_at: Option<usize>,
}

impl Forge {
    /// Pairs overlays with their environments, in their order.
    pub(crate) fn new(overlays: &[String], environments: &[String]) -> Self {
        let pairs = overlays.iter().zip(environments);
        let environments =
            pairs.filter_map(|(overlay, name)| Some((directory(overlay)?, name.clone())));
        Self {
            environments: environments.collect(),
        }
    }

    /// Asks; what is known comes by the overlays' directories.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when the overlays are not on GitHub, and no repository is named.
    pub(crate) async fn ask(
        &self,
        overlays: &RemoteBranch<'_>,
        world: &World,
    ) -> Result<BTreeMap<String, Known>, Failure> {
        let repository = repository(overlays, world)?;
        let names = unique(self.environments.iter().map(|(_, name)| name.clone()));
        let is_enough = |name: &str, found: &Deployments| {
            let mut here = self.environments.iter().filter(|(_, other)| other == name);
            here.all(|(directory, _)| good(found, directory).len() >= ENOUGH)
        };
        let found = github::deployments(world, &repository, &names, is_enough).await;
        let found = found.map_err(|failure| {
            failure.context("could not find out what was good, from the forge's deployments")
        })?;
        let found: BTreeMap<String, Deployments> = names.into_iter().zip(found).collect();
        let mut all: BTreeMap<String, Known> = BTreeMap::new();
        for (directory, name) in &self.environments {
            all.entry(directory.clone())
                .or_default()
                .add(name, &found[name], directory);
        }
        Ok(all)
    }
}

impl Known {
    /// An overlay that several environments share is good where it was good in any of them.
    fn add(&mut self, environment: &str, found: &Deployments, directory: &str) {
        self.environments.push(environment.to_owned());
        self.good = unique(self.good.drain(..).chain(good(found, directory)));
        let bad = images(found, directory, |deployment| deployment.is_bad);
        self.bad.extend(bad);
        self.bad
            .retain(|image| !self.good.iter().any(|good| branch::is_same(good, image)));
        self.looked_at = self
            .looked_at
            .or((!found.is_whole).then_some(found.looked_at));
    }

    /// Returns whether an image was good there.
    pub(crate) fn is_good(&self, image: &Reference) -> bool {
        self.good.iter().any(|good| branch::is_same(good, image))
    }

    /// Returns whether an image only ever failed there.
    pub(crate) fn is_bad(&self, image: &Reference) -> bool {
        self.bad.iter().any(|bad| branch::is_same(bad, image))
    }

    /// Says that an image only ever failed.
    pub(crate) fn failed(&self, image: &str) -> String {
        format!("{image} only ever failed in {}", self.environments())
    }

    /// Says that an image is not known to have been good.
    pub(crate) fn silence(&self, image: &str) -> String {
        let environments = self.environments();
        let none = match self.looked_at {
            Some(count) => format!("none of the last {count} deployments to {environments}"),
            None => format!("no deployment to {environments}"),
        };
        format!("{none} says that {image} was good: it is what was there before")
    }

    fn environments(&self) -> String {
        let names: Vec<String> = self
            .environments
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        names.join(" and ")
    }
}

/// Returns the repository of the deployments: that of the overlays, else the workflow's.
fn repository(overlays: &RemoteBranch<'_>, world: &World) -> Result<RepositoryName, Failure> {
    const HINT: &str = "pass `--repository OWNER/NAME`, or leave `--environment` out";
    if let RemoteBranch::GitHub(github) = overlays {
        return Ok(github.repository().clone());
    }
    let name = world.var("GITHUB_REPOSITORY").ok_or_else(|| {
        let error =
            anyhow::anyhow!("`--environment` does not say of which repository's deployments it is");
        Failure::usage(error).hinted(HINT)
    })?;
    name.parse().map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("`GITHUB_REPOSITORY`")).hinted(HINT)
    })
}

/// Returns the images that were good in this directory, the last one first, each once.
fn good(found: &Deployments, directory_of_overlay: &str) -> Vec<Reference> {
    images(found, directory_of_overlay, |deployment| deployment.is_good)
}

fn images(
    found: &Deployments,
    directory_of_overlay: &str,
    counts: impl Fn(&RecordedDeployment) -> bool,
) -> Vec<Reference> {
    let is_here = |overlay: &str| directory(overlay).as_deref() == Some(directory_of_overlay);
    let here = found
        .list
        .iter()
        .filter(|deployment| counts(deployment) && is_here(&deployment.overlay));
    unique(here.map(|deployment| deployment.image.clone()))
}

/// Returns the directory of an overlay, however it is named.
fn directory(overlay: &str) -> Option<String> {
    Overlay::all(&[overlay.to_owned()])
        .first()?
        .directory()
        .map(str::to_owned)
}
