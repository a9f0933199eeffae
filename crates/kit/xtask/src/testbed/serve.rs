//! The testbed for people: three environments that deploy until the testbed is ended.

use std::{fs, path::PathBuf, sync::Arc, thread};

use lab::{
    GitRemote, Image, Registry,
    overlays::SampleOverlay,
    repo::TreeChange,
    testbed::{AppSpec, Namespace, Testbed, TestbedApp, repository, scripts},
};
use serde_json::json;

use super::people;

/// The image of all environments, in the registry.
const IMAGE: &str = "data-literate/dex";

/// Tags that can be deployed; the environments start with the first.
const TAGS: [&str; 3] = ["sha-1a2b3c4d", "sha-5e6f7a8b", "sha-9c0d1e2f"];

/// Creates the environments, writes their addresses, and acts as their kubelet until it is killed.
pub(crate) fn serve() -> anyhow::Result<()> {
    let testbed = Testbed::shared();
    testbed.adopt("xtask", std::process::id());
    let registry = Arc::new(Registry::plain());
    for id in children() {
        testbed.adopt("docker-registry", id);
    }
    for tag in TAGS {
        let index = Image::index()
            .platform("linux/amd64")
            .platform("linux/arm64");
        index
            .label("org.opencontainers.image.version", tag)
            .push(&registry, IMAGE, tag);
    }
    let remote = GitRemote::new();
    let commit = remote.change("main", &files(&registry), "deploy: the first build");
    remote.git(&["branch", "dev", "main"]);
    let git = remote.http_open();
    testbed.project(
        "dex",
        &json!({ "description": "The environments of the testbed" }),
    );
    testbed.open_node("node-1");
    let environments =
        environments().map(|overlay| environment(testbed, &overlay, &git.url(), &registry));
    environments
        .iter()
        .for_each(|(app, _)| app.wait_until_deployed(&commit));
    let image = format!("{}/{IMAGE}", registry.address());
    let facts =
        json!({ "git": git.url(), "registry": registry.address(), "image": image, "tags": TAGS });
    people::write(testbed, &facts)?;
    loop {
        thread::park();
        let _alive = (&environments, &git);
    }
}

fn environments() -> [SampleOverlay; 3] {
    [
        SampleOverlay::dev(TAGS[0]),
        SampleOverlay::stage(TAGS[0]),
        SampleOverlay::prod(TAGS[0]),
    ]
}

/// Returns the name of an overlay's environment: its path is
/// `infra/argocd/overlays/NAME/kustomization.yaml`.
fn name(overlay: &SampleOverlay) -> String {
    let path = PathBuf::from(overlay.path());
    let folder = path
        .parent()
        .and_then(|folder| folder.file_name())
        .unwrap_or_default();
    format!("dex-{}", folder.to_string_lossy())
}

fn files(registry: &Registry) -> Vec<TreeChange> {
    let image = format!("{}/{IMAGE}", registry.address());
    let all = environments().map(|overlay| {
        let name = name(&overlay);
        repository::files(&overlay.new_name(&image), &name)
    });
    all.into_iter().flatten().collect()
}

/// Creates a namespace whose pods are pulled from the registry, and the application that deploys
/// there.
fn environment(
    testbed: &Testbed,
    overlay: &SampleOverlay,
    git: &str,
    registry: &Arc<Registry>,
) -> (TestbedApp, Namespace) {
    let name = name(overlay);
    let namespace = testbed.namespace_named(&name);
    namespace.pods(scripts::pulled_from(Arc::clone(registry)));
    let path = overlay.path();
    let folder = path.trim_end_matches("/kustomization.yaml");
    let branch = if name == "dex-dev" { "dev" } else { "main" };
    let app = testbed.app(
        &AppSpec::new(&namespace, git, folder)
            .project("dex")
            .branch(branch),
    );
    (app, namespace)
}

/// Returns the registry's process, a child of this one; the testbed knows its own processes.
fn children() -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let ids: Vec<u32> = lists.flat_map(|list| ids(&list)).collect();
    let is_registry = |id: &u32| {
        fs::read_to_string(format!("/proc/{id}/comm"))
            .is_ok_and(|name| name.trim() == "docker-registry")
    };
    ids.into_iter().filter(is_registry).collect()
}

fn ids(list: &str) -> Vec<u32> {
    list.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}
