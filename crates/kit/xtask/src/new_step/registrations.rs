//! The places outside its crate where a step is named.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use super::template::StepNames;
use crate::{
    arrows::{ArrowRow, TABLE, with_rows},
    repository::packages,
};

/// The packages that the step of the template uses.
const MAY_USE: [&str; 1] = ["crates/contract"];

/// Why other packages may not use the step.
const REASON: &str = "steps do not use each other";

/// Writes all registrations that Cargo needs, or that people read.
pub(super) fn write(root: &Path, names: &StepNames, sentence: &str) -> anyhow::Result<()> {
    register_package(root, names)?;
    let (package, purpose) = (&names.package, lowercased(sentence));

    let map = RegistryFile::read(root, "crates/README.md")?;
    let row = format!("| `steps/{package}` | {purpose} | TODO |");
    map.replace(after_last(&map.text, "| `steps/", &row))?;

    let readme = RegistryFile::read(root, "README.md")?;
    readme.replace(readme_row(&readme.text, package, sentence))?;

    let changelog = RegistryFile::read(root, "CHANGELOG.md")?;
    let line = format!("\n- `{package}`: {purpose}.");
    let text = after_last(&changelog.text, "## Unreleased", &line);
    // The new line and the list after it are one list.
    changelog.replace(text.map(|text| text.replacen(".\n\n- ", ".\n- ", 1)))?;

    let selftest = RegistryFile::read(root, ".github/workflows/selftest.yml")?;
    let job = JOB.replace("check-sample", package);
    selftest.replace(Some(format!("{}\n\n{job}", selftest.text.trim_end())))
}

/// Writes what the build needs, and the row of arrows.
fn register_package(root: &Path, names: &StepNames) -> anyhow::Result<()> {
    let StepNames {
        package,
        library,
        type_name,
    } = names;
    let workspace = RegistryFile::read(root, "Cargo.toml")?;
    let line = format!("{package} = {{ path = \"crates/steps/{package}\" }}");
    workspace.replace(after_last(&workspace.text, "path = \"crates/steps/", &line))?;

    let runbook = RegistryFile::read(root, "crates/runbook/Cargo.toml")?;
    let line = format!("{package}.workspace = true");
    runbook.replace(among_dependencies(&runbook.text, &line))?;

    let steps = RegistryFile::read(root, "crates/runbook/src/steps.rs")?;
    let line = format!("    Registration::of::<{library}::{type_name}>(),");
    steps.replace(after_last(&steps.text, "    Registration::of::<", &line))?;

    let arrows = RegistryFile::read(root, "crates/kit/xtask/src/arrows.rs")?;
    let marker = "    // `cargo xtask new-step` writes";
    arrows.replace(before(&arrows.text, marker, &arrows_row(package)))
}

/// Writes the rows of `.deny.toml`, which need the package in `Cargo.lock`.
pub(super) fn write_rows(root: &Path, names: &StepNames) -> anyhow::Result<()> {
    let folder = format!("crates/steps/{}", names.package);
    let own = ArrowRow {
        folder: &folder,
        may_use: &MAY_USE,
        reason: REASON,
    };
    let mut table = TABLE.to_vec();
    let last_step = TABLE
        .iter()
        .rposition(|row| row.folder.starts_with("crates/steps/"));
    table.insert(last_step.map_or(0, |at| at + 1), own);
    let deny = RegistryFile::read(root, ".deny.toml")?;
    deny.replace(with_rows(&deny.text, &packages(root)?, &table))
}

/// A file that names all steps.
struct RegistryFile {
    name: &'static str,
    path: PathBuf,
    text: String,
}

impl RegistryFile {
    fn read(root: &Path, name: &'static str) -> anyhow::Result<Self> {
        let path = root.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("could not read `{name}`"))?;
        Ok(Self { name, path, text })
    }

    /// Writes the new text; `None` means that the file has no place for the step.
    fn replace(&self, text: Option<String>) -> anyhow::Result<()> {
        let name = self.name;
        let text = text.with_context(|| format!("`{name}` has no line to put the step after"))?;
        ensure!(text != self.text, "`{name}` did not change");
        fs::write(&self.path, text).with_context(|| format!("could not write `{name}`"))
    }
}

/// Inserts a line after the last line that contains a text.
fn after_last(text: &str, wanted: &str, line: &str) -> Option<String> {
    let at = text.rfind(wanted)?;
    let end = at + text[at..].find('\n')? + 1;
    Some(format!("{}{line}\n{}", &text[..end], &text[end..]))
}

fn before(text: &str, wanted: &str, block: &str) -> Option<String> {
    let at = text.find(wanted)?;
    Some(format!("{}{block}{}", &text[..at], &text[at..]))
}

/// Inserts a line into the sorted table of dependencies.
fn among_dependencies(text: &str, line: &str) -> Option<String> {
    let start = text.find("[dependencies]\n")? + "[dependencies]\n".len();
    let end = text[start..]
        .find("\n\n")
        .map_or(text.len(), |at| start + at + 1);
    let mut lines: Vec<&str> = text[start..end].lines().chain([line]).collect();
    lines.sort_unstable();
    Some(format!(
        "{}{}\n{}",
        &text[..start],
        lines.join("\n"),
        &text[end..]
    ))
}

fn arrows_row(package: &str) -> String {
    let may_use = MAY_USE.map(|folder| format!("\"{folder}\"")).join(", ");
    format!(
        "    ArrowRow {{\n        folder: \"crates/steps/{package}\",\n        \
         may_use: &[{may_use}],\n        reason: \"{REASON}\",\n    }},\n"
    )
}

/// Adds the step to the table of steps, with as many columns as the table has; a row that announced
/// the step goes.
fn readme_row(text: &str, package: &str, sentence: &str) -> Option<String> {
    let planned = format!("| `{package}` |");
    let kept = text.lines().filter(|line| !line.starts_with(&planned));
    let text = kept.map(|line| format!("{line}\n")).collect::<String>();
    let last_row = text.lines().rfind(|line| line.contains("/README.md) |"))?;
    let further = last_row.matches(" |").count().saturating_sub(2);
    let link = format!("[`{package}`](actions/{package}/README.md)");
    let row = format!("| {link} | {sentence}. |{}", " |".repeat(further));
    after_last(&text, "/README.md) |", &row)
}

fn lowercased(sentence: &str) -> String {
    let (first, rest) = sentence.split_at(1);
    first.to_ascii_lowercase() + rest
}

/// A job that asserts one outcome without secrets and systems.
const JOB: &str = "  check-sample:
    name: check-sample
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    permissions:
      contents: read # to check the repository out
    env:
      RUNBOOK_BIN_DIR: ${{ github.workspace }}/target/quick
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - name: Build the binary
        run: cargo build --profile quick --locked -p check-sample
      - name: Check a file that does not exist
        id: step
        uses: ./actions/check-sample # zizmor: ignore[self-repository] actionlint and act do not know it yet
        continue-on-error: true
        with:
          file: no-such-file
      - name: Compare with the expected outcome
        env:
          OUTCOME: ${{ steps.step.outputs.exit }} ${{ steps.step.outputs.reason }}
        run: |
          printf '%s\\n' \"$OUTCOME\"
          [[ $OUTCOME == '10 file-missing' ]]
";
