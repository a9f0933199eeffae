//! What to verify: the flags, checked.

mod workload;

use std::{collections::BTreeSet, time::Duration};

use contract::{Failure, World};
use kubernetes::ClusterOptions;
use pods::{GracePeriods, Pod, Rollout, image::ImageMatcher};

pub(crate) use self::workload::{WorkloadName, parse_namespace};
use crate::{Args, Terminating};

/// What to verify.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) image: ImageMatcher,
    /// The namespaces, each once, in the order of the flags.
    pub(crate) namespaces: Vec<String>,
    /// The requested workloads; when empty, all whose template has the image.
    pub(crate) workloads: Vec<WorkloadName>,
    /// Whether a workload may be scaled to zero.
    pub(crate) allow_zero: bool,
    /// How long all pods must stay ready.
    pub(crate) soak: Duration,
    /// Whether to observe until the deadline; otherwise the step observes once.
    pub(crate) waits: bool,
    /// Whether pods that are being deleted do not count.
    pub(crate) ignore_terminating: bool,
    pub(crate) grace: GracePeriods,
    pub(crate) cluster: ClusterOptions,
    /// The largest number of lines of a log to show.
    pub(crate) max_log_lines: usize,
}

impl Request {
    /// Checks the flags.
    ///
    /// # Errors
    /// `usage` when `--soak` does not fit into `--timeout`.
    pub(crate) fn new(args: Args, world: &World) -> Result<Self, Failure> {
        let deadline = world.deadline();
        if deadline.waits() && args.soak >= deadline.timeout() {
            let error = anyhow::anyhow!("`--soak` does not fit into `--timeout`");
            return Err(Failure::usage(error)
                .hinted("pass a `--timeout` that leaves time for the rollout as well"));
        }
        Ok(Self {
            image: args.pods.matcher(args.image, args.digests),
            namespaces: unique(args.namespaces),
            workloads: args.workloads,
            allow_zero: args.pods.allows_zero(),
            soak: args.soak,
            waits: deadline.waits(),
            ignore_terminating: args.terminating == Terminating::Ignore,
            grace: args.pods.grace(),
            cluster: ClusterOptions {
                kubeconfig: args.kubeconfig,
                context: args.context,
            },
            max_log_lines: args.log_lines.limit(world.is_public()),
        })
    }

    /// Returns whether the request is about a workload: it names it, or it names none and the
    /// workload's template has the image.
    pub(crate) fn selects(&self, rollout: &Rollout) -> bool {
        if self.workloads.is_empty() {
            return self.is_of_image(rollout);
        }
        self.workloads
            .iter()
            .any(|name| name.kind == rollout.kind && name.name == rollout.name)
    }

    /// Returns whether a workload's template has a container of the image's repository.
    pub(crate) fn is_of_image(&self, rollout: &Rollout) -> bool {
        rollout
            .images
            .iter()
            .any(|image| self.image.is_of_repository(image))
    }

    /// Returns whether a workload's template has the image.
    pub(crate) fn is_deployed_to(&self, rollout: &Rollout) -> bool {
        rollout
            .images
            .iter()
            .any(|image| self.image.is_named(image))
    }

    /// Returns whether a pod has a container of the image, as far as its specification tells.
    pub(crate) fn is_new(&self, pod: &Pod) -> bool {
        pod.all_containers()
            .any(|container| self.image.is_named(&container.image))
    }

    /// Returns the titles of the requested workloads that were not found. A request that names none
    /// misses the namespace itself, which has an empty title.
    pub(crate) fn missing(&self, found: &BTreeSet<String>) -> Vec<String> {
        if self.workloads.is_empty() {
            let nothing = found.is_empty().then(String::new);
            return nothing.into_iter().collect();
        }
        let titles = self.workloads.iter().map(ToString::to_string);
        titles.filter(|title| !found.contains(title)).collect()
    }
}

fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names
        .into_iter()
        .filter(|name| seen.insert(name.clone()))
        .collect()
}
