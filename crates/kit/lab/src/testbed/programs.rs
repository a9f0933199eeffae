//! The programs of a world and how each is started.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::keys;
use super::plan::WorldPlan;
use super::ports::Ports;

/// One program of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TestbedProgram {
    Etcd,
    Apiserver,
    Controllers,
    Scheduler,
    Redis,
    RepoServer,
    ApplicationController,
    ArgoServer,
}

/// The programs of Argo CD.
pub(super) const ARGOCD: [TestbedProgram; 3] = [
    TestbedProgram::RepoServer,
    TestbedProgram::ApplicationController,
    TestbedProgram::ArgoServer,
];

impl Display for TestbedProgram {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Etcd => "etcd",
            Self::Apiserver => "kube-apiserver",
            Self::Controllers => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Redis => "redis-server",
            Self::RepoServer => "argocd-repo-server",
            Self::ApplicationController => "argocd-application-controller",
            Self::ArgoServer => "argocd-server",
        })
    }
}

impl TestbedProgram {
    /// Returns the command, in an environment of its own.
    pub(super) fn command(self, plan: &WorldPlan) -> Command {
        let program = if ARGOCD.contains(&self) {
            "argocd".to_owned()
        } else {
            self.to_string()
        };
        let mut command = Command::new(plan.tools.programs().join(program));
        command
            .env_clear()
            .env("PATH", path(&plan.tools.programs()))
            .env("LANG", "C.UTF-8");
        command
            .env("HOME", &plan.folder)
            .env("TMPDIR", plan.folder.join("tmp"))
            .current_dir(&plan.folder);
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        match self {
            Self::Etcd => command.args(etcd(plan)),
            Self::Apiserver => command.args(apiserver(plan)),
            Self::Controllers => command.args(controllers(plan)),
            Self::Scheduler => command.args(scheduler(plan)),
            Self::Redis => command.args(redis(plan)),
            Self::RepoServer | Self::ApplicationController | Self::ArgoServer => {
                self.argocd(&mut command, plan)
            }
        };
        command
    }

    /// Sets the environment and the flags of one of Argo CD's programs.
    fn argocd<'a>(self, command: &'a mut Command, plan: &WorldPlan) -> &'a mut Command {
        let data = plan.folder.join("argocd");
        let kubeconfig = plan.folder.join("admin.kubeconfig");
        command
            .env("ARGOCD_BINARY_NAME", self.to_string())
            .env("ARGOCD_GPG_ENABLED", "false")
            .env("ARGOCD_FAKE_IN_CLUSTER", "true")
            .env("KUBECONFIG", &kubeconfig)
            .env("ARGOCD_TLS_DATA_PATH", &data)
            .env("ARGOCD_SSH_DATA_PATH", &data)
            .env("ARGOCD_ASK_PASS_SOCK", data.join("ask-pass.sock"))
            .args(["--logformat", "text"])
            .args(["--redis", &loopback(plan.ports.redis)])
            .args(self.argocd_flags(&plan.ports));
        if self == Self::RepoServer {
            return command;
        }
        command
            .args(["--repo-server", &loopback(plan.ports.repo_server)])
            .args(["--namespace", "argocd", "--kubeconfig"])
            .arg(kubeconfig)
    }

    fn argocd_flags(self, ports: &Ports) -> Vec<String> {
        let (port, metrics) = match self {
            Self::ApplicationController => {
                return vec![flag("metrics-port", ports.controller_metrics)];
            }
            Self::ArgoServer => (ports.argocd, ports.argocd_metrics),
            _ => (ports.repo_server, ports.repo_metrics),
        };
        let mut flags = vec![
            flag("address", "127.0.0.1"),
            flag("metrics-address", "127.0.0.1"),
            flag("port", port),
            flag("metrics-port", metrics),
        ];
        if self == Self::ArgoServer {
            flags.push("--insecure".to_owned());
        }
        flags
    }
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Returns a `PATH` with these programs before those of the machine, which provide git.
fn path(programs: &Path) -> std::ffi::OsString {
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    let folders = [programs.to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&theirs));
    std::env::join_paths(folders).expect("folders without a colon")
}

fn flag(name: &str, value: impl Display) -> String {
    format!("--{name}={value}")
}

fn file(name: &str, path: PathBuf) -> String {
    flag(name, path.display())
}

fn etcd(plan: &WorldPlan) -> Vec<String> {
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let (clients, peers) = (url(plan.ports.etcd), url(plan.ports.etcd_peers));
    vec![
        file("data-dir", plan.folder.join("etcd")),
        flag("listen-client-urls", &clients),
        flag("advertise-client-urls", &clients),
        flag("listen-peer-urls", &peers),
        flag("initial-advertise-peer-urls", &peers),
        flag("initial-cluster", format!("default={peers}")),
        "--unsafe-no-fsync".to_owned(),
        // It elects itself, and need not wait for others to object.
        flag("heartbeat-interval", 10),
        flag("election-timeout", 100),
    ]
}

fn apiserver(plan: &WorldPlan) -> Vec<String> {
    let at = |name: &str| plan.folder.join(name);
    vec![
        flag(
            "etcd-servers",
            format!("http://127.0.0.1:{}", plan.ports.etcd),
        ),
        flag("secure-port", plan.ports.kubernetes),
        flag("bind-address", "127.0.0.1"),
        flag("advertise-address", "127.0.0.1"),
        flag("service-cluster-ip-range", "10.0.0.0/16"),
        file("cert-dir", at("kubernetes")),
        file("tls-cert-file", at("leaf.pem")),
        file("tls-private-key-file", at("leaf.key")),
        flag("service-account-issuer", keys::ISSUER),
        file("service-account-key-file", at("sa.pub")),
        file("service-account-signing-key-file", at("sa.key")),
        flag("authorization-mode", "RBAC"),
        file("token-auth-file", at("tokens.csv")),
        flag("enable-admission-plugins", "PodNodeSelector"),
        file("admission-control-config-file", at("admission.json")),
        flag("kubelet-preferred-address-types", "InternalIP"),
        // No clients compete for it, and clients of a test send many requests.
        flag("enable-priority-and-fairness", "false"),
        // Loopback is no endpoint, and the sizes of objects are of no interest.
        flag("endpoint-reconciler-type", "none"),
        flag("feature-gates", "SizeBasedListCostEstimate=false"),
    ]
}

fn controllers(plan: &WorldPlan) -> Vec<String> {
    vec![
        file("kubeconfig", plan.folder.join("admin.kubeconfig")),
        file(
            "service-account-private-key-file",
            plan.folder.join("sa.key"),
        ),
        // Without heartbeats of a kubelet it would take every node for lost.
        flag("controllers", "*,-node-lifecycle-controller"),
        flag("leader-elect", "false"),
        flag("secure-port", 0),
        flag("kube-api-qps", 500),
        flag("kube-api-burst", 1000),
    ]
}

fn scheduler(plan: &WorldPlan) -> Vec<String> {
    vec![
        file("kubeconfig", plan.folder.join("admin.kubeconfig")),
        flag("leader-elect", "false"),
        flag("secure-port", 0),
        flag("kube-api-qps", 500),
        flag("kube-api-burst", 1000),
    ]
}

fn redis(plan: &WorldPlan) -> Vec<String> {
    let port = plan.ports.redis.to_string();
    [
        "--bind",
        "127.0.0.1",
        "--port",
        &port,
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    .map(str::to_owned)
    .to_vec()
}
