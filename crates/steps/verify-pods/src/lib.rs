//! Verify that all pods of a workload run an image, by its digest, and stay ready.
//!
//! A rollout that is "available" may still be the previous one, and a pod that is ready may crash a
//! moment later. So every pod that is not being deleted must run the wanted digest and stay ready
//! for a while (`--soak`). A failure that cannot pass without help ends the step at once, with its
//! reason.

mod judge;
mod observe;
pub mod reasons;
mod report;
mod request;

use std::time::Duration;

use contract::{
    Digest, Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System, World,
    parse_timeout,
};

use crate::request::{Request, WorkloadName, parse_namespace};

/// The step.
#[derive(Debug)]
pub struct VerifyPods;

/// The flags of `verify-pods`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Image that the pods must run: `registry/repository:tag`, `…@sha256:…`, or both
    #[arg(long, value_name = "REF", help_heading = "Image")]
    image: Reference,
    /// Digest that a node may show for the image: index, manifest or configuration; repeat it
    #[arg(
        long = "digest",
        value_name = "DIGEST",
        value_delimiter = ',',
        help_heading = "Image"
    )]
    digests: Vec<Digest>,
    /// Namespace of the workloads; repeat it or separate by commas
    #[arg(
        long = "namespace",
        value_name = "NAME",
        required = true,
        value_delimiter = ',',
        value_parser = parse_namespace,
        help_heading = "Workloads"
    )]
    namespaces: Vec<String>,
    /// Workload in every namespace, such as `deployment/dex`; repeat it [default: all with the
    /// image]
    #[arg(
        long = "workload",
        value_name = "KIND/NAME",
        value_delimiter = ',',
        help_heading = "Workloads"
    )]
    workloads: Vec<WorkloadName>,
    /// How long all pods must stay ready, without a crash
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = parse_timeout,
        help_heading = "Checks"
    )]
    soak: Duration,
    /// Wait until deleted pods are gone, or ignore them
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t = Terminating::Wait,
        help_heading = "Checks"
    )]
    terminating: Terminating,
    #[command(flatten)]
    pods: pods::PodFlags,
    /// Context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    context: Option<String>,
    /// Kubeconfig to use [default: `~/.kube/config`, else the service account of the pod]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    kubeconfig: Option<String>,
    #[command(flatten)]
    log_lines: pods::LogLines,
}

/// How to treat pods that were deleted and still exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Terminating {
    /// Wait until they are gone.
    Wait,
    /// Verify only the other pods.
    Ignore,
}

contract::facts! {
    /// The facts of `verify-pods`.
    pub struct Facts {
        /// The pods that are not being deleted, with `namespace`, `name`, `node`, `digest`,
        /// `ready`.
        pub pods: Option<Vec<PodFact>>,
        /// The digests that the pods run.
        pub digests: Option<Vec<String>>,
        /// How long the step waited, in seconds.
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
    /// The digest of the image, as its node reports it.
    pub digest: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
}

impl Step for VerifyPods {
    const NAME: &'static str = "verify-pods";
    const SENTENCE: &'static str = "Verify that all pods run this image, and stay ready";
    const TIMEOUT: &'static str = "10m";
    const REASONS: &'static [Reason] = reasons::ALL;
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
            line: kubernetes::ROLLOUTS.line,
            when: "`--workload rollout/NAME`",
        },
        Permission {
            system: System::Kubernetes,
            line: kubernetes::CLONE_SETS.line,
            when: "`--workload cloneset/NAME`",
        },
        Permission {
            system: System::Kubernetes,
            line: kubernetes::LOGS.line,
            when: "the report shows a container's log",
        },
        Permission {
            system: System::Kubernetes,
            line: kubernetes::EVENTS.line,
            when: "the report explains failures of volumes, quotas and probes",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[];
    const EXAMPLE: &'static str = "\
with:
  namespace: dex-prod
  workload: deployment/dex
  image: ${{ steps.image.outputs.image }}
  digest: ${{ join(fromJSON(steps.image.outputs.digests), ',') }}";

    const EXAMPLES: &'static [&'static str] = &[
        "# Wait until every pod of a Deployment runs the image and stays ready\n\
         verify-pods --namespace dex-prod --workload deployment/dex \
         --image ghcr.io/data-literate/dex:sha-1a2b3c4d",
        "# Verify all workloads of two namespaces that run the image, by its digest\n\
         verify-pods --namespace dex-dev,dex-stage \
         --image ghcr.io/data-literate/dex:sha-1a2b3c4d@sha256:6d4f…",
        "# Check once, in another cluster of the kubeconfig\n\
         verify-pods --context prod --namespace dex-prod \
         --image ghcr.io/data-literate/dex:sha-1a2b3c4d --timeout 0",
    ];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        let observation = observe::observe(&request, world).await?;
        let judgement = judge::judge(&request, &observation);
        Ok(report::report(&request, &judgement))
    }
}
