//! `cargo xtask generate`: writes the files whose content follows from the code.
//!
//! A step states its sentence, flags, facts, reasons, permissions and secrets once, in its crate;
//! its action and README are made of them. The rows of `.deny.toml` come from the table of arrows,
//! the JSON Schema of `.github/runbook.yaml` from the types that read it.
//! All are reviewed like code.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to people"
)]

mod action;
mod page;
mod readme;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

use self::page::{MARK, StepPage};
use crate::{
    arrows::{TABLE, with_rows},
    repository::packages,
};

const DENY: &str = ".deny.toml";
const SCHEMA: &str = "actions/plan-deploy/runbook.schema.json";

/// Writes all generated files, or reports those that are not current.
pub(crate) fn run(root: &Path, check: bool) -> anyhow::Result<ExitCode> {
    let changes = changes(root, &files(root)?)?;
    for change in &changes {
        if check {
            eprintln!("{}", change.describe());
        } else {
            change.apply(root)?;
            println!("{}", change.path.display());
        }
    }
    if check && !changes.is_empty() {
        anyhow::bail!(
            "{} of the generated files are not current: run `cargo xtask generate`",
            changes.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns every generated file by its path in the repository.
fn files(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let pages: Vec<StepPage> = runbook::steps::ALL.iter().map(StepPage::of).collect();
    let mut files = step_files(&pages);
    let deny = fs::read_to_string(root.join(DENY)).context("could not read `.deny.toml`")?;
    let deny = with_rows(&deny, &packages(root)?, TABLE)
        .context("`.deny.toml` lacks the lines around its generated rows")?;
    files.insert(PathBuf::from(DENY), deny);
    let schema = serde_json::to_string_pretty(&environments::schema())?;
    files.insert(PathBuf::from(SCHEMA), schema + "\n");
    Ok(files)
}

/// Returns the files of these steps below `actions/`.
fn step_files(pages: &[StepPage]) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for page in pages {
        let folder = Path::new("actions").join(page.name);
        files.insert(folder.join("action.yml"), action::text(page));
        files.insert(folder.join("README.md"), readme::text(page));
    }
    files
}

/// A file that is not current.
struct GeneratedChange {
    /// From the root of the repository.
    path: PathBuf,
    now: Option<String>,
    wanted: Option<String>,
}

impl GeneratedChange {
    fn apply(&self, root: &Path) -> anyhow::Result<()> {
        let path = root.join(&self.path);
        let done = match &self.wanted {
            Some(text) => fs::create_dir_all(path.parent().unwrap_or(&path))
                .and_then(|()| fs::write(&path, text)),
            None => fs::remove_file(&path),
        };
        done.with_context(|| format!("could not write `{}`", path.display()))
    }

    fn describe(&self) -> String {
        let path = self.path.display();
        match (&self.now, &self.wanted) {
            (None, _) => format!("{path} is missing"),
            (_, None) => format!("{path} belongs to no step"),
            (Some(now), Some(wanted)) => {
                let diff = similar::TextDiff::from_lines(now.as_str(), wanted.as_str());
                let diff = diff.unified_diff().context_radius(1).to_string();
                format!("{path} is not current\n{diff}")
            }
        }
    }
}

fn changes(
    root: &Path,
    wanted: &BTreeMap<PathBuf, String>,
) -> anyhow::Result<Vec<GeneratedChange>> {
    let mut changes = Vec::new();
    for (path, text) in wanted {
        let now = fs::read_to_string(root.join(path)).ok();
        if now.as_ref() != Some(text) {
            changes.push(GeneratedChange {
                path: path.clone(),
                now,
                wanted: Some(text.clone()),
            });
        }
    }
    changes.extend(left_over(root, wanted)?);
    Ok(changes)
}

/// Returns generated files of steps that no longer exist.
fn left_over(
    root: &Path,
    wanted: &BTreeMap<PathBuf, String>,
) -> anyhow::Result<Vec<GeneratedChange>> {
    let actions = root.join("actions");
    let folders = fs::read_dir(&actions)
        .with_context(|| format!("could not read `{}`", actions.display()))?;
    let mut left = Vec::new();
    for folder in folders {
        let folder = Path::new("actions").join(folder?.file_name());
        for file in ["README.md", "action.yml"] {
            let path = folder.join(file);
            let now = fs::read_to_string(root.join(&path)).unwrap_or_default();
            if now.contains(MARK) && !wanted.contains_key(&path) {
                left.push(GeneratedChange {
                    path,
                    now: Some(now),
                    wanted: None,
                });
            }
        }
    }
    left.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(left)
}

#[cfg(test)]
mod tests;
