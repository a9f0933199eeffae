//! The image that an overlay should deploy.

/// The image that an overlay should deploy, and the entry to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageUpdate {
    /// The repository as given, then as normalised: `["ghcr.io/data-literate/dex"]`.
    ///
    /// The editor compares these with each entry's `name`, then with each `newName`. `rename` and
    /// `create` write the first one. Docker Hub's prefix `docker.io/library/` is optional.
    pub names: Vec<String>,
    /// `sha-1a2b3c4d`: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    pub tag: Option<String>,
    /// `sha256:` and 64 lowercase hexadecimal digits.
    pub digest: Option<String>,
    /// The entry with exactly this `name`, whatever its `newName` (`--entry NAME`).
    pub entry: Option<String>,
}

impl ImageUpdate {
    /// Returns the repository that `rename` and `create` write; empty when there is none.
    pub(crate) fn repository(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Returns the `name` of the wanted entry: `--entry`, or else the repository.
    pub(crate) fn entry_name(&self) -> &str {
        self.entry.as_deref().unwrap_or_else(|| self.repository())
    }

    /// Whether this repository is one of the names.
    pub(crate) fn names_repository(&self, repository: &str) -> bool {
        self.names
            .iter()
            .any(|name| is_same_repository(name, repository))
    }
}

/// Whether two names are one repository: Docker Hub's names have three spellings.
pub(crate) fn is_same_repository(left: &str, right: &str) -> bool {
    without_docker_hub(left) == without_docker_hub(right)
}

fn without_docker_hub(name: &str) -> &str {
    let hub = name
        .strip_prefix("docker.io/")
        .or_else(|| name.strip_prefix("index.docker.io/"));
    let name = hub.unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}
