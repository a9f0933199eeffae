//! Asks the forge's deployments which images were good.

use std::collections::BTreeMap;

use contract::{Failure, Reference, World};
use github::{DeploymentQuery, Deployments, RecordedDeployment, RepositoryName};
use overlay::{Overlay, unique};
use remote::RemoteBranch;

/// The number of different good images that suffice: the bad image may be among them, and a few
/// that a rollback called bad.
const ENOUGH_IMAGES: usize = 20;

/// An overlay, by its directory, and the environment that it deploys to.
#[derive(Debug)]
pub(crate) struct OverlayEnvironment {
    directory: String,
    environment: String,
}

/// The records of the forge about an overlay, before the history of its file is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordedHistory {
    /// The environments that the overlay deploys to.
    environments: Vec<String>,
    /// Newest first, environment by environment.
    list: Vec<RecordedDeployment>,
    /// How many deployments were read, unless they are all.
    read: Option<usize>,
}

/// The forge's deployments of an overlay that its history confirms.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeploymentHistory {
    /// The environments that the overlay deploys to.
    environments: Vec<String>,
    /// The images that were good there, newest first, each once.
    pub(crate) good: Vec<Reference>,
    /// The images that only ever failed there.
    bad: Vec<Reference>,
    /// How many deployments were read, unless they are all.
    read: Option<usize>,
}

/// Pairs overlays with their environments, in their order.
pub(crate) fn pair(overlays: &[String], environments: &[String]) -> Vec<OverlayEnvironment> {
    let pairs = overlays.iter().zip(environments);
    pairs
        .filter_map(|(overlay, environment)| {
            Some(OverlayEnvironment {
                directory: directory(overlay)?,
                environment: environment.clone(),
            })
        })
        .collect()
}

/// Returns the records by the overlays' directories.
///
/// # Errors
/// A `usage` [`Failure`] when the overlays are not on GitHub, and no repository is named.
pub(crate) async fn ask(
    environments: &[OverlayEnvironment],
    creators: &[String],
    overlays: &RemoteBranch<'_>,
    world: &World,
) -> Result<BTreeMap<String, RecordedHistory>, Failure> {
    let repository = repository(overlays, world)?;
    let names = unique(environments.iter().map(|pair| pair.environment.clone()));
    let is_enough = |name: &str, found: &Deployments| {
        let mut here = environments.iter().filter(|pair| pair.environment == name);
        here.all(|pair| good(found, &pair.directory).len() >= ENOUGH_IMAGES)
    };
    let query = DeploymentQuery {
        repository: &repository,
        environments: &names,
        creators,
    };
    let found = github::deployments(world, &query, is_enough)
        .await
        .map_err(|failure| {
            failure.context("could not find out what was good, from the forge's deployments")
        })?;
    let found: BTreeMap<String, Deployments> = names.into_iter().zip(found).collect();
    for (name, found) in &found {
        if !found.others.is_empty() {
            world.notice(by_others(name, &found.others));
        }
    }
    let mut histories: BTreeMap<String, RecordedHistory> = BTreeMap::new();
    for pair in environments {
        histories
            .entry(pair.directory.clone())
            .or_default()
            .add(pair, &found[&pair.environment]);
    }
    Ok(histories)
}

impl RecordedHistory {
    fn add(&mut self, pair: &OverlayEnvironment, found: &Deployments) {
        self.environments.push(pair.environment.clone());
        let here = of_directory(found, &pair.directory);
        self.list.extend(here.cloned());
        self.read = self.read.or((!found.is_whole).then_some(found.looked_at));
    }

    /// Returns the records, newest first.
    pub(crate) fn list(&self) -> &[RecordedDeployment] {
        &self.list
    }

    /// Returns the deployments that count: an image is good if it was good in any environment.
    ///
    /// A record is only text until the history of the file confirms it: anyone who may make
    /// deployments may name any image.
    pub(crate) fn confirmed(
        &self,
        is_true: impl Fn(&RecordedDeployment) -> bool,
    ) -> DeploymentHistory {
        let list: Vec<&RecordedDeployment> = self.list.iter().filter(|one| is_true(one)).collect();
        let images = |counts: fn(&RecordedDeployment) -> bool| {
            let list = list.iter().filter(|deployment| counts(deployment));
            unique(list.map(|deployment| deployment.image.clone()))
        };
        let good = images(|deployment| deployment.is_good);
        let mut bad = images(|deployment| deployment.is_bad);
        bad.retain(|image| !good.iter().any(|good| branch::is_same(good, image)));
        DeploymentHistory {
            environments: self.environments.clone(),
            good,
            bad,
            read: self.read,
        }
    }
}

impl DeploymentHistory {
    /// Returns whether an image was good there.
    pub(crate) fn is_good(&self, image: &Reference) -> bool {
        self.good.iter().any(|good| branch::is_same(good, image))
    }

    /// Returns whether an image only ever failed there.
    pub(crate) fn is_bad(&self, image: &Reference) -> bool {
        self.bad.iter().any(|bad| branch::is_same(bad, image))
    }

    /// Explains that an image only ever failed.
    pub(crate) fn failed(&self, image: &str) -> String {
        format!("{image} only ever failed in {}", self.environments())
    }

    /// Explains that no deployment is known of an image.
    pub(crate) fn unverified(&self, image: &str) -> String {
        let environments = self.environments();
        let none = match self.read {
            Some(count) => format!("none of the last {count} deployments to {environments}"),
            None => format!("no deployment to {environments}"),
        };
        format!("{none} says that {image} was good: it is the previous image")
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
        let error = anyhow::anyhow!("`--environment` needs the repository of the deployments");
        Failure::usage(error).hinted(HINT)
    })?;
    name.parse().map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("`GITHUB_REPOSITORY`")).hinted(HINT)
    })
}

/// Returns the images that were good in this directory, newest first, each once.
fn good(found: &Deployments, directory: &str) -> Vec<Reference> {
    let here = of_directory(found, directory).filter(|deployment| deployment.is_good);
    unique(here.map(|deployment| deployment.image.clone()))
}

fn of_directory<'d>(
    found: &'d Deployments,
    wanted: &str,
) -> impl Iterator<Item = &'d RecordedDeployment> {
    let list = found.list.iter();
    list.filter(move |deployment| directory(&deployment.overlay).as_deref() == Some(wanted))
}

/// Explains which deployments do not count.
fn by_others(environment: &str, others: &[String]) -> String {
    let others: Vec<String> = others.iter().map(|login| format!("`{login}`")).collect();
    format!(
        "the deployments to `{environment}` by {} do not count, since another account made them \
         (`--deployed-by`)",
        others.join(" and ")
    )
}

/// Returns the directory of an overlay, however it is named.
fn directory(overlay: &str) -> Option<String> {
    Overlay::all(&[overlay.to_owned()])
        .first()?
        .directory()
        .map(str::to_owned)
}
