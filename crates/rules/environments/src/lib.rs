//! `.github/runbook.yaml`: which branch deploys which environments, with which image, after which
//! checks.
//!
//! The file is the only place that knows environments. [`Runbook`] is the checked file with every
//! default filled in; an unknown key, a duplicate key or an invalid value is refused with its line,
//! since a setting that is not read looks like one that holds.

mod check;
mod environment;
mod file;
mod freeze;
mod freeze_files;
mod invalid_file;
mod runbook;
#[cfg(feature = "schema")]
mod schema;
mod tag_template;
mod tree;

pub use check::Check;
pub use environment::{Approval, Environment};
pub use freeze::{FREEZE_PATH, Freeze, Freezes};
pub use freeze_files::{FreezeFiles, FreezeFinding};
pub use invalid_file::InvalidFile;
pub use runbook::Runbook;
#[cfg(feature = "schema")]
pub use schema::schema;
pub use tag_template::{InvalidTagTemplate, TagTemplate};

/// The path of the file, from the root of a repository.
pub const PATH: &str = ".github/runbook.yaml";
