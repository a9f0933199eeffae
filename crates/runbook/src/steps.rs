//! The steps that there are: one line each.

use std::process::ExitCode;

use contract::{Invocation, Step};

/// A step as the front door knows it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) command: fn() -> clap::Command,
    pub(crate) start: fn(Invocation) -> ExitCode,
}

/// All steps, in the order of the runbook.
pub(crate) const ALL: &[Entry] = &[entry::<check_image::CheckImage>(), entry::<bump_overlay::BumpOverlay>()];

const fn entry<S: Step>() -> Entry {
    Entry { name: S::NAME, command: contract::command::<S>, start: contract::start::<S> }
}

pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|step| step.name == name)
}
