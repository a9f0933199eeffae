//! Wait until Argo CD has brought a commit, or a descendant, to Synced and Healthy, with its image live.
//!
//! `argocd app wait` is green at the old revision. Here it is not: one observation of the application
//! has to show the commit or a descendant, Synced, Healthy, and no operation pending; and then its pods
//! have to run the image. What can no longer come ends the waiting at once, with its reason.

mod ancestry;
mod follow;
mod judge;
mod known;
mod live;
mod look;
mod pod;
pub mod reasons;
mod say;
mod wanted;

use std::{path::PathBuf, time::Duration};

use argocd::{App, ArgoCd, Options, Server};
use contract::{
    Commit, Digest, Failure, Permission, Reason, Reference, Report, SecretVariable, Step, System,
    World,
};
use futures_util::future::join_all;

pub use self::wanted::HealthScope;
use self::{
    follow::Follow,
    say::{Part, Progress},
    wanted::Wanted,
};

/// The step.
#[derive(Debug)]
pub struct WaitArgo;

/// The flags of `wait-argo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Argo CD's server: `argocd.example.org`, or with `http://`, which sends the token on loopback only [also: ARGOCD_SERVER]
    #[arg(long, value_name = "HOST")]
    argocd_server: Server,
    /// Application to wait for; repeat it or separate by commas
    #[arg(long = "app", value_name = "NAME", value_delimiter = ',', required = true, value_parser = app_name)]
    apps: Vec<String>,
    /// Project of the applications; without it a server does not tell a missing one from a forbidden one
    #[arg(long, value_name = "NAME", value_parser = app_name)]
    argocd_project: Option<String>,
    /// Namespace of the applications, if it is not Argo CD's own
    #[arg(long, value_name = "NAME", value_parser = app_name)]
    app_namespace: Option<String>,
    /// Commit that changed the overlays, all 40 digits; a descendant counts as well
    #[arg(long, value_name = "SHA40")]
    commit: Commit,
    /// Image that the pods have to run in the end
    #[arg(long, value_name = "REF")]
    image: Option<Reference>,
    /// Digest that a pod may show for the image; repeat it or separate by commas
    #[arg(
        long = "digest",
        value_name = "DIGEST",
        value_delimiter = ',',
        requires = "image"
    )]
    digests: Vec<Digest>,
    /// Repository that was pushed to, which the applications have to come from
    #[arg(long, value_name = "OWNER/NAME|URL|PATH")]
    repository: Option<String>,
    /// Branch that was pushed to, which the applications have to track
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Git remote that is asked whether a later revision contains the commit [default: the application's repository]
    #[arg(long, value_name = "URL|PATH")]
    remote: Option<String>,
    /// Overlay that was written: each application's path has to be one of them; repeat it or separate by commas
    #[arg(long = "overlay", value_name = "DIR", value_delimiter = ',')]
    overlays: Vec<String>,
    /// Ask for a sync where the application does not sync by itself
    #[arg(long)]
    sync: bool,
    /// Wait for the end of a sync window that is closed
    #[arg(long)]
    wait_window: bool,
    /// Whose health counts
    #[arg(long, value_enum, value_name = "SCOPE", default_value = "app")]
    health_scope: HealthScope,
    /// How long a resource may be Degraded
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = contract::parse_timeout)]
    degraded_grace: Duration,
    /// Trust the certificate authorities of this PEM file as well
    #[arg(long, value_name = "FILE")]
    argocd_ca_file: Option<PathBuf>,
    #[command(flatten)]
    log_lines: pods::LogLines,
}

contract::facts! {
    /// The facts of `wait-argo`.
    pub struct Facts {
        /// The applications: a list of objects with `name`, `revision`, `sync`, `health`, `image`.
        pub apps: Option<Vec<serde_json::Value>>,
        /// The commit that was waited for.
        pub commit: Option<String>,
        /// How long it was waited for, in seconds.
        pub waited: Option<u64>,
    }
}

impl Step for WaitArgo {
    const NAME: &'static str = "wait-argo";
    const SENTENCE: &'static str = "Wait until Argo CD has brought a commit, or a descendant, to Synced and Healthy, with its image live";
    const TIMEOUT: &'static str = "15m";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, applications, get, <project>/<app>, allow",
            when: "always",
        },
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, logs, get, <project>/<app>, allow",
            when: "the log of a pod that fails is to be shown",
        },
        Permission {
            system: System::ArgoCd,
            line: "p, role:ci, applications, sync, <project>/<app>, allow",
            when: "with `--sync`",
        },
        Permission {
            system: System::GitHub,
            line: "contents: read",
            when: "a later commit counts, and the repository is private and at GitHub",
        },
    ];
    const SECRETS: &'static [SecretVariable] = &[
        SecretVariable {
            name: "RUNBOOK_ARGOCD_TOKEN",
            conventional: Some("ARGOCD_AUTH_TOKEN"),
            meaning: "token of an account of Argo CD",
            default: None,
        },
        SecretVariable {
            name: "RUNBOOK_GITHUB_TOKEN",
            conventional: Some("GITHUB_TOKEN"),
            meaning: "fetches commits from the host of `GITHUB_SERVER_URL`, and goes to no other",
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

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let options = options(&args, world)?;
        let argocd = ArgoCd::new(world, options);
        let apps = apps(&args);
        let wanted = wanted(args, world.is_public());
        if let Some(remote) = &wanted.remote {
            ancestry::repository(world, remote, None)?;
        }
        if wanted.image.is_none() {
            world.notice("without `--image` only revision, sync and health are waited for");
        }
        let progress = Progress::new(world);
        let parts = join_all(apps.iter().map(|app| async {
            let followed = Follow::new(world, &argocd, app, &wanted, &progress)
                .run()
                .await;
            Part::of(app, &wanted, followed).inspect(|part| progress.done(part))
        }));
        let parts: Vec<Part> = parts.await.into_iter().collect::<Result<_, Failure>>()?;
        say::report(parts, &wanted, world)
    }
}

/// Reads everything that the server needs before the first request.
fn options(args: &Args, world: &World) -> Result<Options, Failure> {
    let authorities = args.argocd_ca_file.as_ref().map(|path| {
        world.read(path, 1 << 20).map_err(|error| {
            Failure::usage(
                anyhow::Error::new(error).context(format!("could not read `{}`", path.display())),
            )
            .hinted("pass a readable PEM file as `--argocd-ca-file`")
        })
    });
    Ok(Options {
        server: args.argocd_server.clone(),
        authorities: authorities.transpose()?,
        token: world.secret("RUNBOOK_ARGOCD_TOKEN", Some("ARGOCD_AUTH_TOKEN"))?,
    })
}

/// The same application twice is one.
fn apps(args: &Args) -> Vec<App> {
    let mut apps: Vec<App> = Vec::new();
    for name in &args.apps {
        let (project, namespace) = (args.argocd_project.clone(), args.app_namespace.clone());
        let app = App {
            name: name.clone(),
            project,
            namespace,
        };
        if !apps.contains(&app) {
            apps.push(app);
        }
    }
    apps
}

fn wanted(args: Args, is_public: bool) -> Wanted {
    let digests = args.digests;
    Wanted {
        commit: args.commit,
        image: args
            .image
            .map(|image| pods::image::ImageMatcher::new(image, digests, Vec::new())),
        repository: args.repository,
        remote: args.remote,
        branch: args
            .branch
            .map(|name| name.trim_start_matches("refs/heads/").to_owned()),
        overlays: args.overlays,
        scope: args.health_scope,
        degraded_grace: args.degraded_grace,
        sync: args.sync,
        wait_window: args.wait_window,
        log_lines: args.log_lines.limit(is_public),
    }
}

/// Accepts a name that Kubernetes could have given, which is also safe within a URL.
fn app_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fine = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    let ends = [text.bytes().next(), text.bytes().last()];
    let ends = ends
        .into_iter()
        .all(|end| end.is_some_and(|b| b.is_ascii_alphanumeric()));
    if fine && ends && text.len() <= 253 {
        Ok(text.to_owned())
    } else {
        Err("expected lowercase letters, digits, `-` and `.`".to_owned())
    }
}
