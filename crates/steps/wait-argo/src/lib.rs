//! Wait until Argo CD has brought a commit, or a descendant, to Synced and Healthy, with its image
//! live.
//!
//! `argocd app wait` succeeds at the old revision. This step does not: one observation of the
//! application has to show the commit or a descendant, Synced, Healthy, and no operation pending;
//! then its pods have to run the image. The wait ends at once, with a reason, when that can no
//! longer happen.

mod judge;
mod observe;
pub mod reasons;
mod report;
mod request;

use std::{path::PathBuf, time::Duration};

use argocd::{ApplicationId, ArgoCd, ServerAddress};
use contract::{
    Commit, Digest, Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System,
    World,
};
use futures_util::future::join_all;

pub use self::request::HealthScope;
use self::{
    judge::{ApplicationHistory, WaitDecision},
    observe::{ApplicationProgress, ApplicationWatch},
    report::{ApplicationOutcome, ApplicationReport},
    request::Request,
};

/// The step.
#[derive(Debug)]
pub struct WaitArgo;

/// The flags of `wait-argo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Application to wait for; repeat, or separate by commas
    #[arg(
        long = "app",
        value_name = "NAME",
        value_delimiter = ',',
        required = true,
        value_parser = request::app_name,
        help_heading = "Application"
    )]
    apps: Vec<String>,
    /// Project of the applications; without it, Argo CD answers "forbidden" for a missing one
    #[arg(
        long,
        value_name = "NAME",
        value_parser = request::app_name,
        help_heading = "Application"
    )]
    argocd_project: Option<String>,
    /// Namespace of the applications, if not Argo CD's own
    #[arg(
        long,
        value_name = "NAME",
        value_parser = request::app_name,
        help_heading = "Application"
    )]
    app_namespace: Option<String>,
    /// Start a sync where the application does not sync automatically
    #[arg(long, help_heading = "Application")]
    sync: bool,
    /// Wait for the end of a sync window that blocks the sync
    #[arg(long, help_heading = "Application")]
    wait_window: bool,
    /// Wait for an application that is about to be generated; needs `--argocd-project`
    #[arg(long, help_heading = "Application")]
    wait_for_app: bool,
    /// Commit that changed the overlays; a descendant counts, too
    #[arg(long, value_name = "SHA40", help_heading = "Commit")]
    commit: Commit,
    /// Repository of the commit: each application's source must be there
    #[arg(long, value_name = "OWNER/NAME|URL|PATH", help_heading = "Commit")]
    repository: Option<String>,
    /// Branch of the commit: each application must track it
    #[arg(long, value_name = "BRANCH", help_heading = "Commit")]
    branch: Option<String>,
    /// Git remote with the history of the commit [default: the application's repository]
    #[arg(long, value_name = "URL|PATH", help_heading = "Commit")]
    remote: Option<String>,
    /// Changed overlay: each application's path must be one of them; repeat, or separate by commas
    #[arg(
        long = "overlay",
        value_name = "DIR",
        value_delimiter = ',',
        help_heading = "Commit"
    )]
    overlays: Vec<String>,
    /// Image that the pods must run
    #[arg(long, value_name = "REF", help_heading = "Image")]
    image: Option<Reference>,
    /// Digest that a pod may report for the image; repeat, or separate by commas
    #[arg(
        long = "digest",
        value_name = "DIGEST",
        value_delimiter = ',',
        requires = "image",
        help_heading = "Image"
    )]
    digests: Vec<Digest>,
    /// Resources whose health counts
    #[arg(
        long,
        value_enum,
        value_name = "SCOPE",
        default_value = "app",
        help_heading = "Checks"
    )]
    health_scope: HealthScope,
    /// How long a resource may be Degraded
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "60s",
        value_parser = contract::parse_timeout,
        help_heading = "Checks"
    )]
    degraded_grace: Duration,
    /// Argo CD server, host or URL; over `http://` only loopback gets the token [also: ARGOCD_SERVER]
    #[arg(long, value_name = "HOST", help_heading = "Connection")]
    argocd_server: ServerAddress,
    /// Trust the certificate authorities of this PEM file, too
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    argocd_ca_file: Option<PathBuf>,
    #[command(flatten)]
    pods: pods::PodFlags,
    #[command(flatten)]
    log_lines: pods::LogLines,
}

contract::facts! {
    /// The facts of `wait-argo`.
    pub struct Facts {
        /// The applications: a list of objects with `name`, `revision`, `sync`, `health`, `image`.
        pub apps: Option<Vec<serde_json::Value>>,
        /// The commit that the step waited for.
        pub commit: Option<String>,
        /// How long the step waited, in seconds.
        pub waited: Option<u64>,
    }
}

impl Step for WaitArgo {
    const NAME: &'static str = "wait-argo";
    const SENTENCE: &'static str = "Wait until Argo CD has brought a commit, or a descendant, \
        to Synced and Healthy, with its image live";
    const TIMEOUT: &'static str = "15m";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, applications, get, <project>/<app>, allow",
            when: "always; `<project>/<namespace>/<app>` in another namespace than Argo CD's, and \
                   `p, proj:<project>:<role>, …` in the AppProject for the token of a role",
        },
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, logs, get, <project>/<app>, allow",
            when: "to show the log of a pod that fails",
        },
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, applications, sync, <project>/<app>, allow",
            when: "with `--sync`",
        },
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, applicationsets, get, <project>/<applicationset>, allow",
            when: "to show the step of an ApplicationSet with the strategy RollingSync",
        },
        Permission {
            system: System::GitHub,
            line: "contents: read",
            when: "a later commit counts, and the repository is private and on GitHub",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[
        SecretVariable {
            name: "RUNBOOK_ARGOCD_TOKEN",
            conventional: Some("ARGOCD_AUTH_TOKEN"),
            meaning: "token of an Argo CD account",
            default: None,
        },
        SecretVariable {
            name: "RUNBOOK_GITHUB_TOKEN",
            conventional: Some("GITHUB_TOKEN"),
            meaning: "fetches commits from the host of `GITHUB_SERVER_URL`; sent to no other host",
            default: Some("${{ github.token }}"),
        },
    ];
    const EXAMPLE: &'static str = "\
with:
  argocd-server: argocd.example.org
  argocd-project: default
  argocd-token: ${{ secrets.ARGOCD_TOKEN }}
  app: dex-stage,dex-prod
  commit: ${{ needs.bump.outputs.commit }}
  image: ${{ needs.check.outputs.image }}";
    const EXAMPLES: &'static [&'static str] = &[
        "# Wait until the pods of one application run the image of a commit\n\
         wait-argo --argocd-server argocd.example.org --app dex-prod \
         --commit 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d \
         --image ghcr.io/data-literate/dex:sha-5e6f7a8b",
        "# Wait for two applications that one commit changed, for at most five minutes\n\
         wait-argo --argocd-server argocd.example.org --app dex-stage,dex-prod \
         --commit 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d --branch main --timeout 5m",
        "# Sync an application that does not sync automatically, and wait for it\n\
         wait-argo --argocd-server argocd.example.org --app dex-prod --sync \
         --commit 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d",
        "# Check once whether a commit is deployed\n\
         wait-argo --argocd-server argocd.example.org --app dex-prod --timeout 0 \
         --commit 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d",
    ];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args, world)?;
        let argocd = ArgoCd::new(world, request.argocd.clone());
        let progress = ApplicationProgress::new(world);
        let waits = request
            .apps
            .iter()
            .map(|app| wait(app, &request, world, &argocd, &progress));
        let reports: Result<Vec<ApplicationReport>, Failure> =
            join_all(waits).await.into_iter().collect();
        report::report(&request, reports?, world.deadline().elapsed())
    }
}

/// Waits for one application, and reports how that ended.
async fn wait(
    app: &ApplicationId,
    request: &Request,
    world: &World,
    argocd: &ArgoCd<'_>,
    progress: &ApplicationProgress<'_>,
) -> Result<ApplicationReport, Failure> {
    let watch = ApplicationWatch::new(world, argocd, app, request, progress);
    let outcome = observe_until_final(watch, request, progress).await;
    let report = report::application(request, app, outcome)?;
    progress.finished(&report.subject);
    Ok(report)
}

/// Observes an application and judges each observation, until a judgement is final.
async fn observe_until_final(
    mut watch: ApplicationWatch<'_>,
    request: &Request,
    progress: &ApplicationProgress<'_>,
) -> Result<ApplicationOutcome, Failure> {
    watch.start().await?;
    let mut history = ApplicationHistory::default();
    loop {
        let observation = watch.observe().await?;
        let judgement = judge::judge(request, observation, &history);
        history = judgement.history;
        match judgement.decision {
            WaitDecision::Wait(state) => {
                progress.waits(watch.app(), state.reason, &state.text);
                watch.follow_up(&state.follow_ups);
            }
            WaitDecision::ReadPods(follow_up) => watch.follow_up(&[follow_up]),
            WaitDecision::Final(conclusion) => {
                let log = watch.log(conclusion.log.as_ref()).await;
                return Ok(ApplicationOutcome {
                    observation: watch.into_observation(),
                    conclusion,
                    log,
                });
            }
        }
    }
}
