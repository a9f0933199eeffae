//! The start of every test: an overlay in a repository, deployed, and a command that waits for the
//! next.

use std::sync::OnceLock;

use lab::{
    GitRemote, HermeticCommand, ProgramRun,
    overlays::SampleOverlay,
    testbed::{
        AppSpec, Namespace, PodView, ScriptedStatus, Testbed, TestbedApp, repository, scripts,
    },
};
use serde_json::Value;

/// The permissions that the step declares as always needed.
pub(crate) const POLICY: [&str; 1] = ["p, role:ci, applications, get, */*, allow"];
/// The tag that is deployed at the start.
pub(crate) const OLD: &str = "sha-00000000";
/// The tag that the test deploys.
pub(crate) const NEW: &str = "sha-1a2b3c4d";
/// The overlay that the test changes.
pub(crate) const OVERLAY: &str = "infra/argocd/overlays/dev";

/// One deployed application.
pub(crate) struct DeployedApp {
    pub(crate) remote: GitRemote,
    pub(crate) namespace: Namespace,
    pub(crate) app: TestbedApp,
}

impl DeployedApp {
    /// Deploys the old tag.
    pub(crate) fn new() -> Self {
        Self::with(|spec| spec)
    }

    /// Deploys the old tag by an application with adjusted settings.
    pub(crate) fn with(adjust: impl FnOnce(AppSpec) -> AppSpec) -> Self {
        let remote = GitRemote::new();
        let url = remote.url();
        Self::made(
            Testbed::shared(),
            Testbed::shared().namespace(),
            remote,
            &url,
            adjust,
        )
    }

    /// Deploys the old tag into a namespace, from a repository that is reached at this URL.
    pub(crate) fn of(namespace: Namespace, remote: GitRemote, url: &str) -> Self {
        Self::made(Testbed::shared(), namespace, remote, url, |spec| spec)
    }

    /// Deploys the old tag on a testbed whose parts may be stopped.
    pub(crate) fn in_private(testbed: &Testbed) -> Self {
        let remote = GitRemote::new();
        let url = remote.url();
        Self::made(testbed, testbed.namespace(), remote, &url, |spec| spec)
    }

    /// Gives a script to the pods of the new tag; those of the version before stay healthy.
    pub(crate) fn new_pods(
        &self,
        script: impl Fn(&PodView) -> ScriptedStatus + Send + Sync + 'static,
    ) {
        self.namespace.pods(move |pod| {
            if pod.image.ends_with(NEW) {
                script(pod)
            } else {
                scripts::healthy(pod)
            }
        });
    }

    fn made(
        testbed: &Testbed,
        namespace: Namespace,
        remote: GitRemote,
        url: &str,
        adjust: impl FnOnce(AppSpec) -> AppSpec,
    ) -> Self {
        let commit = push(&remote, &namespace, OLD);
        let app = testbed.app(&adjust(AppSpec::new(&namespace, url, OVERLAY)));
        app.wait_until_deployed(&commit);
        Self {
            remote,
            namespace,
            app,
        }
    }

    /// Writes a tag into the overlay, and returns the commit.
    pub(crate) fn push(&self, tag: &str) -> String {
        push(&self.remote, &self.namespace, tag)
    }

    /// Waits for a commit and a tag.
    pub(crate) fn wait(&self, commit: &str, tag: &str) -> HermeticCommand {
        self.wait_at(&Testbed::shared().argocd().url(), commit, tag)
    }

    /// Waits at a server that stands in for Argo CD.
    pub(crate) fn wait_at(&self, server: &str, commit: &str, tag: &str) -> HermeticCommand {
        wait(server, &[&self.app], commit)
            .args(["--image", &image(tag)])
            .env("RUNBOOK_BRANCH", "main")
            .env("RUNBOOK_REMOTE", self.remote.url())
    }
}

/// Waits for a commit, with exactly the permissions that the step declares.
pub(crate) fn wait(server: &str, apps: &[&TestbedApp], commit: &str) -> HermeticCommand {
    let names: Vec<&str> = apps.iter().map(|app| app.name()).collect();
    HermeticCommand::new(env!("CARGO_BIN_EXE_wait-argo"))
        .args([
            "--argocd-server",
            server,
            "--app",
            &names.join(","),
            "--commit",
            commit,
            "--format",
            "json",
        ])
        // As variables, they give way to a test's flags.
        .env("RUNBOOK_ARGOCD_PROJECT", apps[0].project())
        .env("RUNBOOK_TIMEOUT", "60s")
        .env("RUNBOOK_ARGOCD_TOKEN", token())
}

/// A token of an account with exactly `POLICY`.
pub(crate) fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| Testbed::shared().argocd().account(&POLICY).token)
}

/// Writes a tag into the overlay of a repository, and returns the commit.
pub(crate) fn push(remote: &GitRemote, namespace: &Namespace, tag: &str) -> String {
    let files = repository::files(&SampleOverlay::dev(tag), namespace.name());
    remote.change("main", &files, &format!("deploy: {tag}"))
}

/// The image of a tag, as the overlay names it.
pub(crate) fn image(tag: &str) -> String {
    format!("registry.example/example/dex:{tag}")
}

/// Returns exit code, reason and fault.
pub(crate) fn outcome(run: &ProgramRun) -> (i32, Value, Value) {
    let document = run.json();
    (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    )
}

/// Returns the summary of the first application.
pub(crate) fn summary(run: &ProgramRun) -> String {
    run.json()["subjects"][0]["summary"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
