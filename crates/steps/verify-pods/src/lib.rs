//! Verify that all pods of a workload run an image, by its bytes, and stay up.
//!
//! A rollout that is "available" may still be the old one, and a pod that is ready may crash a moment
//! later. So every pod that is not on its way out must run the wanted digest and be ready for a while
//! (`--soak`); what will not become so by itself ends the waiting at once, with its reason.

mod convert;
mod diagnose;
mod judge;
mod wait;
mod workload;

use std::time::Duration;

use contract::{
    Digest, Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
    parse_timeout,
};
use kubernetes::{Cluster, Options};
use pods::image::Alias;

use crate::workload::WorkloadName;

/// The step.
#[derive(Debug)]
pub struct VerifyPods;

/// The flags of `verify-pods`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Namespace to look into; repeat it or separate by commas
    #[arg(long = "namespace", value_name = "NAME", required = true, value_delimiter = ',', value_parser = workload::namespace)]
    namespaces: Vec<String>,
    /// Image that the pods must run: `registry/repository:tag`, `…@sha256:…`, or both
    #[arg(long, value_name = "REF")]
    image: Reference,
    /// Digest that the image may show as on a node: index, manifest, configuration; any counts, repeat it
    #[arg(long = "digest", value_name = "DIGEST", value_delimiter = ',')]
    digests: Vec<Digest>,
    /// Workload, such as `deployment/dex`, in every namespace; repeat it [default: all with the image]
    #[arg(long = "workload", value_name = "KIND/NAME", value_delimiter = ',')]
    workloads: Vec<WorkloadName>,
    /// How long all must stay as they should be
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_timeout)]
    soak: Duration,
    /// Wait until pods that were deleted are gone, or ignore them
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Terminating::Wait)]
    terminating: Terminating,
    /// So many restarts of a container while it is watched are a crash loop; `0`: never
    #[arg(long, value_name = "N", default_value_t = 2)]
    max_restarts: u32,
    /// How long a pod may wait for a node and its volumes
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_timeout)]
    schedule_grace: Duration,
    /// How long a registry may fail to give the image, unless it says that it will not
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = parse_timeout)]
    pull_grace: Duration,
    /// Take a workload that is scaled to zero for good
    #[arg(long)]
    allow_zero: bool,
    /// Registry host in the pods that means another one: `mirror.example=ghcr.io`; repeat it
    #[arg(long = "alias", value_name = "HOST=HOST", value_delimiter = ',')]
    aliases: Vec<Alias>,
    /// Context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Kubeconfig to use [default: `~/.kube/config`, else the service account of this pod]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<String>,
    #[command(flatten)]
    log_lines: pods::LogLines,
}

/// What to do about pods that were deleted and are not gone yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Terminating {
    /// Wait until they are gone.
    Wait,
    /// Look at the others only.
    Ignore,
}

contract::facts! {
    /// The facts of `verify-pods`.
    pub struct Facts {
        /// The pods that are not on their way out: objects with `namespace`, `name`, `node`, `digest` and `ready`.
        pub pods: Option<Vec<PodFact>>,
        /// The digests that the pods run.
        pub digests: Option<Vec<String>>,
        /// How long it was waited for, in seconds.
        pub waited: Option<u64>,
    }
}

/// One pod, as a fact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PodFact {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: Option<String>,
    /// The digest of the image, as its node tells it.
    pub digest: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
}

impl Step for VerifyPods {
    const NAME: &'static str = "verify-pods";
    const SENTENCE: &'static str = "Verify that all pods run this image, and stay up";
    const TIMEOUT: &'static str = "10m";
    const REASONS: &'static [Reason] = &pods::REASONS;
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            system: System::Kubernetes,
            line: kubernetes::PODS.line,
            when: "always",
        },
        Permission {
            system: System::Kubernetes,
            line: kubernetes::WORKLOADS.line,
            when: "always",
        },
        Permission {
            system: System::Kubernetes,
            line: kubernetes::LOGS.line,
            when: "a container's log is to be shown with the reason",
        },
        Permission {
            system: System::Kubernetes,
            line: kubernetes::EVENTS.line,
            when: "volumes, quotas and probes are to be explained",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[];
    const EXAMPLE: &'static str = "\
with:
  namespace: dex-prod
  workload: deployment/dex
  image: ${{ steps.image.outputs.image }}
  digest: ${{ join(fromJSON(steps.image.outputs.digests), ',') }}";

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        if world.deadline().waits() && args.soak >= world.deadline().timeout() {
            return Err(
                Failure::usage(anyhow::anyhow!("`--soak` does not fit into `--timeout`"))
                    .hinted("pass a `--timeout` that leaves time for the rollout as well"),
            );
        }
        let options = Options {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
        };
        let cluster = Cluster::connect(world, &options).await?;
        cluster
            .serve(wait::until_verified(&args, &cluster, world))
            .await
    }
}
