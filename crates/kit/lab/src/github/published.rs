//! The documents that GitHub publishes about its API; `cargo xtask test` puts them into the cache.

use std::path::{Path, PathBuf};

/// A file of a package of npm.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The file's name.
    pub file: &'static str,
    /// The package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Where the file is in the package.
    pub member: &'static str,
}

const SCHEMA: Published = Published {
    file: "schema.graphql",
    package: "@octokit/graphql-schema",
    // The next two versions define fields twice, which is invalid.
    version: "15.25.0",
    member: "package/schema.graphql",
};

const OPENAPI: Published = Published {
    file: "api.github.com.json",
    package: "@octokit/openapi",
    version: "23.0.2",
    member: "package/generated/api.github.com.json",
};

/// All files that the tests need.
pub const PUBLISHED: [Published; 2] = [SCHEMA, OPENAPI];

impl Published {
    /// Returns the folder of the file in this cache, one for each version.
    #[must_use]
    pub fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.file, self.version))
    }

    fn read(&self) -> String {
        let path = self.folder(&crate::cache::folder()).join(self.file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; `cargo xtask test` downloads it, once",
                path.display()
            )
        })
    }
}

pub(super) fn schema() -> String {
    SCHEMA.read()
}

pub(super) fn openapi() -> String {
    OPENAPI.read()
}
