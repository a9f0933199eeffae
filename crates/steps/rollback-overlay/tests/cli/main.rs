//! The binary: exit codes, first lines, JSON, and the content of the branch afterwards.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod bad_input;
mod environment;
mod flags;
mod github;
mod history;
mod kills;
mod races;
mod registry;
mod remotes;
mod replay;
mod restore;

use lab::{GitRemote, Image, ProgramRun, Registry, overlays::SampleOverlay};

/// Where the overlays of the tests are.
const STAGE: &str = "infra/argocd/overlays/stage/kustomization.yaml";
const PROD: &str = "infra/argocd/overlays/prod/kustomization.yaml";

/// The repository of the image in the registry.
const REPOSITORY: &str = "acme/app";

/// A registry with images, and a remote with overlays on `main`.
struct ProdWorld {
    registry: Registry,
    remote: GitRemote,
}

impl ProdWorld {
    /// Prod had these images, one after another; all of them are in the registry.
    fn with(tags: &[&str]) -> Self {
        let world = Self {
            registry: Registry::plain(),
            remote: GitRemote::new(),
        };
        for tag in tags {
            world.push(tag);
            world.deploy(tag);
        }
        world
    }

    /// Pushes an image under a tag; returns its digest.
    fn push(&self, tag: &str) -> String {
        self.push_built(tag, &format!("2025-01-01T00:00:0{}Z", tag.len() % 10))
    }

    /// Pushes an image that was built at another time.
    fn push_built(&self, tag: &str, date: &str) -> String {
        let image = Image::single("linux/amd64").created(date).label("tag", tag);
        image.push(&self.registry, REPOSITORY, tag).digest
    }

    /// Returns the image's name.
    fn name(&self) -> String {
        format!("{}/{REPOSITORY}", self.registry.address())
    }

    fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", self.name())
    }

    /// Returns the text of prod with this image.
    fn prod(&self, tag: &str) -> String {
        SampleOverlay::prod(tag).new_name(&self.name()).text()
    }

    fn stage(&self, tag: &str) -> String {
        SampleOverlay::stage(tag).new_name(&self.name()).text()
    }

    /// Commits prod with this image, as a bump does.
    fn deploy(&self, tag: &str) -> String {
        let message = format!("deploy(prod): x\n\nRunbook-Image: {}\n", self.image(tag));
        self.commit(&[(PROD, self.prod(tag))], &message)
    }

    fn commit(&self, files: &[(&str, String)], message: &str) -> String {
        self.commit_to("main", files, message)
    }

    fn commit_to(&self, branch: &str, files: &[(&str, String)], message: &str) -> String {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str(), false))
            .collect();
        self.remote.commit(branch, &files, message)
    }

    /// Returns the file of prod.
    fn file(&self) -> String {
        self.remote.file("main", PROD).unwrap()
    }

    /// Rolls prod back.
    fn roll_back(&self, flags: &[&str]) -> lab::HermeticCommand {
        self.at(&self.remote.path().display().to_string(), &["prod"])
            .args(flags)
    }

    /// Rolls these environments back, on `main` of the remote at this address.
    fn at(&self, url: &str, environments: &[&str]) -> lab::HermeticCommand {
        Self::of(&self.name(), "main", url, environments)
    }

    /// Rolls these environments back, on `main` of a repository on GitHub, with this token and
    /// without git.
    fn on(
        &self,
        server: &lab::FakeGitHub,
        token: &str,
        environments: &[&str],
    ) -> lab::HermeticCommand {
        let command = rollback().args(["--image", &self.name(), "--branch", "main"]);
        let command = overlays(command.args(["--repository", "example/dex"]), environments);
        server.environment(command, token).env("PATH", "/nowhere")
    }

    /// Rolls this image back, on this branch.
    fn of(image: &str, branch: &str, url: &str, environments: &[&str]) -> lab::HermeticCommand {
        let command = rollback().args(["--image", image, "--branch", branch, "--remote", url]);
        overlays(command, environments)
    }

    /// Returns the output for people, without everything that differs from run to run.
    fn said(&self, run: &ProgramRun) -> String {
        self.plain(&run.stderr)
    }

    fn plain(&self, text: &str) -> String {
        let text = text
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect::<String>();
        let mut text = text.replace(&self.remote.path().display().to_string(), "REMOTE");
        text = text.replace(self.registry.address(), "REGISTRY");
        for commit in self.remote.log("main") {
            text = text
                .replace(&commit.id, "COMMIT")
                .replace(&commit.id[..8], "COMMIT");
        }
        text
    }

    /// Returns the first line after those about waiting, which people read first.
    fn first_line(&self, run: &ProgramRun) -> String {
        self.said(run)
            .lines()
            .find(|line| !line.starts_with('['))
            .unwrap_or_default()
            .to_owned()
    }
}

/// Names the overlays of these environments.
fn overlays(command: lab::HermeticCommand, environments: &[&str]) -> lab::HermeticCommand {
    environments.iter().fold(command, |command, environment| {
        command.args([
            "--overlay".to_owned(),
            format!("infra/argocd/overlays/{environment}"),
        ])
    })
}

fn rollback() -> lab::HermeticCommand {
    lab::HermeticCommand::new(env!("CARGO_BIN_EXE_rollback-overlay"))
}

/// Asserts that no temporary file is left.
fn left_nothing(command: &lab::HermeticCommand) {
    let left: Vec<_> = std::fs::read_dir(command.temp()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
