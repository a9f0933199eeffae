//! One world: a folder, the programs that run in it, and their addresses.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::kubernetes::Kubernetes;
use super::plan::WorldPlan;
use super::ports::Ports;
use super::process::{self, ServerProcess};
use super::programs::TestbedProgram;
use super::tools::Tools;

/// A running world; it does not end as long as this value exists.
#[derive(Debug)]
pub(super) struct TestbedWorld {
    pub(super) folder: PathBuf,
    /// The plan to start its parts again; known only to the process that started it.
    plan: Option<WorldPlan>,
    pub(super) kubernetes: Kubernetes,
    pub(super) argocd: String,
    pub(super) argocd_token: String,
    pub(super) argocd_password: String,
    _use: File,
}

impl TestbedWorld {
    /// Starts a world in `folder`, which must not exist; it ends after `grace` seconds without a
    /// user.
    pub(super) fn start(folder: &Path, grace: u64) -> Self {
        let tools = Tools::find();
        for part in ["", "tmp", "argocd", "kubernetes"] {
            fs::create_dir_all(folder.join(part))
                .expect("a folder in the cache or a temporary one");
        }
        let in_use = File::create(folder.join("users")).expect("a file in the world's folder");
        in_use.lock_shared().expect("a lock on the file");
        process::start_reaper(folder, grace);
        let plan = WorldPlan {
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
        // The process that ends a world holds this lock exclusively, and then removes the file.
        in_use.lock_shared().ok()?;
        let state: Value =
            serde_json::from_slice(&fs::read(folder.join("world.json")).ok()?).ok()?;
        let text = |name: &str| state[name].as_str().map(str::to_owned);
        let ca_pem = fs::read_to_string(folder.join("ca.pem")).ok()?;
        let alive = ServerProcess::recorded(folder)
            .iter()
            .all(ServerProcess::is_alive);
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
        fs::write(&partial, format!("{state:#}\n")).expect("a file in the world's folder");
        fs::rename(partial, self.folder.join("world.json")).expect("a file in the world's folder");
    }

    /// Kills parts; they can be started again.
    pub(super) fn stop(&self, parts: &[TestbedProgram]) {
        for process in ServerProcess::recorded(&self.folder) {
            if parts.iter().any(|part| part.to_string() == process.name) {
                process.kill();
            }
        }
    }

    /// Starts parts again, on the same ports, and returns once they answer.
    pub(super) fn restart(&self, parts: &[TestbedProgram]) {
        let plan = self
            .plan
            .as_ref()
            .expect("this process has started the world");
        for part in parts {
            plan.spawn(*part);
        }
        for part in parts {
            plan.wait_for(*part);
        }
    }
}
