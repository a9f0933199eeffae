//! What every step shares: verdicts and exit codes, reports and failures, the world of effects,
//! the three reporters, and `main`.
//!
//! A step is `flags / RUNBOOK_* → Args → run(args, world) → Ok(Report) | Err(Failure)`; everything
//! before and after `run` is here, so that twelve steps behave as one.

mod arguments;
mod commit;
mod digest;
mod document;
mod execute;
mod failure;
mod logging;
mod panics;
mod progress;
mod reason;
mod reference;
mod replay;
mod report;
pub mod reporters;
mod secret;
mod step;
mod verdict;
pub mod world;

pub use arguments::{Common, Format, Vars, parse_list, parse_timeout};
pub use commit::{Commit, InvalidCommit};
pub use digest::{Digest, InvalidDigest};
pub use document::Document;
pub use execute::{Finished, Invocation, execute, main};
pub use failure::Failure;
pub use reason::{Reason, asking};
pub use reference::{InvalidReference, Reference, Tag};
pub use replay::{ReplayError, replay};
pub use report::{Report, Subject};
pub use secret::{Redactor, Secret};
pub use step::{Fact, Facts, NoFacts, Permission, Registration, SecretVariable, Step, System};
pub use verdict::{Fault, Verdict};
pub use world::{Deadline, World};

#[doc(hidden)]
pub mod macros {
    //! What the macros of this crate expand to.
    pub use serde;
}
