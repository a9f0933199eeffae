//! `action.yml`: a composite action whose only step calls the binary.

use std::fmt::Write as _;

use super::page::{Input, MARK, StepPage, one_line};

/// Returns the text of `action.yml`.
pub(super) fn text(page: &StepPage) -> String {
    let StepPage { name, sentence, .. } = page;
    let mut text = format!(
        "# {MARK}; do not edit.\nname: {name}\ndescription: {}\n",
        quote(sentence)
    );
    text.push_str("inputs:\n");
    page.inputs
        .iter()
        .for_each(|input| text.push_str(&self::input(input)));
    text.push_str("outputs:\n");
    for output in &page.outputs {
        let (name, meaning) = (output.name, quote(&one_line(output.meaning)));
        let _ = write!(
            text,
            "  {name}:\n    description: {meaning}\n    value: ${{{{ steps.run.outputs.{name} }}}}\n"
        );
    }
    let _ = write!(
        text,
        "runs:\n  using: composite\n  steps:\n    - id: run\n      shell: bash\n      \
         run: '\"$GITHUB_ACTION_PATH/../.dex/run.sh\" {name}'\n      env:\n"
    );
    for input in &page.inputs {
        let _ = writeln!(
            text,
            "        {}: ${{{{ {} }}}}",
            input.variable,
            value(input)
        );
    }
    text
}

/// A missing input is an empty string, which would hide a variable in the job's `env:`. For the
/// same reason the runner's default comes last here, and not at the input.
fn value(input: &Input) -> String {
    let Input {
        name,
        variable,
        conventional,
        passed,
        ..
    } = input;
    let Some(passed) = passed else {
        return format!("inputs.{name} || env.{variable}");
    };
    let conventional = conventional
        .map(|name| format!(" || env.{name}"))
        .unwrap_or_default();
    format!("inputs.{name} || env.{variable}{conventional} || {passed}")
}

/// The binary keeps its own default: a missing input is a missing flag.
fn input(input: &Input) -> String {
    let Input {
        name,
        meaning,
        required,
        ..
    } = input;
    let default = input
        .default()
        .map(|default| format!(" [default: `{default}`]"))
        .unwrap_or_default();
    let description = quote(&format!("{meaning}{default}"));
    format!("  {name}:\n    description: {description}\n    required: {required}\n")
}

/// Returns the text as a single-quoted scalar of YAML.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
