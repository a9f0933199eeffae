//! Workflows on a runner: act, without containers and without network.
//!
//! ```no_run
//! let consumer = tests::act::Consumer::new("check-and-bump.yml", &["check-image"]);
//! let run = consumer.dispatch().input("image", "ghcr.io/data-literate/dex:1").run();
//! assert_eq!(run.job("check"), "success", "{run}");
//! ```

mod log;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use log::{Annotation, WorkflowRun, WorkflowStep};

use crate::{root, tools};

/// All labels that the workflows run on. act skips a job with an unknown label, and calls that
/// success.
const LABELS: [&str; 2] = ["ubuntu-24.04", "ubuntu-latest"];

/// A repository that uses the actions.
#[derive(Debug)]
pub struct Consumer {
    folder: TempDir,
    workflow: String,
}

impl Consumer {
    /// Creates a repository with one workflow of `tests/workflows`, the actions of this repository,
    /// and the binaries of these steps where a release has them.
    ///
    /// # Panics
    ///
    /// If a part of it is missing.
    #[must_use]
    pub fn new(workflow: &str, steps: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("act-consumer-")
            .tempdir()
            .expect("a temporary folder");
        let consumer = Self {
            folder,
            workflow: workflow.to_owned(),
        };
        let workflows = consumer.path().join(".github/workflows");
        copy(
            &root().join("tests/workflows").join(workflow),
            &workflows.join(workflow),
        );
        copy(&root().join("actions"), &consumer.path().join("actions"));
        for step in steps {
            place(&tools::binary(step), &consumer.bin().join(step));
        }
        consumer.commit();
        consumer
    }

    /// Returns the folder of the repository.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Prepares a manual run (`workflow_dispatch`).
    pub fn dispatch(&self) -> Dispatch<'_> {
        Dispatch {
            consumer: self,
            given: Vec::new(),
        }
    }

    /// Returns the folder in which the shim looks first.
    fn bin(&self) -> PathBuf {
        self.path()
            .join("actions/.dex/bin")
            .join(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
    }

    /// Commits the workflow: act reads the commit from the repository. The binaries need not be in
    /// it.
    fn commit(&self) {
        for arguments in [
            &["init", "--quiet", "-b", "main"][..],
            &["add", "--", ".github"],
            &[
                "-c",
                "user.name=tests",
                "-c",
                "user.email=tests@localhost",
                "commit",
                "--quiet",
                "-m",
                "ci: start",
            ],
        ] {
            let _ = lab::HermeticCommand::new("git")
                .args(arguments)
                .current_dir(self.path())
                .run()
                .expect_code(0);
        }
    }
}

/// A run that is being prepared.
#[must_use = "run it"]
#[derive(Debug, Clone)]
pub struct Dispatch<'a> {
    consumer: &'a Consumer,
    /// act's own flags, each with its value.
    given: Vec<[String; 2]>,
}

impl Dispatch<'_> {
    /// Gives an input of the workflow.
    pub fn input(self, name: &str, value: &str) -> Self {
        self.give("--input", name, value)
    }

    /// Gives a variable of the repository.
    pub fn variable(self, name: &str, value: &str) -> Self {
        self.give("--var", name, value)
    }

    /// Gives a secret of the repository.
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.give("--secret", name, value)
    }

    fn give(mut self, flag: &str, name: &str, value: &str) -> Self {
        self.given
            .push([flag.to_owned(), format!("{name}={value}")]);
        self
    }

    /// Runs the workflow to its end.
    ///
    /// # Panics
    ///
    /// If act does not run the workflow, or skips a job for its label.
    pub fn run(&self) -> WorkflowRun {
        let act = lab::HermeticCommand::new(tools::program("act"));
        let cache = act.home().join("cache");
        let nothing = ["--env-file", "--var-file", "--secret-file", "--input-file"];
        let act = act
            .current_dir(self.consumer.path())
            .args([
                "workflow_dispatch",
                "--json",
                "--rm",
                "--no-cache-server",
                "--action-offline-mode",
                "-W",
            ])
            .arg(Path::new(".github/workflows").join(&self.consumer.workflow))
            .args(["--action-cache-path".as_ref(), cache.as_os_str()])
            .args(nothing.iter().flat_map(|file| [file, "/dev/null"]))
            .args(
                LABELS
                    .iter()
                    .flat_map(|label| ["-P".to_owned(), format!("{label}=-self-hosted")]),
            )
            .args(self.given.iter().flatten());
        WorkflowRun::read(&act.run())
    }
}

/// Copies a file, or a folder with everything in it.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder of this test");
        for entry in fs::read_dir(from).expect("a folder of the repository") {
            let name = entry.expect("an entry of a folder").file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::create_dir_all(to.parent().expect("a file in a folder"))
            .expect("a folder of this test");
        fs::copy(from, to)
            .unwrap_or_else(|error| panic!("could not copy `{}`: {error}", from.display()));
    }
}

/// Links a big file where that is possible, and copies it elsewhere.
fn place(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a file in a folder")).expect("a folder of this test");
    if fs::hard_link(from, to).is_err() {
        copy(from, to);
    }
}
