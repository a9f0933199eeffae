//! Where the programs of the testbed are: in a cache outside the repository, put there by `cargo
//! xtask test`.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The files that determine the programs.
const SOURCES: [&[u8]; 2] = [
    include_bytes!("../../../../../tests/testbed/go.mod"),
    include_bytes!("../../../../../tests/testbed/go.sum"),
];

/// All programs of a testbed.
pub const PROGRAMS: [&str; 8] = [
    "argocd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kustomize",
    "git-verify-wrapper.sh",
    "etcd",
    "redis-server",
];

/// The manifests that install Argo CD, from its own repository.
pub const MANIFESTS: [&str; 2] = ["manifests/crds", "manifests/base/config"];

/// Changes with everything that a world is set up with, so that no test meets one of another kind.
const LAYOUT: u32 = 1;

/// A folder with all programs of a testbed.
#[derive(Clone, Debug)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Describes the folder in this cache, whether or not it exists.
    #[must_use]
    pub fn within(cache: &Path) -> Self {
        let hash = SOURCES
            .iter()
            .fold(Sha256::new(), |hash, source| hash.chain_update(source))
            .finalize();
        let hash: String = hash
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            folder: cache.join(format!("testbed-{hash}")),
        }
    }

    /// Returns the folder in the user's cache.
    ///
    /// # Panics
    ///
    /// Naming what to run, if something is missing in it.
    #[must_use]
    pub(super) fn find() -> Self {
        let tools = Self::of_the_user();
        let missing = tools.missing();
        assert!(
            missing.is_empty(),
            "{} lacks {}: `cargo xtask test` builds it (about 10 minutes, once)",
            tools.folder.display(),
            missing.join(", "),
        );
        tools
    }

    /// Describes the folder in the user's cache, whether or not it exists.
    pub(super) fn of_the_user() -> Self {
        Self::within(&crate::cache::folder())
    }

    /// Returns the folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder of the programs.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// Returns the missing programs and manifests.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let programs = PROGRAMS
            .into_iter()
            .filter(|name| !self.programs().join(name).is_file());
        programs
            .chain(
                MANIFESTS
                    .into_iter()
                    .filter(|name| !self.folder.join(name).is_dir()),
            )
            .collect()
    }

    /// Returns the folder of the running world that all tests share; only its own version uses it.
    pub(super) fn run_folder(&self) -> PathBuf {
        let mut name = self.folder.clone().into_os_string();
        name.push(format!(".run-{}", LAYOUT));
        name.into()
    }
}
