//! The generated files of a step that has one of everything.

use std::{collections::BTreeMap, path::Path};

use contract::{
    Failure, Fault, Permission, Reason, Registration, Report, SecretVariable, System, World,
};

use super::{StepPage, action, changes, readme, step_files};

struct SampleStep;

#[derive(Debug, clap::Args)]
struct Args {
    /// The image,
    /// as it's named
    #[arg(long, value_name = "REF")]
    image: String,
    /// A platform | an architecture
    #[arg(long, action = clap::ArgAction::Append)]
    platform: Vec<String>,
    /// Write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, hide = true)]
    secretly: bool,
}

contract::facts! {
    /// The facts.
    pub struct Facts {
        /// The image, pinned.
        pub image: Option<String>,
    }
}

impl contract::Step for SampleStep {
    const NAME: &'static str = "check-sample";
    const SENTENCE: &'static str = "Check that it's there";
    const TIMEOUT: &'static str = "2m";
    const REASONS: &'static [Reason] = &[
        Reason::new("absent", Fault::Change, "it is not there"),
        Reason::new("no-credentials", Fault::Nobody, "said in its own way"),
    ];
    const PERMISSIONS: &'static [Permission] = &[Permission {
        system: System::GitHub,
        line: "packages: read",
        when: "the image is private",
    }];
    const SECRETS: &'static [SecretVariable] = &[SecretVariable {
        name: "RUNBOOK_GITHUB_TOKEN",
        conventional: Some("GITHUB_TOKEN"),
        meaning: "reads the image",
        default: Some("${{ github.token }}"),
    }];
    const EXAMPLE: &'static str = "with:\n  image: ghcr.io/data-literate/dex:1\n";
    const EXAMPLES: &'static [&'static str] = &["# Check one\ncheck-sample"];

    type Args = Args;
    type Facts = Facts;

    async fn run(_: Args, _: &World) -> Result<Report, Failure> {
        unreachable!("this step is only described")
    }
}

fn sample() -> StepPage {
    StepPage::of(&Registration::of::<SampleStep>())
}

#[test]
fn an_action_passes_inputs_in_the_environment() {
    insta::assert_snapshot!(action::text(&sample()));
}

#[test]
fn a_readme_lists_all_that_workflows_rely_on() {
    insta::assert_snapshot!(readme::text(&sample()));
}

#[test]
fn a_file_is_current_missing_different_or_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("actions/by-hand/action.yml", "name: by-hand\n");
    let wanted: BTreeMap<_, _> = step_files(&[sample()]);
    let described = || {
        let changes = changes(folder.path(), &wanted).unwrap();
        changes
            .iter()
            .map(super::GeneratedChange::describe)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        described(),
        [
            "actions/check-sample/README.md is missing",
            "actions/check-sample/action.yml is missing"
        ]
    );
    for (path, text) in &wanted {
        write(path.to_str().unwrap(), text);
    }
    assert_eq!(described(), Vec::<String>::new());
    let action = &wanted[Path::new("actions/check-sample/action.yml")];
    write("actions/gone/action.yml", action);
    write(
        "actions/check-sample/action.yml",
        &action.replace("composite", "docker"),
    );
    let described = described();
    assert!(
        described[0].contains("-  using: docker\n+  using: composite"),
        "{}",
        described[0]
    );
    assert_eq!(described[1], "actions/gone/action.yml belongs to no step");
}

#[test]
fn the_files_of_the_repository_are_current() {
    let root = crate::repository::root();
    let changes = changes(&root, &super::files(&root).unwrap()).unwrap();
    let described: Vec<String> = changes
        .iter()
        .map(super::GeneratedChange::describe)
        .collect();
    assert!(
        described.is_empty(),
        "run `cargo xtask generate`\n{}",
        described.join("\n")
    );
}
