//! `README.md` of an action: all that a workflow may rely on.

use contract::{Reason, Verdict, asking};

use super::page::{Input, MARK, StepPage, one_line};

/// Returns the text of `README.md`.
pub(super) fn text(page: &StepPage) -> String {
    let sections = [
        head(page),
        section(
            "Inputs",
            &["input", "meaning", "default"],
            page.inputs.iter().map(input),
        ),
        outputs(page),
        exit_codes(),
        reasons(page.reasons),
        permissions(page),
        secrets(page),
        format!("{MARK} from `crates/steps/{}`; do not edit.\n", page.name),
    ];
    sections
        .into_iter()
        .filter(|section| !section.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn head(page: &StepPage) -> String {
    let StepPage {
        name,
        sentence,
        example,
        ..
    } = page;
    let example: String = example
        .trim_matches('\n')
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned() + "\n")
        .collect();
    format!(
        "# {name}\n\n{sentence}.\n\n```yaml\n- uses: data-literate/dex-actions/{name}@v1\n{example}```\n\n\
         On a laptop it is the program `{name}`: input `kebab-case` is flag `--kebab-case` and variable\n\
         `RUNBOOK_KEBAB_CASE`. A variable in the job's `env:` counts where the input is left out.\n"
    )
}

fn input(input: &Input) -> Vec<String> {
    let default = match input.default() {
        Some(default) => format!("`{default}`"),
        None if input.required => "**required**".to_owned(),
        None => String::new(),
    };
    vec![format!("`{}`", input.name), input.meaning.clone(), default]
}

fn outputs(page: &StepPage) -> String {
    let row = |fact: &contract::Fact| vec![format!("`{}`", fact.name), one_line(fact.meaning)];
    section(
        "Outputs",
        &["output", "meaning"],
        page.outputs.iter().map(row),
    )
}

fn exit_codes() -> String {
    let row = |verdict: &Verdict| {
        vec![
            verdict.exit().to_string(),
            format!("`{verdict}`"),
            verdict.meaning().to_owned(),
        ]
    };
    section(
        "Exit codes",
        &["code", "verdict", "meaning"],
        Verdict::ALL.iter().map(row),
    )
}

fn reasons(own: &[Reason]) -> String {
    let row = |reason: &Reason| {
        vec![
            format!("`{reason}`"),
            format!("`{}`", reason.fault.word()),
            reason.meaning.to_owned(),
        ]
    };
    let shared = asking::ALL
        .iter()
        .filter(|shared| own.iter().all(|own| own.word != shared.word));
    section(
        "Reasons",
        &["reason", "fault", "meaning"],
        own.iter().chain(shared).map(row),
    )
}

fn permissions(page: &StepPage) -> String {
    let row = |permission: &contract::Permission| {
        let system = permission.system.title().to_owned();
        vec![
            system,
            format!("`{}`", permission.line),
            permission.when.to_owned(),
        ]
    };
    section(
        "Permissions",
        &["where", "permission", "when"],
        page.permissions.iter().map(row),
    )
}

fn secrets(page: &StepPage) -> String {
    let row = |secret: &contract::SecretVariable| {
        let then = secret
            .conventional
            .map(|name| format!(", then `{name}`"))
            .unwrap_or_default();
        vec![format!("`{}`{then}", secret.name), one_line(secret.meaning)]
    };
    section(
        "Secrets",
        &["variable", "meaning"],
        page.secrets.iter().map(row),
    )
}

/// Returns a heading and a table; nothing when there are no rows.
fn section(title: &str, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: String = rows.map(|cells| row(&cells)).collect();
    if rows.is_empty() {
        return rows;
    }
    let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    format!(
        "## {title}\n\n{}|{}\n{rows}",
        row(&columns),
        "---|".repeat(columns.len())
    )
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}
