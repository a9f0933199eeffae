//! The command line of a step.

use clap::Args as _;

use crate::{Step, common::Common, help};

/// Returns the step's command line: its own flags and those of every step.
pub(crate) fn command<S: Step>() -> clap::Command {
    let flags = S::Args::augment_args(clap::Command::new(S::NAME));
    // The docs of flattened structs would become the sentence, so it is set after the flags.
    let command = Common::augment_args(flags)
        .version(env!("CARGO_PKG_VERSION"))
        .about(S::SENTENCE)
        .long_about(None)
        .max_term_width(100)
        .mut_arg("timeout", |arg| {
            arg.required(false).default_value(S::TIMEOUT)
        });
    let after = help::after_help::<S>(&command);
    command.after_help(after)
}
