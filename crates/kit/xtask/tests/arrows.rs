//! Arrows only point down (crates/README.md): what each folder's packages may use of the others.
//!
//! `.deny.toml` says who may use a crate; it cannot tell a test from what is shipped, and it has no
//! word for "below this folder".

use std::process::Command;

use serde_json::Value;

/// What packages below a folder may use, by folder; the first line that fits counts.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("crates/contract", &[]),
    ("crates/fetch", &["crates/contract"]),
    ("crates/rules/overlay/fuzz", &["crates/rules/overlay"]),
    // Which file an overlay is depends on what lies in the tree of a branch.
    (
        "crates/rules/overlay",
        &["crates/rules/branch", "crates/contract"],
    ),
    ("crates/rules/", &["crates/contract"]),
    (
        "crates/systems/git",
        &["crates/rules/branch", "crates/fetch", "crates/contract"],
    ),
    (
        "crates/systems/github",
        &["crates/rules/branch", "crates/fetch", "crates/contract"],
    ),
    (
        "crates/systems/remote",
        &[
            "crates/systems/git",
            "crates/systems/github",
            "crates/rules/branch",
            "crates/contract",
        ],
    ),
    ("crates/systems/", &["crates/fetch", "crates/contract"]),
    (
        "crates/steps/rollback-overlay",
        &[
            "crates/steps/check-image",
            "crates/rules/",
            "crates/systems/",
            "crates/contract",
        ],
    ),
    (
        "crates/steps/",
        &["crates/rules/", "crates/systems/", "crates/contract"],
    ),
    (
        "crates/kit/sandbox",
        &[
            "crates/systems/",
            "crates/rules/",
            "crates/fetch",
            "crates/contract",
        ],
    ),
    (
        "crates/runbook",
        &[
            "crates/steps/",
            "crates/kit/sandbox",
            "crates/systems/",
            "crates/rules/",
            "crates/contract",
        ],
    ),
];

/// What may use everything, and is used only by tests.
const KIT: [&str; 3] = ["crates/kit/lab", "crates/kit/xtask", "tests"];

/// What tests may use besides.
const IN_TESTS: [&str; 2] = ["crates/kit/lab", "crates/kit/sandbox"];

/// One package uses another one.
#[derive(Debug)]
struct Arrow {
    from: String,
    to: String,
    in_tests: bool,
}

impl Arrow {
    fn is_allowed(&self) -> bool {
        if KIT.contains(&self.from.as_str())
            || (self.in_tests && IN_TESTS.contains(&self.to.as_str()))
        {
            return true;
        }
        let below = |folder: &&str, path: &str| {
            path == *folder || (folder.ends_with('/') && path.starts_with(*folder))
        };
        let row = MAY_USE.iter().find(|(folder, _)| below(folder, &self.from));
        row.is_some_and(|(_, allowed)| allowed.iter().any(|folder| below(folder, &self.to)))
    }
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("`cargo metadata` runs");
    serde_json::from_slice(&output.stdout).expect("`cargo metadata` writes JSON")
}

fn arrows(metadata: &Value) -> Vec<Arrow> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let folder = |path: &str| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .trim_start_matches('/')
            .to_owned()
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let of_package = |package: &Value| {
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let from = folder(manifest.trim_end_matches("/Cargo.toml"));
        let dependencies = package["dependencies"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        dependencies.into_iter().filter_map(move |dependency| {
            let to = folder(dependency["path"].as_str()?);
            Some(Arrow {
                from: from.clone(),
                to,
                in_tests: dependency["kind"] == "dev",
            })
        })
    };
    packages.flat_map(of_package).collect()
}

#[test]
fn arrows_only_point_down() {
    let arrows = arrows(&metadata());
    assert!(arrows.len() > 5, "{arrows:?}");
    let wrong: Vec<&Arrow> = arrows.iter().filter(|arrow| !arrow.is_allowed()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_arrow_upwards_or_into_the_kit_is_found() {
    let arrow = |from: &str, to: &str, in_tests| Arrow {
        from: from.into(),
        to: to.into(),
        in_tests,
    };
    for wrong in [
        arrow("crates/rules/overlay", "crates/systems/git", false),
        arrow("crates/systems/registry", "crates/systems/git", false),
        arrow("crates/systems/registry", "crates/rules/branch", false),
        arrow("crates/contract", "crates/fetch", true),
        arrow("crates/fetch", "crates/kit/lab", false),
        arrow("crates/steps/a", "crates/steps/b", false),
        arrow("crates/new", "crates/contract", false),
    ] {
        assert!(!wrong.is_allowed(), "{wrong:?}");
    }
    assert!(arrow("crates/steps/a", "crates/rules/overlay", false).is_allowed());
    assert!(arrow("crates/fetch", "crates/kit/lab", true).is_allowed());
}
