//! The generated files of a step that has one of everything.

use std::{collections::BTreeMap, path::Path};

use contract::{
    Failure, Fault, Permission, Reason, Registration, Report, SecretVariable, System, World,
};

use super::{Page, action, changes, files, readme};

struct Sample;

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
    /// What is known.
    pub struct Facts {
        /// The image, pinned.
        pub image: Option<String>,
    }
}

impl contract::Step for Sample {
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

    type Args = Args;
    type Facts = Facts;

    async fn run(_: Args, _: &World) -> Result<Report, Failure> {
        unreachable!("nobody runs a description")
    }
}

fn sample() -> Page {
    Page::of(&Registration::of::<Sample>())
}

#[test]
fn an_action_passes_every_input_by_the_environment() {
    insta::assert_snapshot!(action::text(&sample()));
}

#[test]
fn a_readme_says_everything_that_a_workflow_may_rely_on() {
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
    let wanted: BTreeMap<_, _> = files(&[sample()]);
    let told = || {
        let changes = changes(folder.path(), &wanted).unwrap();
        changes
            .iter()
            .map(|change| change.told(folder.path()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(),
        [
            "actions/check-sample/README.md is missing",
            "actions/check-sample/action.yml is missing"
        ]
    );
    for (path, text) in &wanted {
        write(path.to_str().unwrap(), text);
    }
    write("by-hand/action.yml", "name: by-hand\n");
    assert_eq!(told(), Vec::<String>::new());
    let action = &wanted[Path::new("check-sample/action.yml")];
    write("gone/action.yml", action);
    write(
        "check-sample/action.yml",
        &action.replace("composite", "docker"),
    );
    let told = told();
    assert!(
        told[0].contains("-  using: docker\n+  using: composite"),
        "{}",
        told[0]
    );
    assert_eq!(told[1], "actions/gone/action.yml belongs to no step");
}

#[test]
fn the_files_of_the_repository_are_current() {
    let actions = crate::root().join("actions");
    let pages: Vec<Page> = runbook::steps::ALL.iter().map(Page::of).collect();
    let changes = changes(&actions, &files(&pages)).unwrap();
    let told: Vec<String> = changes.iter().map(|change| change.told(&actions)).collect();
    assert!(
        told.is_empty(),
        "run `cargo xtask generate`\n{}",
        told.join("\n")
    );
}
