//! The start of a world: Kubernetes first, then Argo CD in it.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{JSON, TestbedClient};
use super::kubernetes::Kubernetes;
use super::plan::WorldPlan;
use super::process::{self, ServerProcess};
use super::programs::{ARGOCD, TestbedProgram};
use super::unique::unique;
use super::{install, keys};

/// How long a server may take: ten times what it needs on two idle cores.
const SERVER_TIMEOUT: Duration = Duration::from_secs(90);

impl WorldPlan {
    pub(super) fn start_kubernetes(&self) -> Kubernetes {
        let authority = keys::write(&self.folder);
        let admin_token = unique("admin");
        self.write(
            "tokens.csv",
            &format!("{admin_token},admin,admin,\"system:masters\"\n"),
        );
        self.write("admission.json", &admission().to_string());
        let address = format!("127.0.0.1:{}", self.ports.kubernetes);
        let kubernetes = Kubernetes::new(&self.folder, &address, &admin_token, &authority.ca_pem);
        kubernetes.write_kubeconfig(
            &self.folder.join("admin.kubeconfig"),
            &admin_token,
            "default",
        );
        for part in [
            TestbedProgram::Etcd,
            TestbedProgram::Redis,
            TestbedProgram::RepoServer,
        ] {
            self.spawn(part);
        }
        self.wait_for(TestbedProgram::Etcd);
        self.spawn(TestbedProgram::Apiserver);
        self.wait_for(TestbedProgram::Apiserver);
        self.spawn(TestbedProgram::Controllers);
        self.spawn(TestbedProgram::Scheduler);
        kubernetes
    }

    /// Returns the token and the password of Argo CD's admin.
    pub(super) fn start_argocd(&self, kubernetes: &Kubernetes, address: &str) -> (String, String) {
        install::argocd(&self.tools, kubernetes);
        self.spawn(TestbedProgram::ApplicationController);
        self.spawn(TestbedProgram::ArgoServer);
        for part in ARGOCD {
            self.wait_for(part);
        }
        let password = install::admin_password(kubernetes);
        let server = TestbedClient::new(&format!("http://{address}"), None, None);
        let session = json!({ "username": "admin", "password": password });
        let session = server.expect(&Method::POST, "/api/v1/session", JSON, Some(&session));
        let server = server.with_token(session["token"].as_str().expect("a session has a token"));
        let path = "/api/v1/account/admin/token";
        let token = server.expect(&Method::POST, path, JSON, Some(&json!({ "expiresIn": 0 })));
        (
            token["token"].as_str().expect("a token").to_owned(),
            password,
        )
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("a file in the world's folder");
    }

    pub(super) fn spawn(&self, part: TestbedProgram) {
        ServerProcess::start(&self.folder, &part.to_string(), &mut part.command(self));
    }

    /// Returns once a part answers.
    pub(super) fn wait_for(&self, part: TestbedProgram) {
        let ports = &self.ports;
        let healthy = |url: String, path: &'static str| {
            let client = TestbedClient::new(
                &url,
                fs::read_to_string(self.folder.join("ca.pem"))
                    .ok()
                    .as_deref(),
                None,
            );
            move || {
                client
                    .ask(Method::GET, path, JSON, None)
                    .is_ok_and(|answer| answer.status == 200)
            }
        };
        let open = |port: u16| move || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let http = |port: u16| format!("http://127.0.0.1:{port}");
        match part {
            TestbedProgram::Etcd => self.until(part, healthy(http(ports.etcd), "/health")),
            TestbedProgram::Apiserver => {
                self.until(
                    part,
                    healthy(format!("https://127.0.0.1:{}", ports.kubernetes), "/readyz"),
                );
            }
            TestbedProgram::ArgoServer => self.until(part, healthy(http(ports.argocd), "/healthz")),
            TestbedProgram::ApplicationController => {
                self.until(part, healthy(http(ports.controller_metrics), "/healthz"));
            }
            TestbedProgram::RepoServer => self.until(part, open(ports.repo_server)),
            TestbedProgram::Redis => self.until(part, open(ports.redis)),
            TestbedProgram::Controllers | TestbedProgram::Scheduler => {}
        }
    }

    fn until(&self, part: TestbedProgram, ready: impl Fn() -> bool) {
        let start = Instant::now();
        while !ready() {
            let all = ServerProcess::recorded(&self.folder);
            let newest = all.iter().rfind(|process| process.name == part.to_string());
            if start.elapsed() > SERVER_TIMEOUT || !newest.is_some_and(ServerProcess::is_alive) {
                let logs = process::logs(&self.folder);
                process::end(&self.folder);
                panic!("{part} does not answer after {:?}\n{logs}", start.elapsed());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Returns which nodes the pods of a namespace may run on, if the namespace does not say: see
/// `node.rs`.
fn admission() -> Value {
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{
            "name": "PodNodeSelector",
            "configuration": {
                "podNodeSelectorPluginConfig": { "clusterDefaultNodeSelector": "testbed=open" },
            },
        }],
    })
}
