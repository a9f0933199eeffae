//! The flags that every step has.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::ArgAction;

use crate::{Vars, Verdict};

/// The flags that every step has.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Output format [default: `github` on a runner, else `plain`]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = OUTPUT)]
    pub(crate) format: Option<Format>,
    /// How long to wait; `0` checks once
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, help_heading = EVERY_STEP)]
    pub(crate) timeout: Duration,
    /// Exit 0 for these verdicts too: refused, not-yet, superseded, contradicted, unavailable, denied, contended
    #[arg(long, value_name = "VERDICT", action = ArgAction::Append, value_delimiter = ',', value_parser = parse_accept, help_heading = EVERY_STEP)]
    pub(crate) accept: Vec<Verdict>,
    /// Save a recording of the run in this directory, without secrets
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(crate) record: Option<PathBuf>,
    /// Log every request, command and file
    #[arg(long, short, action = ArgAction::Count, help_heading = OUTPUT)]
    pub(crate) verbose: u8,
}

const OUTPUT: &str = "Output";
/// The heading of the flags that every step has, besides those about its output.
pub(crate) const EVERY_STEP: &str = "Every step";

/// The format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people and pipes.
    Plain,
    /// For programs.
    Json,
    /// For a runner of GitHub Actions.
    Github,
}

const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Parses a duration: `0`, `90s`, `10m`, `1h 30m`.
///
/// # Errors
/// When the text is not a duration, or one of more than a year: the sum of it and the time of a
/// clock must be a time. A number other than 0 needs its unit.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text.trim())
        .map_err(|_| "expected a number with its unit, such as `90s` or `10m`, or `0`")?;
    if duration > MAX_DURATION {
        return Err("expected at most `365d`".to_owned());
    }
    Ok(duration)
}

fn parse_accept(text: &str) -> Result<Verdict, String> {
    let acceptable = Verdict::ALL
        .into_iter()
        .filter(|verdict| verdict.may_be_accepted());
    let word = text.trim();
    let found = acceptable.clone().find(|verdict| verdict.word() == word);
    found.ok_or_else(|| {
        let words: Vec<&str> = acceptable.map(Verdict::word).collect();
        format!("expected one of {}", words.join(", "))
    })
}

/// Finds the format without parsing, so that even an unknown flag is reported in it.
pub(crate) fn find_format(arguments: &[OsString], vars: &Vars) -> Format {
    match format_flag(arguments).or_else(|| vars.get("RUNBOOK_FORMAT")) {
        Some("json") => Format::Json,
        Some("github") => Format::Github,
        Some("plain") => Format::Plain,
        _ if vars.is_runner() => Format::Github,
        _ => Format::Plain,
    }
}

fn format_flag(arguments: &[OsString]) -> Option<&str> {
    let texts: Vec<&str> = arguments.iter().filter_map(|text| text.to_str()).collect();
    let separate = texts.iter().position(|text| *text == "--format");
    let separate = separate.and_then(|at| texts.get(at + 1).copied());
    separate.or_else(|| texts.iter().find_map(|text| text.strip_prefix("--format=")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_except_zero() {
        assert_eq!(parse_timeout("0").unwrap(), Duration::ZERO);
        assert_eq!(parse_timeout("1h 30m").unwrap(), Duration::from_secs(5400));
        assert!(parse_timeout("90").is_err() && parse_timeout("soon").is_err());
    }

    #[test]
    fn a_duration_beyond_every_clock_is_invalid() {
        assert!(parse_timeout("365d").is_ok());
        for text in ["366d", "18446744073709551615s", "18446744073709551615y"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn internal_errors_cannot_be_accepted() {
        assert_eq!(parse_accept("superseded"), Ok(Verdict::Superseded));
        let refused = [
            "internal",
            "usage",
            "interrupted",
            "passed",
            "nonsense",
            "10",
        ];
        for word in refused {
            assert!(parse_accept(word).is_err(), "{word}");
        }
    }

    #[test]
    fn accept_names_every_verdict_that_it_takes() {
        let command = <Common as clap::Args>::augment_args(clap::Command::new("x"));
        let accept = command.get_arguments().find(|arg| arg.get_id() == "accept");
        let help = accept.unwrap().get_help().unwrap().to_string();
        let named = help.split(": ").nth(1).unwrap().split(", ");
        let acceptable = Verdict::ALL.into_iter().filter(|v| v.may_be_accepted());
        assert!(named.eq(acceptable.map(Verdict::word)), "{help}");
    }

    #[test]
    fn the_format_is_found_next_to_nonsense() {
        let runner: Vars = [("GITHUB_ACTIONS", "true")].into_iter().collect();
        let find = |texts: &[&str], vars: &Vars| {
            let arguments: Vec<OsString> = texts.iter().map(OsString::from).collect();
            find_format(&arguments, vars)
        };
        let json = ["x", "--nonsense", "--format", "json"];
        assert_eq!(find(&json, &runner), Format::Json);
        assert_eq!(find(&["x"], &runner), Format::Github);
        assert_eq!(find(&["x"], &Vars::default()), Format::Plain);
    }
}
