//! Finds the cluster and its credentials: in a kubeconfig, or in the pod that the step runs in.

use std::{path::PathBuf, rc::Rc};

use contract::{World, world::Effects};
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster};
use serde::{Deserialize, Serialize};

use crate::{
    connect_error::ConnectError,
    credentials::ClusterCredentials,
    health::{CONNECT_TIMEOUT, READ_TIMEOUT},
    kubeconfig_text,
    privacy::{self, is_loopback},
};

/// Which cluster to use.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ClusterOptions {
    /// The kubeconfig, or several separated as in `PATH`; without it, the one of the home
    /// directory, else the service account of the pod.
    pub kubeconfig: Option<String>,
    /// The context; without it, the current one.
    pub context: Option<String>,
}

/// The address of the cluster, the only part of a kubeconfig that a recording keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClusterAddress {
    /// The API server's address.
    pub(crate) server: String,
}

/// A cluster of the network.
pub(crate) struct LiveCluster {
    /// Sends requests as they are.
    pub(crate) client: kube::Client,
    /// What each request has to carry.
    pub(crate) credentials: ClusterCredentials,
}

/// Reads the configuration and logs in, which runs the exec plugin where the kubeconfig names one.
pub(crate) async fn connect(
    world: &World,
    effects: Rc<dyn Effects>,
    options: &ClusterOptions,
) -> Result<(ClusterAddress, LiveCluster), ConnectError> {
    let mut config = read(options).await?;
    privacy::check(&config)?;
    let credentials = ClusterCredentials::take(&mut config.auth_info, effects, world).await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    // The caller decides about retries, and the recording must have every answer.
    config.default_retry = false;
    let address = ClusterAddress {
        server: config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned(),
    };
    let client = kube::Client::try_from(config).map_err(|error| {
        ConnectError::settings(
            format!("the kubeconfig is invalid: {error}"),
            "check its certificates and addresses",
        )
    })?;
    Ok((
        address,
        LiveCluster {
            client,
            credentials,
        },
    ))
}

async fn read(options: &ClusterOptions) -> Result<Config, ConnectError> {
    let kubeconfig = match &options.kubeconfig {
        Some(paths) => merged(paths),
        None => match Kubeconfig::read() {
            Err(error) if is_missing(&error) => {
                // Without a kubeconfig the step may run in a pod that has a service account.
                return Config::incluster().map_err(|_| no_configuration());
            }
            read => read,
        },
    };
    let kubeconfig = kubeconfig.map_err(|error| unreadable(&error))?;
    let has_proxy = has_proxy(&kubeconfig, options.context.as_deref());
    let mut config = select(kubeconfig, options.context.clone()).await?;
    if !is_address(&config.cluster_url) {
        return Err(invalid_server(&config));
    }
    if is_loopback(&config.cluster_url) {
        // A proxy would see the credentials, and has a loopback of its own.
        config.proxy_url = None;
    } else if !has_proxy {
        config = through_proxy(config);
    }
    Ok(config)
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
        KubeconfigError::FindPath => true,
        _ => false,
    }
}

/// Returns whether the cluster of the context has a proxy of its own.
fn has_proxy(kubeconfig: &Kubeconfig, context: Option<&str>) -> bool {
    let name = context.or(kubeconfig.current_context.as_deref());
    let mut contexts = kubeconfig.contexts.iter();
    let context = contexts.find(|named| Some(named.name.as_str()) == name);
    let Some(context) = context.and_then(|named| named.context.as_ref()) else {
        return false;
    };
    let mut clusters = kubeconfig.clusters.iter();
    clusters
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref())
        .is_some_and(|url| !url.is_empty())
}

/// Selects the context.
async fn select(
    mut kubeconfig: Kubeconfig,
    context: Option<String>,
) -> Result<Config, ConnectError> {
    kubeconfig.clusters.iter_mut().for_each(with_scheme);
    let contexts: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|context| format!("`{}`", context.name))
        .collect();
    let choice = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choice).await;
    config.map_err(|error| wrong_context(&error, &contexts))
}

/// Checks the port as well: `http` accepts an invalid one, which would fail only at the connection.
fn is_address(server: &http::Uri) -> bool {
    let Some(authority) = server
        .authority()
        .filter(|authority| !authority.host().is_empty())
    else {
        return false;
    };
    let after = authority.as_str().strip_prefix(authority.host());
    let port = after.is_some_and(|after| after.is_empty() || authority.port_u16().is_some());
    port && matches!(server.scheme_str(), Some("http" | "https"))
}

/// Corrects the proxy: kube compares `NO_PROXY` with the proxy's own address, and ignores a proxy
/// without a scheme.
fn through_proxy(mut config: Config) -> Config {
    let is_meant = Matcher::from_env().intercept(&config.cluster_url).is_some();
    let with_scheme = |uri: http::Uri| match uri.scheme() {
        Some(_) => Some(uri),
        None => format!("http://{}", uri.authority()?).parse().ok(),
    };
    config.proxy_url = config.proxy_url.filter(|_| is_meant).and_then(with_scheme);
    config
}

/// Accepts `HOST:PORT`, as `kubectl` does.
fn with_scheme(cluster: &mut NamedCluster) {
    if let Some(server) = cluster
        .cluster
        .as_mut()
        .and_then(|cluster| cluster.server.as_mut())
        && !server.contains("://")
    {
        *server = format!("https://{server}");
    }
}

fn merged(paths: &str) -> Result<Kubeconfig, KubeconfigError> {
    let files: Vec<PathBuf> = std::env::split_paths(paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    files.iter().try_fold(Kubeconfig::default(), |all, path| {
        all.merge(Kubeconfig::read_from(path)?)
    })
}

fn invalid_server(config: &Config) -> ConnectError {
    ConnectError::settings(
        format!(
            "the kubeconfig's server `{}` is not a valid address",
            config.cluster_url
        ),
        "set `server` of the kubeconfig's cluster to `https://HOST:PORT`",
    )
}

fn no_configuration() -> ConnectError {
    ConnectError::settings(
        "there is no kubeconfig, and the step does not run in a pod",
        "pass `--kubeconfig`, or set `KUBECONFIG`",
    )
}

fn unreadable(error: &KubeconfigError) -> ConnectError {
    let text = format!(
        "could not read the kubeconfig: {}",
        kubeconfig_text::explain(error)
    );
    ConnectError::settings(text, "pass a readable kubeconfig as `--kubeconfig`")
}

fn wrong_context(error: &KubeconfigError, known: &[String]) -> ConnectError {
    let has = if known.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    let text = match error {
        KubeconfigError::LoadContext(name) => {
            format!("the kubeconfig has no context `{name}`: {has}")
        }
        KubeconfigError::CurrentContextNotSet => {
            format!("the kubeconfig has no current context: {has}")
        }
        error => {
            let why = kubeconfig_text::explain(error);
            format!("the kubeconfig is invalid: {why}")
        }
    };
    ConnectError::settings(text, "pass the name of a context as `--context`")
}
