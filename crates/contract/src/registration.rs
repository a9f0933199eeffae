//! A step without its types.

use std::process::ExitCode;

use crate::{
    Fact, Facts as _, Invocation, Permission, Reason, SecretVariable, Step, command_line, execute,
};

/// A step without its types: the front door starts it, and its action and README are generated
/// from it.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// [`Step::NAME`].
    pub name: &'static str,
    /// [`Step::SENTENCE`].
    pub sentence: &'static str,
    /// [`Step::EXAMPLE`].
    pub example: &'static str,
    /// [`Step::REASONS`].
    pub reasons: &'static [Reason],
    /// [`Step::PERMISSIONS`].
    pub permissions: &'static [Permission],
    /// [`Step::SECRETS`].
    pub secrets: &'static [SecretVariable],
    /// The fields of [`Step::Facts`].
    pub facts: &'static [Fact],
    /// Returns its command line.
    pub command: fn() -> clap::Command,
    /// Runs it and prints its report.
    pub start: fn(Invocation) -> ExitCode,
}

impl Registration {
    /// Registers a step.
    pub const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            sentence: S::SENTENCE,
            example: S::EXAMPLE,
            reasons: S::REASONS,
            permissions: S::PERMISSIONS,
            secrets: S::SECRETS,
            facts: S::Facts::FIELDS,
            command: command_line::command::<S>,
            start: execute::start::<S>,
        }
    }
}
