//! The name of the repository.

/// The repository that the server has.
pub const REPOSITORY: &str = "example/dex";
