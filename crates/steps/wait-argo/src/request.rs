//! The request: all flags, checked.

use std::time::Duration;

use argocd::{ApplicationId, ArgoOptions};
use contract::{Commit, Failure, World};
use pods::{GracePeriods, image::ImageMatcher};

use crate::{Args, observe::open_repository};

/// The resources whose health counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum HealthScope {
    /// The health of the whole application
    #[default]
    App,
    /// Only the health of workloads; an Ingress without an address does not count
    Workloads,
}

/// The request: all flags, checked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The applications, each once.
    pub(crate) apps: Vec<ApplicationId>,
    /// The project of the applications, if it is named.
    pub(crate) project: Option<String>,
    /// The Argo CD server, and how to connect to it.
    pub(crate) argocd: ArgoOptions,
    /// The commit that the applications have to contain.
    pub(crate) commit: Commit,
    /// The image that the pods have to run, if that is checked.
    pub(crate) image: Option<ImageMatcher>,
    /// The repository of the commit, if it is named.
    pub(crate) repository: Option<String>,
    /// The branch of the commit, if it is named.
    pub(crate) branch: Option<String>,
    /// The remote with the history of the commit, if that is not the application's own repository.
    pub(crate) remote: Option<String>,
    /// The overlays that the commit changed; empty for any.
    pub(crate) overlays: Vec<String>,
    pub(crate) health_scope: HealthScope,
    pub(crate) degraded_grace: Duration,
    pub(crate) sync: bool,
    pub(crate) wait_window: bool,
    /// Whether to wait for an application that does not exist yet.
    pub(crate) waits_for_app: bool,
    /// Whether to observe until the deadline; otherwise the step observes once.
    pub(crate) waits: bool,
    /// Whether nothing needs to run now.
    pub(crate) allows_zero: bool,
    pub(crate) grace: GracePeriods,
    /// The largest number of lines to show of a log.
    pub(crate) log_lines: usize,
}

impl Request {
    /// Checks the flags, and reads what they name: the file of certificate authorities and the
    /// token.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when a flag, the file or the token is invalid.
    pub(crate) fn new(args: Args, world: &World) -> Result<Self, Failure> {
        let argocd = options(&args, world)?;
        let apps = apps(&args);
        if let Some(remote) = &args.remote {
            open_repository(world, remote, None)?;
        }
        if args.image.is_none() {
            world.notice("without `--image` the step checks revision, sync and health only");
        }
        Ok(Self {
            apps,
            project: args.argocd_project,
            argocd,
            commit: args.commit,
            image: args
                .image
                .map(|image| args.pods.matcher(image, args.digests)),
            repository: args.repository,
            branch: args
                .branch
                .map(|name| name.trim_start_matches("refs/heads/").to_owned()),
            remote: args.remote,
            overlays: args.overlays,
            health_scope: args.health_scope,
            degraded_grace: args.degraded_grace,
            sync: args.sync,
            wait_window: args.wait_window,
            waits_for_app: args.wait_for_app,
            waits: world.deadline().waits(),
            allows_zero: args.pods.allows_zero(),
            grace: args.pods.grace(),
            log_lines: args.log_lines.limit(world.is_public()),
        })
    }
}

/// Reads everything that the server needs before the first request.
fn options(args: &Args, world: &World) -> Result<ArgoOptions, Failure> {
    Ok(ArgoOptions {
        server: args.argocd_server.clone(),
        authorities: argocd::authorities(world, args.argocd_ca_file.as_deref())?,
        token: world.secret("RUNBOOK_ARGOCD_TOKEN", Some("ARGOCD_AUTH_TOKEN"))?,
    })
}

/// Returns the applications; one that is named twice is one.
fn apps(args: &Args) -> Vec<ApplicationId> {
    let mut apps: Vec<ApplicationId> = Vec::new();
    for name in &args.apps {
        let app = ApplicationId {
            name: name.clone(),
            project: args.argocd_project.clone(),
            namespace: args.app_namespace.clone(),
        };
        if !apps.contains(&app) {
            apps.push(app);
        }
    }
    apps
}

/// Accepts a name that Kubernetes allows, which is also safe within a URL.
pub(crate) fn app_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if let Some((namespace, name)) = text.split_once('/')
        && is_name(namespace)
        && is_name(name)
    {
        return Err(format!(
            "pass it as `--app {name} --app-namespace {namespace}`"
        ));
    }
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("expected lowercase letters, digits, `-` and `.`".to_owned())
    }
}

fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    text.bytes().all(is_allowed)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.len() <= 253
}
