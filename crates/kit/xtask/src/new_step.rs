//! `cargo xtask new-step`: adds a step that builds and passes its tests, with every registration.
#![expect(clippy::print_stdout, reason = "a task talks to people")]

mod registrations;
mod template;

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, ensure};

use self::template::StepNames;
use crate::repository::cargo_in;

/// Name and purpose of the step.
#[derive(Debug, clap::Args)]
pub struct NewStepOptions {
    /// Name of the package, binary, folder and action: a verb and an object, such as `check-image`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Purpose in one sentence for users, imperative, without a period
    #[arg(long, value_name = "TEXT", default_value = template::SENTENCE)]
    pub sentence: String,
}

/// Writes the step, generates its action, and runs its tests.
pub(crate) fn run(root: &Path, options: &NewStepOptions) -> anyhow::Result<ExitCode> {
    write(root, options)?;
    let name = options.name.as_str();
    // This program does not contain the new step: Cargo builds it again.
    cargo(root, &["run", "--quiet", "-p", "xtask", "--", "generate"])?;
    // The first run writes the snapshot of the help.
    cargo(root, &["test", "--quiet", "-p", name])?;
    println!("{}", next_steps(name));
    Ok(ExitCode::SUCCESS)
}

/// Writes the files of the step and its registrations.
///
/// # Errors
/// When the name is invalid or taken, or a file does not look as expected.
pub fn write(root: &Path, options: &NewStepOptions) -> anyhow::Result<()> {
    let names = StepNames::new(&options.name)?;
    let sentence = options.sentence.as_str();
    check_sentence(sentence)?;
    let folder = root.join("crates/steps").join(&names.package);
    let path = folder.display();
    ensure!(!folder.exists(), "`{path}` already exists");
    template::write(&folder, &names, sentence)?;
    registrations::write(root, &names, sentence)?;
    cargo(
        root,
        &["fmt", "-p", &names.package, "-p", "xtask", "-p", "runbook"],
    )?;
    // Adds the package to `Cargo.lock`.
    cargo(root, &["update", "--quiet", "--workspace", "--offline"])?;
    registrations::write_rows(root, &names)
}

fn check_sentence(sentence: &str) -> anyhow::Result<()> {
    let starts_well = sentence.starts_with(|first: char| first.is_ascii_uppercase());
    ensure!(
        starts_well && !sentence.ends_with('.') && !sentence.contains(['\n', '"', '\\', '|']),
        "invalid --sentence: one line, an uppercase letter first, no period last, none of `\"\\|`"
    );
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let words = arguments.join(" ");
    let status = cargo_in(root)
        .args(arguments)
        .env("INSTA_UPDATE", "always")
        .status()
        .context("could not run cargo")?;
    ensure!(status.success(), "`cargo {words}` failed");
    Ok(())
}

fn next_steps(name: &str) -> String {
    format!(
        "\n`{name}` builds and passes its tests; it checks a file. Next, in `crates/steps/{name}/src`:\n\
         1. `lib.rs`: the module doc, `Args` and the facts\n\
         2. `request.rs`: check the flags\n\
         3. `observe.rs`: ask the systems; add their packages to `Cargo.toml` and to the row of the step\n   \
         in `crates/kit/xtask/src/arrows.rs`\n\
         4. `reasons.rs` and `judge.rs`: decide, with a test for each reason\n\
         5. `report.rs`: the sentence, hints and facts\n\
         Also edit what says TODO: `grep -rn TODO crates/steps/{name} crates/README.md`. Run\n\
         `cargo xtask generate` when flags, facts or reasons changed, and `cargo test -p {name}` all the\n\
         time. .github/CONTRIBUTING.md explains the rest."
    )
}
