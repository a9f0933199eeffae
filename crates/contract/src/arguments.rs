//! Flags and variables: one word list, three spellings.
//!
//! Input `kebab-case` = flag `--kebab-case` = variable `RUNBOOK_KEBAB_CASE`. Variables become flags
//! before clap sees them, so that an empty variable is an absent one for flags of every kind, lists
//! may be separated by commas or line breaks, and the command that `reproduce` prints is complete.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use clap::{Arg, ArgAction, Args as _};

use crate::{Step, Verdict};

/// The variables of the environment; an empty one is absent.
#[derive(Debug, Clone, Default)]
pub struct Vars(BTreeMap<String, String>);

impl Vars {
    /// Returns this process's variables; a value that is not Unicode is left out.
    pub fn of_process() -> Self {
        let unicode = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(unicode).collect())
    }

    /// Returns a variable that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns whether this is a runner of GitHub Actions, or one that behaves like it.
    pub fn is_runner(&self) -> bool {
        self.get("GITHUB_ACTIONS") == Some("true")
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Vars {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// The flags of every step.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Every step")]
pub struct Common {
    /// Print words, one JSON document, or what a runner reads [default: `github` on a runner, else `plain`]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// How long to wait for an answer that may still become yes; `0` asks once
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    pub timeout: Duration,
    /// Exit with 0 although this is the verdict: refused, not-yet, superseded, contradicted, unavailable, denied, contended
    #[arg(long, value_name = "VERDICT", action = ArgAction::Append, value_delimiter = ',', value_parser = parse_accept)]
    pub accept: Vec<Verdict>,
    /// Record what was asked and answered into this directory, without secrets
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Say every request, command and file
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
}

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// People, and a pipe.
    Plain,
    /// A program.
    Json,
    /// A runner of GitHub Actions.
    Github,
}

/// Conventional variables that are read after ours (product.md, "The contract of a step").
const CONVENTIONAL: [(&str, &str); 3] = [
    ("github-api-url", "GITHUB_API_URL"),
    ("argocd-server", "ARGOCD_SERVER"),
    ("kubeconfig", "KUBECONFIG"),
];

/// Returns the step's command line: its own flags, those of every step, and their variables.
pub(crate) fn command<S: Step>() -> clap::Command {
    let command = Common::augment_args(S::Args::augment_args(clap::Command::new(S::NAME)));
    // After the flags, whose structs set their own docs as the sentence.
    let command = command
        .version(env!("CARGO_PKG_VERSION"))
        .about(S::SENTENCE)
        .long_about(None);
    let command = command.mut_arg("timeout", |arg| {
        arg.required(false).default_value(S::TIMEOUT)
    });
    let command = command.max_term_width(100);
    command
        .after_help(after_help::<S>())
        .mut_args(with_variable_in_help)
}

fn after_help<S: Step>() -> String {
    let secrets = S::SECRETS.iter().map(|secret| {
        let or = secret
            .conventional
            .map(|name| format!(", else {name}"))
            .unwrap_or_default();
        format!("  {}{or}: {}\n", secret.name, secret.meaning)
    });
    let codes = Verdict::ALL.iter().map(|verdict| {
        format!(
            "  {:>3}  {verdict}: {}\n",
            verdict.exit(),
            verdict.meaning()
        )
    });
    let secrets: String = secrets.collect();
    let heading = if secrets.is_empty() {
        ""
    } else {
        "Secrets, from the environment only:\n"
    };
    format!(
        "{heading}{secrets}\nExit codes:\n{}",
        codes.collect::<String>()
    )
}

fn with_variable_in_help(arg: Arg) -> Arg {
    let (Some(name), Some(help)) = (variable(&arg), arg.get_help()) else {
        return arg;
    };
    let help = format!("{help} [env: {name}]");
    arg.help(help)
}

/// The variable of a flag: `--registry-ca-file` is `RUNBOOK_REGISTRY_CA_FILE`.
fn variable(arg: &Arg) -> Option<String> {
    let long = arg
        .get_long()
        .filter(|long| !matches!(*long, "help" | "version"))?;
    Some(format!(
        "RUNBOOK_{}",
        long.to_ascii_uppercase().replace('-', "_")
    ))
}

/// Returns the arguments with those added that only the environment gives.
///
/// # Errors
/// When a variable of a yes-or-no flag says neither; the text names variable and value.
pub(crate) fn with_variables(
    command: &clap::Command,
    mut arguments: Vec<OsString>,
    vars: &Vars,
) -> Result<Vec<OsString>, String> {
    let end = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    let mut added = Vec::new();
    for arg in command.get_arguments() {
        let (Some(long), Some(name)) = (arg.get_long(), variable(arg)) else {
            continue;
        };
        if arguments[..end]
            .iter()
            .any(|argument| is_flag(argument, long))
        {
            continue;
        }
        let conventional = CONVENTIONAL
            .iter()
            .find(|(flag, _)| *flag == long)
            .map(|(_, name)| *name);
        let Some(value) = vars.get(&name).or_else(|| vars.get(conventional?)) else {
            continue;
        };
        added.extend(as_flags(arg, long, &name, value)?);
    }
    arguments.splice(end..end, added);
    Ok(arguments)
}

fn is_flag(argument: &std::ffi::OsStr, long: &str) -> bool {
    let rest = argument
        .to_str()
        .and_then(|text| text.strip_prefix("--"))
        .and_then(|text| text.strip_prefix(long));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

fn as_flags(arg: &Arg, long: &str, name: &str, value: &str) -> Result<Vec<OsString>, String> {
    Ok(match arg.get_action() {
        ArgAction::SetTrue | ArgAction::Count => {
            if parse_bool(name, value)? {
                vec![format!("--{long}").into()]
            } else {
                Vec::new()
            }
        }
        ArgAction::Append => parse_list(value)
            .into_iter()
            .map(|item| format!("--{long}={item}").into())
            .collect(),
        _ => vec![format!("--{long}={value}").into()],
    })
}

fn parse_bool(name: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!(
            "`{value}` in `{name}` is neither true nor false: write true, false, yes, no, 1 or 0"
        )),
    }
}

/// Returns the items of a list that is separated by commas or line breaks, as a workflow writes it;
/// blanks around an item and empty items are dropped.
pub fn parse_list(text: &str) -> Vec<&str> {
    text.split([',', '\n', '\r'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

/// Returns a duration: `0`, `90s`, `10m`, `1h 30m`.
///
/// # Errors
/// When it is not one; a number without a unit is not, since nobody knows which one was meant.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text.trim());
    duration
        .map_err(|_| "expected a number with its unit, such as `90s` or `10m`, or `0`".to_owned())
}

fn parse_accept(text: &str) -> Result<Verdict, String> {
    let word = text.trim();
    let verdict = Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.word() == word);
    verdict
        .filter(|verdict| verdict.may_be_accepted())
        .ok_or_else(|| {
            let words: Vec<&str> = Verdict::ALL
                .iter()
                .filter(|v| v.may_be_accepted())
                .map(|v| v.word())
                .collect();
            format!("expected one of {}", words.join(", "))
        })
}

/// Finds the format without parsing, so that even an unknown flag is reported as it was wanted.
pub(crate) fn find_format(arguments: &[OsString], vars: &Vars) -> Format {
    let texts: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .collect();
    let separate = texts
        .iter()
        .position(|text| *text == "--format")
        .and_then(|at| texts.get(at + 1).copied());
    let joined = texts.iter().find_map(|text| text.strip_prefix("--format="));
    match separate.or(joined).or_else(|| vars.get("RUNBOOK_FORMAT")) {
        Some("json") => Format::Json,
        Some("github") => Format::Github,
        Some("plain") => Format::Plain,
        _ if vars.is_runner() => Format::Github,
        _ => Format::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> clap::Command {
        clap::Command::new("sample")
            .arg(Arg::new("image").long("image").required(true))
            .arg(
                Arg::new("platform")
                    .long("platform")
                    .action(ArgAction::Append),
            )
            .arg(
                Arg::new("dry-run")
                    .long("dry-run")
                    .action(ArgAction::SetTrue),
            )
            .arg(Arg::new("argocd-server").long("argocd-server"))
    }

    fn resolve(arguments: &[&str], vars: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let vars = vars.iter().copied().collect();
        let arguments = arguments.iter().map(OsString::from).collect();
        let resolved = with_variables(&sample(), arguments, &vars)?;
        Ok(resolved
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect())
    }

    #[test]
    fn an_empty_variable_is_absent_for_every_kind_of_flag() {
        let empty = [
            "RUNBOOK_IMAGE",
            "RUNBOOK_PLATFORM",
            "RUNBOOK_DRY_RUN",
            "RUNBOOK_ARGOCD_SERVER",
        ]
        .map(|name| (name, ""));
        assert_eq!(resolve(&["sample"], &empty).unwrap(), ["sample"]);
    }

    #[test]
    fn lists_come_by_comma_or_line_break() {
        let vars = [(
            "RUNBOOK_PLATFORM",
            "linux/amd64, linux/arm64\nlinux/arm/v7\r\n\n",
        )];
        assert_eq!(
            resolve(&["sample"], &vars).unwrap()[1..],
            [
                "--platform=linux/amd64",
                "--platform=linux/arm64",
                "--platform=linux/arm/v7"
            ]
        );
    }

    #[test]
    fn yes_and_no_have_three_spellings_each_and_nothing_else_passes() {
        for (value, set) in [
            ("true", true),
            ("YES", true),
            ("1", true),
            ("false", false),
            ("no", false),
            ("0", false),
        ] {
            assert_eq!(
                resolve(&["sample"], &[("RUNBOOK_DRY_RUN", value)])
                    .unwrap()
                    .len()
                    == 2,
                set,
                "{value}"
            );
        }
        assert!(
            resolve(&["sample"], &[("RUNBOOK_DRY_RUN", "maybe")])
                .unwrap_err()
                .contains("RUNBOOK_DRY_RUN")
        );
    }

    #[test]
    fn a_flag_wins_over_its_variable_and_replaces_its_list() {
        let vars = [("RUNBOOK_IMAGE", "a"), ("RUNBOOK_PLATFORM", "x")];
        let given = ["sample", "--image", "b", "--platform=y"];
        assert_eq!(resolve(&given, &vars).unwrap(), given);
    }

    #[test]
    fn a_conventional_variable_is_read_after_ours() {
        let conventional = ("ARGOCD_SERVER", "argocd.example.org");
        assert_eq!(
            resolve(&["sample"], &[conventional]).unwrap()[1],
            "--argocd-server=argocd.example.org"
        );
        let both = [conventional, ("RUNBOOK_ARGOCD_SERVER", "ours")];
        assert_eq!(
            resolve(&["sample"], &both).unwrap()[1],
            "--argocd-server=ours"
        );
    }

    #[test]
    fn durations_need_a_unit_but_for_zero() {
        assert_eq!(parse_timeout("0").unwrap(), Duration::ZERO);
        assert_eq!(parse_timeout("1h 30m").unwrap(), Duration::from_secs(5400));
        assert!(parse_timeout("90").is_err() && parse_timeout("soon").is_err());
    }

    #[test]
    fn a_bug_or_a_wrong_flag_cannot_be_accepted() {
        assert_eq!(parse_accept("superseded"), Ok(Verdict::Superseded));
        for word in [
            "internal",
            "usage",
            "interrupted",
            "passed",
            "nonsense",
            "10",
        ] {
            assert!(parse_accept(word).is_err(), "{word}");
        }
    }

    #[test]
    fn the_format_is_found_even_beside_nonsense() {
        let runner: Vars = [("GITHUB_ACTIONS", "true")].into_iter().collect();
        let arguments = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            find_format(
                &arguments(&["x", "--nonsense", "--format", "json"]),
                &runner
            ),
            Format::Json
        );
        assert_eq!(find_format(&arguments(&["x"]), &runner), Format::Github);
        assert_eq!(
            find_format(&arguments(&["x"]), &Vars::default()),
            Format::Plain
        );
    }
}
