//! Argo CD and a cluster as one small machine, which reads branches and rolls their images out.

use std::{io, path::PathBuf, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    SandboxRegistry, argocd, branch, kubernetes,
    registry::RegistryContent,
    state::{SandboxApp, SandboxWorld},
};

/// How often the machine moves.
const TICK: Duration = Duration::from_millis(50);

/// Argo CD and a cluster on loopback; both end when this is dropped.
pub struct Delivery {
    argocd: String,
    kubernetes: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Delivery {
    /// Starts both for a bare repository and the images of a registry, within the caller's runtime.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start(
        remote: PathBuf,
        registry: &SandboxRegistry,
        apps: Vec<SandboxApp>,
    ) -> io::Result<Self> {
        let world = SandboxWorld::new(remote, apps);
        let (argocd, first) = serve(argocd::router(world.clone())).await?;
        let (kubernetes, second) = serve(kubernetes::router(world.clone())).await?;
        let machine = tokio::spawn(run(world, registry.content()));
        Ok(Self {
            argocd,
            kubernetes,
            tasks: vec![first, second, machine],
        })
    }

    /// Returns `http://127.0.0.1:PORT` of Argo CD.
    pub fn argocd(&self) -> &str {
        &self.argocd
    }

    /// Returns a kubeconfig for the cluster.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\n\
             clusters:\n- name: sandbox\n  cluster:\n    server: {}\n\
             contexts:\n- name: sandbox\n  context:\n    cluster: sandbox\n    user: sandbox\n\
             users:\n- name: sandbox\n  user: {{}}\n",
            self.kubernetes
        )
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn serve(router: axum::Router) -> io::Result<(String, JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(async move {
        // It ends with the runtime; an error of one connection is not the server's.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, server))
}

/// Moves the machine for as long as the runtime lives.
async fn run(world: SandboxWorld, content: RegistryContent) {
    loop {
        let (due, remote) = {
            let state = world.lock();
            (state.due(), state.remote.clone())
        };
        for app in due {
            if let Some((revision, image)) = branch::read(&remote, &app).await {
                let digest = content.pull(&image);
                world.lock().compare(&app.name, revision, &image, digest);
            }
        }
        world.lock().tick();
        world.notify();
        tokio::time::sleep(TICK).await;
    }
}
