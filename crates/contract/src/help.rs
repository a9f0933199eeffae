//! The text of `-h` and `--help`.
//!
//! Both list the flags in the short form of clap, one line each. `--help` adds examples, variables,
//! secrets and exit codes.

use std::{
    ffi::OsString,
    fmt::{self, Write as _},
};

use clap::{Arg, ArgAction, builder::StyledStr};

use crate::{SecretVariable, Step, Verdict, common::EVERY_STEP, environment::conventional};

/// Adds the flags for help and version. clap's own `--help` would use its long form as soon as one
/// flag has several paragraphs or one of its values has a description.
pub(crate) fn with_help_flags(command: clap::Command, arguments: &[OsString]) -> clap::Command {
    let end = arguments.iter().position(|argument| argument == "--");
    let given = &arguments[..end.unwrap_or(arguments.len())];
    let (command, more) = if given.iter().any(|argument| argument == "--help") {
        (command, "Print help (see a summary with `-h`)")
    } else {
        let hint = "See `--help` for examples, variables, secrets and exit codes.";
        (
            command.after_help(hint),
            "Print help (see more with `--help`)",
        )
    };
    let help = Arg::new("help").short('h').long("help").help(more);
    let version = Arg::new("version").short('V').long("version");
    command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .next_help_heading(EVERY_STEP)
        .arg(help.action(ArgAction::HelpShort))
        .arg(version.help("Print version").action(ArgAction::Version))
}

/// Returns the sections below the flags.
pub(crate) fn after_help<S: Step>(command: &clap::Command) -> StyledStr {
    let mut text = Sections::of(command);
    text.examples(S::EXAMPLES);
    text.variables(command);
    text.secrets(S::SECRETS);
    text.exit_codes();
    text.text.trim_end().to_owned().into()
}

/// The sections below the flags, with headings in clap's style.
struct Sections {
    text: String,
    style: anstyle::Style,
}

impl Sections {
    fn of(command: &clap::Command) -> Self {
        Self {
            text: String::new(),
            style: *command.get_styles().get_header(),
        }
    }

    fn heading(&mut self, heading: &str) {
        let style = self.style;
        self.line(format_args!("{style}{heading}:{style:#}"));
    }

    fn line(&mut self, line: impl fmt::Display) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn examples(&mut self, examples: &[&str]) {
        if examples.is_empty() {
            return;
        }
        self.heading("Examples");
        for example in examples {
            for line in example.lines().flat_map(continued) {
                self.line(format_args!("  {line}"));
            }
            self.line("");
        }
    }

    fn variables(&mut self, command: &clap::Command) {
        self.heading("Variables");
        self.line("  Every flag is also read from `RUNBOOK_<FLAG>` (such as `RUNBOOK_TIMEOUT`).");
        let flags = command.get_arguments().filter_map(Arg::get_long);
        for flag in flags {
            if let Some(variable) = conventional(flag) {
                self.line(format_args!("  `--{flag}` is then read from `{variable}`."));
            }
        }
        self.line("");
    }

    fn secrets(&mut self, secrets: &[SecretVariable]) {
        if secrets.is_empty() {
            return;
        }
        self.heading("Secrets");
        for secret in secrets {
            match secret.conventional {
                Some(other) => self.line(format_args!("  {}, else {other}", secret.name)),
                None => self.line(format_args!("  {}", secret.name)),
            }
            self.line(format_args!("          {}", secret.meaning));
        }
        self.line("");
    }

    fn exit_codes(&mut self) {
        self.heading("Exit codes");
        let (good, bad): (Vec<Verdict>, Vec<Verdict>) =
            Verdict::ALL.into_iter().partition(|v| v.is_good());
        let good: Vec<&str> = good.into_iter().map(Verdict::word).collect();
        self.line(format_args!("  {:>3}  {}", 0, good.join(", ")));
        for verdict in bad {
            let (exit, meaning) = (verdict.exit(), verdict.meaning());
            self.line(format_args!("  {exit:>3}  {verdict}: {meaning}"));
        }
    }
}

/// The width of a line of an example, which is two columns less than the narrowest usual terminal
/// after its indentation: clap would break a longer line where a shell does not continue it.
const EXAMPLE_WIDTH: usize = 76;

/// Breaks a command line between its flags, with `\` at the end of each line, as a shell reads it.
/// A comment stays as it is.
fn continued(line: &str) -> Vec<String> {
    if line.starts_with('#') {
        return vec![line.to_owned()];
    }
    let mut words = line.split(" --");
    let mut lines = vec![words.next().unwrap_or_default().to_owned()];
    for flag in words {
        let last = lines.len() - 1;
        if lines[last].len() + " --".len() + flag.len() + " \\".len() <= EXAMPLE_WIDTH {
            lines[last] += &format!(" --{flag}");
        } else {
            lines[last] += " \\";
            lines.push(format!("    --{flag}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_example_continues_between_flags() {
        let value = "x".repeat(40);
        let lines = continued(&format!("step --first {value} --second {value} --third 3"));
        let second = format!("    --second {value} --third 3");
        assert_eq!(lines, [format!("step --first {value} \\"), second]);
    }

    #[test]
    fn comments_and_short_examples_stay_whole() {
        for line in ["# A comment -- of any length", "step --flag value"] {
            assert_eq!(continued(line), [line]);
        }
    }
}
