//! What a step says about itself, in the words that its action and its README share.

use clap::ArgAction;
use contract::{Fact, Permission, Reason, Registration, SecretVariable};

/// Everything that the files of one step are made of.
pub(super) struct Page {
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    pub(super) example: &'static str,
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Fact>,
    pub(super) reasons: &'static [Reason],
    pub(super) permissions: &'static [Permission],
    pub(super) secrets: &'static [SecretVariable],
}

/// One input of the action: a flag, or a secret.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) variable: String,
    pub(super) meaning: String,
    pub(super) required: bool,
    /// What the binary takes when nothing is given.
    pub(super) default: Option<String>,
    /// What the action passes when nothing is given, an expression: only the runner knows it.
    pub(super) passed: Option<&'static str>,
    /// The variable that is read after ours, by convention.
    pub(super) conventional: Option<&'static str>,
}

/// Flags that are not inputs: a runner has a format of its own, and how much is said
/// is a matter of `RUNNER_DEBUG`, for all steps of a job at once.
const NOT_INPUTS: [&str; 4] = ["help", "version", "format", "verbose"];

/// What every step says, before its own facts.
const OUTPUTS: [Fact; 5] = [
    Fact {
        name: "verdict",
        meaning: "What came out, one word: see the exit codes.",
    },
    Fact {
        name: "reason",
        meaning: "Why, one word of the list of reasons; empty when all is well.",
    },
    Fact {
        name: "fault",
        meaning: "Who or what has to change: `change`, `configuration`, `environment` or `nobody`; empty when all is well.",
    },
    Fact {
        name: "exit",
        meaning: "The exit code.",
    },
    Fact {
        name: "summary",
        meaning: "One sentence for people; do not decide on it.",
    },
];

impl Page {
    /// Reads a step.
    pub(super) fn of(step: &Registration) -> Self {
        let command = (step.command)();
        let flags = command.get_arguments().filter_map(Input::of_flag);
        Self {
            name: step.name,
            sentence: step.sentence,
            example: step.example,
            inputs: flags
                .chain(step.secrets.iter().map(Input::of_secret))
                .collect(),
            outputs: OUTPUTS.iter().chain(step.facts).copied().collect(),
            reasons: step.reasons,
            permissions: step.permissions,
            secrets: step.secrets,
        }
    }
}

impl Input {
    fn of_flag(arg: &clap::Arg) -> Option<Self> {
        let name = arg
            .get_long()
            .filter(|long| !NOT_INPUTS.contains(long) && !arg.is_hide_set())?;
        let defaults: Vec<_> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        Some(Self {
            name: name.to_owned(),
            variable: variable(name),
            meaning: meaning(arg),
            required: arg.is_required_set(),
            default: Some(defaults.join(",")).filter(|text| takes_value(arg) && !text.is_empty()),
            passed: None,
            conventional: None,
        })
    }

    /// Returns what counts when nothing is given.
    pub(super) fn default(&self) -> Option<&str> {
        self.default.as_deref().or(self.passed)
    }

    fn of_secret(secret: &SecretVariable) -> Self {
        let name = secret
            .name
            .trim_start_matches("RUNBOOK_")
            .to_ascii_lowercase()
            .replace('_', "-");
        Self {
            name,
            variable: secret.name.to_owned(),
            meaning: capitalised(&one_line(secret.meaning)),
            required: false,
            default: None,
            passed: secret.default.map(expression),
            conventional: secret.conventional,
        }
    }
}

/// Returns what is between `${{` and `}}`.
fn expression(text: &'static str) -> &'static str {
    text.trim()
        .trim_start_matches("${{")
        .trim_end_matches("}}")
        .trim()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Input `kebab-case` = flag `--kebab-case` = variable `RUNBOOK_KEBAB_CASE`.
fn variable(flag: &str) -> String {
    format!("RUNBOOK_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// Returns the flag's help and the shape of its value.
fn meaning(arg: &clap::Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // The variable follows from the name; and an input is given once, however often a flag may be.
    let rest = [" [env: ", "; may be repeated", "; repeat it"];
    let end = rest
        .iter()
        .filter_map(|rest| help.find(rest))
        .min()
        .unwrap_or(help.len());
    let help = one_line(&help[..end]);
    let mut shapes = Vec::new();
    let values = arg.get_possible_values();
    if takes_value(arg) && !values.is_empty() {
        let words: Vec<String> = values
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        shapes.push(format!("one of {}", words.join(", ")));
    }
    match arg.get_action() {
        ArgAction::Append => shapes.push("several by comma or line break".to_owned()),
        ArgAction::SetTrue => shapes.push("`true` or `false`".to_owned()),
        _ => {}
    }
    if shapes.is_empty() {
        help
    } else {
        format!("{help} ({})", shapes.join("; "))
    }
}

fn takes_value(arg: &clap::Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Returns the text with every run of blanks and line breaks as one blank.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
