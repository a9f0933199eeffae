//! One call of a step.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write},
};

use anstream::ColorChoice;

use crate::Vars;

/// One call of a step, made from the process by `main`, or by the front door and by tests.
pub struct Invocation {
    /// The arguments, with the program's name first.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub vars: Vars,
    /// Standard output, for data.
    pub out: Box<dyn Write>,
    /// Standard error, for messages.
    pub err: Box<dyn Write>,
    /// Whether `err` is a terminal, which shows a live line.
    pub terminal: bool,
    /// Whether messages are coloured.
    pub colour: bool,
}

impl Invocation {
    /// Returns the call of this process.
    pub fn of_process() -> Self {
        let vars = Vars::of_process();
        // act gives a step a terminal and GitHub a pipe; on a runner this must make no difference.
        let terminal =
            !vars.is_runner() && io::stderr().is_terminal() && vars.get("TERM") != Some("dumb");
        // anstream judges NO_COLOR, CLICOLOR and CLICOLOR_FORCE.
        let choice = anstream::AutoStream::choice(&io::stderr());
        let colour = !vars.is_runner() && choice != ColorChoice::Never;
        Self {
            arguments: std::env::args_os().collect(),
            vars,
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            terminal,
            colour,
        }
    }
}
