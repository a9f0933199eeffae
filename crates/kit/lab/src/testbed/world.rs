//! One world: a folder, the programs that run in it, and where they are reached.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, JSON};
use super::kubernetes::Kubernetes;
use super::parts::{ARGOCD, Part};
use super::ports::Ports;
use super::process::{self, Process};
use super::tools::Tools;
use super::{install, keys};

/// Changes with everything that a world is set up with, so that no test meets one of another kind.
pub(super) const LAYOUT: u32 = 1;

/// How long a server may take: ten times what it needs on two idle cores.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the programs are started with.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) folder: PathBuf,
    pub(super) tools: Tools,
    pub(super) ports: Ports,
}

/// A running world; who holds this uses it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) folder: PathBuf,
    /// How to start its parts again; only who started it knows.
    plan: Option<Plan>,
    pub(super) kubernetes: Kubernetes,
    pub(super) argocd: String,
    pub(super) argocd_token: String,
    pub(super) argocd_password: String,
    _use: File,
}

impl World {
    /// Starts a world in `folder`, which must not exist; it ends after so many seconds without a user.
    pub(super) fn start(folder: &Path, grace: u64) -> Self {
        let tools = Tools::find();
        for part in ["", "tmp", "argocd", "kubernetes"] {
            fs::create_dir_all(folder.join(part)).expect("a folder in the cache or of our own");
        }
        let in_use = File::create(folder.join("users")).expect("a file in our own folder");
        in_use.lock_shared().expect("a lock on our own file");
        process::start_reaper(folder, grace);
        let plan = Plan {
            folder: folder.to_owned(),
            tools,
            ports: Ports::free(),
        };
        let kubernetes = plan.start_kubernetes();
        let argocd = format!("127.0.0.1:{}", plan.ports.argocd);
        let (argocd_token, argocd_password) = plan.start_argocd(&kubernetes, &argocd);
        let folder = folder.to_owned();
        let plan = Some(plan);
        let world = Self {
            folder,
            plan,
            kubernetes,
            argocd,
            argocd_token,
            argocd_password,
            _use: in_use,
        };
        world.write_down();
        world
    }

    /// Returns the world that runs in `folder`, if one does.
    pub(super) fn attach(folder: &Path) -> Option<Self> {
        let in_use = File::open(folder.join("users")).ok()?;
        // Whoever ends a world holds this lock alone, and then there is no file to read any more.
        in_use.lock_shared().ok()?;
        let state: Value =
            serde_json::from_slice(&fs::read(folder.join("world.json")).ok()?).ok()?;
        let text = |name: &str| state[name].as_str().map(str::to_owned);
        let ca_pem = fs::read_to_string(folder.join("ca.pem")).ok()?;
        let alive = Process::recorded(folder).iter().all(Process::is_alive);
        alive.then_some(())?;
        Some(Self {
            kubernetes: Kubernetes::new(
                folder,
                &text("kubernetes")?,
                &text("admin_token")?,
                &ca_pem,
            ),
            folder: folder.to_owned(),
            plan: None,
            argocd: text("argocd")?,
            argocd_token: text("argocd_token")?,
            argocd_password: text("argocd_password")?,
            _use: in_use,
        })
    }

    fn write_down(&self) {
        let state = json!({
            "kubernetes": self.kubernetes.address(),
            "admin_token": self.kubernetes.admin_token(),
            "argocd": self.argocd,
            "argocd_token": self.argocd_token,
            "argocd_password": self.argocd_password,
        });
        let partial = self.folder.join("world.json.partial");
        fs::write(&partial, format!("{state:#}\n")).expect("a file in our own folder");
        fs::rename(partial, self.folder.join("world.json")).expect("a file in our own folder");
    }

    /// Kills parts; they can be started again.
    pub(super) fn stop(&self, parts: &[Part]) {
        for process in Process::recorded(&self.folder) {
            if parts.iter().any(|part| part.to_string() == process.name) {
                process.kill();
            }
        }
    }

    /// Starts parts again, on the same ports, and returns once they answer.
    pub(super) fn restart(&self, parts: &[Part]) {
        let plan = self
            .plan
            .as_ref()
            .expect("a world that this process has started");
        for part in parts {
            plan.spawn(*part);
        }
        for part in parts {
            plan.wait_for(*part);
        }
    }
}

impl Plan {
    fn start_kubernetes(&self) -> Kubernetes {
        let authority = keys::write(&self.folder);
        let admin_token = super::unique("admin");
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
        for part in [Part::Etcd, Part::Redis, Part::RepoServer] {
            self.spawn(part);
        }
        self.wait_for(Part::Etcd);
        self.spawn(Part::Apiserver);
        self.wait_for(Part::Apiserver);
        self.spawn(Part::Controllers);
        self.spawn(Part::Scheduler);
        kubernetes
    }

    /// Returns the token and the password of Argo CD's admin.
    fn start_argocd(&self, kubernetes: &Kubernetes, address: &str) -> (String, String) {
        install::argocd(&self.tools, kubernetes);
        self.spawn(Part::ApplicationController);
        self.spawn(Part::ArgoServer);
        for part in ARGOCD {
            self.wait_for(part);
        }
        let password = install::admin_password(kubernetes);
        let server = Client::new(&format!("http://{address}"), None, None);
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
        fs::write(self.folder.join(name), text).expect("a file in our own folder");
    }

    fn spawn(&self, part: Part) {
        Process::start(&self.folder, &part.to_string(), &mut part.command(self));
    }

    /// Returns once a part answers.
    fn wait_for(&self, part: Part) {
        let ports = &self.ports;
        let healthy = |url: String, path: &'static str| {
            let client = Client::new(
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
            Part::Etcd => self.until(part, healthy(http(ports.etcd), "/health")),
            Part::Apiserver => {
                self.until(
                    part,
                    healthy(format!("https://127.0.0.1:{}", ports.kubernetes), "/readyz"),
                );
            }
            Part::ArgoServer => self.until(part, healthy(http(ports.argocd), "/healthz")),
            Part::ApplicationController => {
                self.until(part, healthy(http(ports.controller_metrics), "/healthz"));
            }
            Part::RepoServer => self.until(part, open(ports.repo_server)),
            Part::Redis => self.until(part, open(ports.redis)),
            Part::Controllers | Part::Scheduler => {}
        }
    }

    fn until(&self, part: Part, ready: impl Fn() -> bool) {
        let start = Instant::now();
        while !ready() {
            let all = Process::recorded(&self.folder);
            let newest = all.iter().rfind(|process| process.name == part.to_string());
            if start.elapsed() > PATIENCE || !newest.is_some_and(Process::is_alive) {
                let logs = process::logs(&self.folder);
                process::end(&self.folder);
                panic!("{part} does not answer after {:?}\n{logs}", start.elapsed());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Returns which nodes the pods of a namespace may run on, if the namespace does not say: see `node.rs`.
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
