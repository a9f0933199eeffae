//! Finds the cluster and its credentials: in a kubeconfig, or in the pod that the step runs in.

use std::{path::PathBuf, time::Duration};

use anyhow::anyhow;
use contract::{Failure, World, asking};
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::health::{CONNECT_TIMEOUT, READ_TIMEOUT};

/// How long an exec plugin may run.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

const PLUGIN_HINT: &str =
    "run the kubeconfig's exec plugin by hand, and complete the login that it asks for";

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

/// Why connecting failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConnectError {
    /// Whether credentials are missing, rather than settings wrong.
    denied: bool,
    text: String,
    hint: String,
}

impl From<ConnectError> for Failure {
    fn from(failed: ConnectError) -> Self {
        let error = anyhow!(failed.text);
        let failure = if failed.denied {
            Self::denied(asking::NO_CREDENTIALS, error)
        } else {
            Self::usage(error)
        };
        failure.hinted(failed.hint)
    }
}

/// Reads the configuration and logs in, which runs the exec plugin where the kubeconfig names one.
pub(crate) async fn connect(
    world: &World,
    options: &ClusterOptions,
) -> Result<(ClusterAddress, kube::Client), ConnectError> {
    let mut config = read(options).await?;
    for secret in [&config.auth_info.token, &config.auth_info.password]
        .into_iter()
        .flatten()
    {
        world.hide(secret.expose_secret());
    }
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
    Ok((address, log_in(config).await?))
}

/// Runs on a thread of its own, since an exec plugin may wait for a person to log in.
async fn log_in(config: Config) -> Result<kube::Client, ConnectError> {
    let (done, client) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let _inside = runtime.enter();
        drop(done.send(kube::Client::try_from(config)));
    });
    match tokio::time::timeout(LOGIN_TIMEOUT, client).await {
        Ok(Ok(client)) => client.map_err(|error| not_logged_in(&error)),
        _ => Err(ConnectError {
            denied: true,
            text: format!(
                "the kubeconfig's exec plugin did not finish within {} s",
                LOGIN_TIMEOUT.as_secs()
            ),
            hint: PLUGIN_HINT.to_owned(),
        }),
    }
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
    let has_proxy = has_proxy(&kubeconfig);
    let config = select(kubeconfig, options.context.clone()).await?;
    if !is_address(&config.cluster_url) {
        return Err(invalid_server(&config));
    }
    Ok(if has_proxy {
        config
    } else {
        through_proxy(config)
    })
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
        KubeconfigError::FindPath => true,
        _ => false,
    }
}

fn has_proxy(kubeconfig: &Kubeconfig) -> bool {
    let mut clusters = kubeconfig.clusters.iter().flat_map(|named| &named.cluster);
    clusters.any(|cluster| cluster.proxy_url.is_some())
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
    ConnectError {
        denied: false,
        text: format!(
            "the kubeconfig's server `{}` is not a valid address",
            config.cluster_url
        ),
        hint: "set `server` of the kubeconfig's cluster to `https://HOST:PORT`".to_owned(),
    }
}

fn no_configuration() -> ConnectError {
    ConnectError {
        denied: false,
        text: "there is no kubeconfig, and the step does not run in a pod".to_owned(),
        hint: "pass `--kubeconfig`, or set `KUBECONFIG`".to_owned(),
    }
}

fn unreadable(error: &KubeconfigError) -> ConnectError {
    let text = match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!(
                "could not read the kubeconfig `{}`: {error}",
                path.display()
            )
        }
        error => format!("could not read the kubeconfig: {error}"),
    };
    ConnectError {
        denied: false,
        text,
        hint: "pass a readable kubeconfig as `--kubeconfig`".to_owned(),
    }
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
        error => format!("the kubeconfig is invalid: {error}"),
    };
    ConnectError {
        denied: false,
        text,
        hint: "pass the name of a context as `--context`".to_owned(),
    }
}

fn not_logged_in(error: &kube::Error) -> ConnectError {
    match error {
        kube::Error::Auth(error) => ConnectError {
            denied: true,
            text: format!("could not log in as the kubeconfig says: {}", plugin(error)),
            hint: PLUGIN_HINT.to_owned(),
        },
        error => ConnectError {
            denied: false,
            text: format!("the kubeconfig is invalid: {error}"),
            hint: "check its certificates and addresses".to_owned(),
        },
    }
}

/// Shows only the standard error of the plugin: its standard output may hold a token.
fn plugin(error: &kube::client::AuthError) -> String {
    match error {
        kube::client::AuthError::AuthExecRun { cmd, out } => {
            let said = String::from_utf8_lossy(&out.stderr);
            format!("`{cmd}` failed ({}): {}", out.status, said.trim())
        }
        error => error.to_string(),
    }
}
