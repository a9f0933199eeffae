//! Flags from the environment.
//!
//! Input `kebab-case` = flag `--kebab-case` = variable `RUNBOOK_KEBAB_CASE`. Variables become flags
//! before clap sees them. So an empty variable is an absent one for flags of every kind, lists may
//! be separated by commas or line breaks, and the command of `reproduce` is complete.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction};

use crate::Vars;

/// Conventional variables that are read when `RUNBOOK_…` is not set.
const CONVENTIONAL: [(&str, &str); 3] = [
    ("github-api-url", "GITHUB_API_URL"),
    ("argocd-server", "ARGOCD_SERVER"),
    ("kubeconfig", "KUBECONFIG"),
];

/// Returns the conventional variable of a flag, if any.
pub(crate) fn conventional(flag: &str) -> Option<&'static str> {
    let row = CONVENTIONAL.iter().find(|(name, _)| *name == flag);
    row.map(|(_, variable)| *variable)
}

/// Returns the arguments, with flags added for variables whose flag is not given.
///
/// # Errors
/// When the variable of a yes-or-no flag says neither; the text names variable and value.
pub(crate) fn with_variables(
    command: &clap::Command,
    arguments: Vec<OsString>,
    vars: &Vars,
) -> Result<Vec<OsString>, String> {
    let mut arguments = with_lists(command, arguments);
    let end = arguments.iter().position(|argument| argument == "--");
    let end = end.unwrap_or(arguments.len());
    let mut added = Vec::new();
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        if arguments[..end].iter().any(|text| is_flag(text, long)) {
            continue;
        }
        let name = variable(long);
        let value = vars.get(&name).or_else(|| vars.get(conventional(long)?));
        if let Some(value) = value {
            added.extend(as_flags(arg, long, &name, value)?);
        }
    }
    arguments.splice(end..end, added);
    Ok(arguments)
}

/// Returns the arguments with every list as several flags: a list is written in the same way on the
/// command line as in a variable.
fn with_lists(command: &clap::Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let lists: Vec<&str> = command
        .get_arguments()
        .filter(|arg| matches!(arg.get_action(), ArgAction::Append))
        .filter_map(Arg::get_long)
        .collect();
    let mut result = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let flag = argument.to_str().and_then(|text| text.strip_prefix("--"));
        let (flag, value) = match flag.map(|flag| flag.split_once('=').unwrap_or((flag, ""))) {
            // What follows are no flags.
            Some(("", _)) => {
                result.push(argument);
                result.extend(rest);
                return result;
            }
            Some((flag, value)) if lists.contains(&flag) => (flag.to_owned(), value.to_owned()),
            _ => {
                result.push(argument);
                continue;
            }
        };
        if !value.is_empty() {
            result.extend(list_flags(&flag, &value).unwrap_or_else(|| vec![argument]));
            continue;
        }
        let next = rest.next();
        let text = next.as_ref().and_then(|next| next.to_str());
        match text.and_then(|text| list_flags(&flag, text)) {
            Some(flags) => result.extend(flags),
            None => result.extend([argument].into_iter().chain(next)),
        }
    }
    result
}

/// Returns one flag for each item; `None` for a value that is no list.
fn list_flags(flag: &str, value: &str) -> Option<Vec<OsString>> {
    if !value.contains([',', '\n', '\r']) {
        return None;
    }
    let flags: Vec<OsString> = items(value)
        .map(|item| OsString::from(format!("--{flag}={item}")))
        .collect();
    (!flags.is_empty()).then_some(flags)
}

/// Returns the variable of a flag: `--registry-ca-file` is `RUNBOOK_REGISTRY_CA_FILE`.
fn variable(long: &str) -> String {
    format!("RUNBOOK_{}", long.to_ascii_uppercase().replace('-', "_"))
}

fn is_flag(argument: &OsStr, long: &str) -> bool {
    let text = argument.to_str().and_then(|text| text.strip_prefix("--"));
    let rest = text.and_then(|text| text.strip_prefix(long));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

fn as_flags(arg: &Arg, long: &str, name: &str, value: &str) -> Result<Vec<OsString>, String> {
    let flags = match arg.get_action() {
        ArgAction::SetTrue | ArgAction::Count if parse_bool(name, value)? => {
            vec![format!("--{long}")]
        }
        ArgAction::SetTrue | ArgAction::Count => Vec::new(),
        ArgAction::Append => items(value)
            .map(|item| format!("--{long}={item}"))
            .collect(),
        _ => vec![format!("--{long}={value}")],
    };
    Ok(flags.into_iter().map(OsString::from).collect())
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

/// Splits a list as a workflow writes it, by commas or line breaks; spaces around an item and empty
/// items are dropped.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n', '\r'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> clap::Command {
        let platform = Arg::new("platform").action(ArgAction::Append);
        let dry_run = Arg::new("dry-run").action(ArgAction::SetTrue);
        clap::Command::new("sample")
            .arg(Arg::new("image").long("image").required(true))
            .arg(platform.long("platform"))
            .arg(dry_run.long("dry-run"))
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
    fn an_empty_variable_is_absent_for_every_flag() {
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
    fn lists_are_split_at_commas_and_line_breaks() {
        let value = "linux/amd64, linux/arm64\nlinux/arm/v7\r\n\n";
        assert_eq!(
            resolve(&["sample"], &[("RUNBOOK_PLATFORM", value)]).unwrap()[1..],
            [
                "--platform=linux/amd64",
                "--platform=linux/arm64",
                "--platform=linux/arm/v7"
            ]
        );
    }

    #[test]
    fn a_list_on_the_command_line_is_a_list() {
        let split = ["sample", "--platform=a", "--platform=b", "--image", "x,y"];
        for given in [
            &["sample", "--platform", "a, b", "--image", "x,y"][..],
            &["sample", "--platform=a,b,", "--image", "x,y"],
        ] {
            assert_eq!(resolve(given, &[]).unwrap(), split);
        }
        for untouched in [
            &["sample", "--platform", " a"][..],
            &["sample", "--platform="],
            &["sample", "--platform", ","],
            &["sample", "--platform"],
            &["sample", "--", "--platform=a,b"],
        ] {
            assert_eq!(resolve(untouched, &[]).unwrap(), untouched);
        }
    }

    #[test]
    fn yes_and_no_have_three_spellings_each() {
        let spellings = [
            ("true", true),
            ("YES", true),
            ("1", true),
            ("false", false),
            ("no", false),
            ("0", false),
        ];
        for (value, set) in spellings {
            let resolved = resolve(&["sample"], &[("RUNBOOK_DRY_RUN", value)]).unwrap();
            assert_eq!(resolved.len() == 2, set, "{value}");
        }
        let error = resolve(&["sample"], &[("RUNBOOK_DRY_RUN", "maybe")]).unwrap_err();
        assert!(error.contains("RUNBOOK_DRY_RUN"));
    }

    #[test]
    fn a_flag_overrides_its_variable_and_its_list() {
        let vars = [("RUNBOOK_IMAGE", "a"), ("RUNBOOK_PLATFORM", "x")];
        let given = ["sample", "--image", "b", "--platform=y"];
        assert_eq!(resolve(&given, &vars).unwrap(), given);
    }

    #[test]
    fn a_conventional_variable_is_read_last() {
        let conventional = ("ARGOCD_SERVER", "argocd.example.org");
        assert_eq!(
            resolve(&["sample"], &[conventional]).unwrap()[1],
            "--argocd-server=argocd.example.org"
        );
        let both = [conventional, ("RUNBOOK_ARGOCD_SERVER", "other")];
        assert_eq!(
            resolve(&["sample"], &both).unwrap()[1],
            "--argocd-server=other"
        );
    }
}
