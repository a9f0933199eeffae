//! What a step says: verdicts and exit codes, reports and failures, the reporters, and `main`.
//!
//! A step is `flags / RUNBOOK_* → Args → run(args, world) → Ok(Report) | Err(Failure)`. Everything
//! before and after `run` is here, so that all steps behave alike. What a step may do is in the
//! crate `effects`, and reaches the step through its [`World`].

mod command_line;
mod commit;
mod common;
mod data;
mod digest;
mod environment;
mod execute;
mod facts;
mod failure;
mod final_report;
mod finished;
mod help;
mod invocation;
mod known;
mod logging;
mod names;
mod panics;
mod parsed;
mod permission;
mod platform;
mod progress;
mod reason;
mod reference;
mod reference_slip;
mod registration;
mod replay;
mod report;
mod reporters;
mod reporting;
mod reproduce;
mod run_context;
mod run_end;
mod signals;
mod step;
mod text;
mod timeline;
mod verdict;
pub mod world;

pub use commit::{Commit, InvalidCommit};
pub use common::parse_timeout;
pub use digest::{Digest, InvalidDigest};
pub use effects::{Deadline, Redactor, Secret, Vars};
pub use execute::{execute, main};
pub use facts::{Fact, Facts};
pub use failure::Failure;
pub use final_report::{FinalReport, FinalSubject};
pub use finished::Finished;
pub use invocation::Invocation;
pub use names::without_names;
pub use permission::{Permission, SecretVariable, System};
pub use platform::{InvalidPlatform, Platform};
pub use reason::{Reason, asking};
pub use reference::{InvalidReference, Reference, Tag};
pub use registration::Registration;
pub use replay::{ReplayError, replay};
pub use report::{Report, Subject};
pub use step::Step;
pub use verdict::{Fault, Verdict};
pub use world::World;

#[doc(hidden)]
pub mod macros {
    //! Re-exports for the expansion of the macros.
    pub use serde;
}
