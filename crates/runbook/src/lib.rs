//! All steps of a deployment runbook behind one name, for a laptop, and a demo of them.

mod demo;
pub mod steps;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Arg, ArgAction, Command, value_parser};
use clap_complete::Shell;
use contract::{Invocation, Verdict};

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let mut invocation = Invocation::of_process();
    let name = invocation
        .arguments
        .get(1)
        .and_then(|argument| argument.to_str())
        .map(str::to_owned);
    if let Some(step) = name.as_deref().and_then(steps::find) {
        // `runbook check-image --image …` is `check-image --image …`.
        invocation.arguments.remove(0);
        return (step.start)(invocation);
    }
    let matches = match command().try_get_matches_from(&invocation.arguments) {
        Ok(matches) => matches,
        Err(error) => return explain(&error),
    };
    match matches.subcommand() {
        Some(("completions", matches)) => completions(matches.get_one::<Shell>("shell")),
        Some(("demo", matches)) => demo::main(invocation, matches.get_flag("keep")),
        _ => ExitCode::from(Verdict::Usage.exit()),
    }
}

fn command() -> Command {
    let keep = Arg::new("keep")
        .long("keep")
        .action(ArgAction::SetTrue)
        .help("Keep the systems running until Ctrl-C, and print the variables for the steps");
    let demo = Command::new("demo")
        .about("Show the steps at work, offline, on small systems of this machine")
        .arg(keep);
    let shell = Arg::new("shell")
        .required(true)
        .value_parser(value_parser!(Shell))
        .help("Shell to complete for");
    let completions = Command::new("completions")
        .about("Print shell completions")
        .arg(shell);
    Command::new("runbook")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The steps of a deployment runbook behind one name")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(steps::ALL.iter().map(|step| (step.command)()))
        .subcommands([demo, completions])
}

/// Prints clap's message. Its exit codes are those of the steps: 0 for help, 2 for invalid
/// arguments.
fn explain(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() {
        Verdict::Usage.exit()
    } else {
        0
    })
}

fn completions(shell: Option<&Shell>) -> ExitCode {
    let mut script = Vec::new();
    if let Some(shell) = shell {
        clap_complete::generate(*shell, &mut command(), "runbook", &mut script);
    }
    let written = io::stdout().write_all(&script);
    ExitCode::from(if written.is_ok() {
        0
    } else {
        Verdict::Unavailable.exit()
    })
}
