//! A branch of any git remote: its tip, a few of its files, one commit, one push, without a
//! checkout.
//!
//! The git program fetches and pushes, since it knows every transport and every credential helper;
//! gix reads and writes objects. Both work in a temporary bare repository, so the user's work tree,
//! index, hooks and checkout settings are never touched.
//!
//! Every operation is one `World::exchange`, so a recorded run replays without git.

mod address;
mod ancestry;
mod answers;
mod bare_repository;
mod differences;
mod error;
mod fetch;
mod file_history;
mod git;
mod http_access;
mod identity;
mod lead;
mod objects;
mod origin;
mod output;
mod program;
mod push;
mod read;
mod reasons;
mod redirect;
mod search;
mod server;
mod trace;

pub use git::Git;
pub use lead::check_lead;
pub use origin::origin;
pub use reasons::GIT_FAILED;
pub use server::server;
