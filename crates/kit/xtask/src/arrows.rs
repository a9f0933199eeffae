//! The one table of arrows: which package may use which other ones.
//!
//! A test asserts it against `cargo metadata`, which tells tests from what is shipped. `.deny.toml`
//! gets its rows from here, since cargo-deny says why an arrow is wrong where it is drawn.

use std::fmt::Write as _;

use crate::repository::Package;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct ArrowRow<'a> {
    /// A package's folder, or with a slash at its end all packages below it.
    pub folder: &'a str,
    /// The packages that they may use, in the same way.
    pub may_use: &'a [&'a str],
    /// Why no other package may use them; empty where any may.
    pub reason: &'a str,
}

/// The table from top to bottom; for each package the first row that fits counts.
pub const TABLE: &[ArrowRow<'_>] = &[
    ArrowRow {
        folder: "tests",
        may_use: &["crates/"],
        reason: "",
    },
    ArrowRow {
        folder: "crates/kit/xtask",
        may_use: &[
            "crates/runbook",
            "crates/rules/environments",
            "crates/kit/lab",
            "crates/contract",
        ],
        reason: "",
    },
    ArrowRow {
        folder: "crates/kit/lab",
        // A test kit that shares code with the product shares its bugs.
        may_use: &[],
        reason: "",
    },
    ArrowRow {
        folder: "crates/runbook",
        may_use: &["crates/steps/", "crates/kit/sandbox", "crates/contract"],
        reason: "nothing is above the front door",
    },
    ArrowRow {
        folder: "crates/kit/sandbox",
        may_use: &["crates/rules/overlay", "crates/fetch", "crates/contract"],
        reason: "",
    },
    ArrowRow {
        folder: "crates/steps/check-image",
        may_use: &["crates/systems/registry", "crates/contract"],
        reason: "steps do not use each other, but a rollback checks that its image exists",
    },
    ArrowRow {
        folder: "crates/steps/bump-overlay",
        may_use: &[
            "crates/rules/environments",
            "crates/rules/overlay",
            "crates/rules/branch",
            "crates/systems/git",
            "crates/systems/remote",
            "crates/contract",
        ],
        reason: "steps do not use each other",
    },
    ArrowRow {
        folder: "crates/steps/rollback-overlay",
        may_use: &[
            "crates/rules/environments",
            "crates/steps/check-image",
            "crates/rules/overlay",
            "crates/rules/branch",
            "crates/systems/git",
            "crates/systems/github",
            "crates/systems/remote",
            "crates/contract",
        ],
        reason: "steps do not use each other",
    },
    ArrowRow {
        folder: "crates/steps/wait-argo",
        may_use: &[
            "crates/rules/overlay",
            "crates/rules/branch",
            "crates/rules/pods",
            "crates/systems/argocd",
            "crates/systems/git",
            "crates/contract",
        ],
        reason: "steps do not use each other",
    },
    ArrowRow {
        folder: "crates/steps/verify-pods",
        may_use: &[
            "crates/rules/pods",
            "crates/systems/kubernetes",
            "crates/contract",
        ],
        reason: "steps do not use each other",
    },
    ArrowRow {
        folder: "crates/steps/plan-deploy",
        may_use: &[
            "crates/rules/environments",
            "crates/rules/branch",
            "crates/systems/remote",
            "crates/contract",
        ],
        reason: "steps do not use each other",
    },
    // `cargo xtask new-step` writes the row of its step above this line.
    ArrowRow {
        folder: "crates/systems/remote",
        may_use: &[
            "crates/systems/git",
            "crates/systems/github",
            "crates/rules/branch",
            "crates/contract",
        ],
        reason: "one way of writing for all steps that write",
    },
    ArrowRow {
        folder: "crates/systems/git",
        may_use: &["crates/rules/branch", "crates/fetch", "crates/contract"],
        reason: "systems do not use each other",
    },
    ArrowRow {
        folder: "crates/systems/github",
        may_use: &["crates/rules/branch", "crates/fetch", "crates/contract"],
        reason: "systems do not use each other",
    },
    ArrowRow {
        folder: "crates/systems/registry",
        may_use: &["crates/fetch", "crates/contract"],
        reason: "systems do not use each other",
    },
    ArrowRow {
        folder: "crates/systems/argocd",
        may_use: &["crates/fetch", "crates/contract"],
        reason: "systems do not use each other",
    },
    ArrowRow {
        folder: "crates/systems/kubernetes",
        may_use: &["crates/fetch", "crates/contract"],
        reason: "systems do not use each other",
    },
    ArrowRow {
        folder: "crates/rules/environments",
        may_use: &["crates/rules/branch", "crates/contract"],
        reason: "",
    },
    ArrowRow {
        folder: "crates/rules/overlay/fuzz",
        may_use: &["crates/rules/overlay"],
        reason: "",
    },
    ArrowRow {
        folder: "crates/rules/branch",
        may_use: &["crates/contract"],
        reason: "rules are for steps; git and github implement its trait, overlays lie in its tree",
    },
    ArrowRow {
        folder: "crates/rules/overlay",
        may_use: &["crates/rules/branch", "crates/contract"],
        reason: "rules are for steps",
    },
    ArrowRow {
        folder: "crates/rules/pods",
        may_use: &["crates/contract"],
        reason: "rules are for steps",
    },
    ArrowRow {
        folder: "crates/fetch",
        may_use: &["crates/contract"],
        reason: "only systems speak HTTP",
    },
    ArrowRow {
        folder: "crates/contract",
        may_use: &["crates/effects"],
        reason: "",
    },
    ArrowRow {
        folder: "crates/effects",
        may_use: &[],
        reason: "a step gets its effects from the contract",
    },
];

/// Packages that the tests of every package may use too.
const IN_TESTS: [&str; 2] = ["crates/kit/lab", "crates/kit/sandbox"];

fn fits(place: &str, folder: &str) -> bool {
    folder == place || (place.ends_with('/') && folder.starts_with(place))
}

/// Returns the first row that fits a package's folder.
fn row_of<'a>(folder: &str, table: &'a [ArrowRow<'a>]) -> Option<&'a ArrowRow<'a>> {
    table.iter().find(|row| fits(row.folder, folder))
}

/// Returns whether the package in one folder may use the one in another.
pub fn is_allowed(from: &str, to: &str, in_tests: bool, table: &[ArrowRow<'_>]) -> bool {
    if in_tests && IN_TESTS.contains(&to) {
        return true;
    }
    let may_use = row_of(from, table).map_or(&[][..], |row| row.may_use);
    may_use.iter().any(|place| fits(place, to))
}

/// Returns the arrows that the table does not allow, a sentence for each.
pub fn violations(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let from = &package.folder;
        if row_of(from, TABLE).is_none() {
            found.push(format!(
                "`{from}` has no row in `crates/kit/xtask/src/arrows.rs`"
            ));
            continue;
        }
        for used in &package.uses {
            if !is_allowed(from, &used.folder, used.in_tests, TABLE) {
                found.push(format!("`{from}` may not use `{}`", used.folder));
            }
        }
    }
    found
}

/// The lines around the generated rows in `.deny.toml`.
const START: &str =
    "  # Generated by `cargo xtask generate` from `crates/kit/xtask/src/arrows.rs`:";
const END: &str = "  # End of the generated rows.";

/// Returns `.deny.toml` with the current rows; `None` when it lacks the lines around them.
pub fn with_rows(deny: &str, packages: &[Package], table: &[ArrowRow<'_>]) -> Option<String> {
    let start = deny.find(START)? + START.len();
    let end = start + deny[start..].find(END)?;
    let rows = rows(packages, table);
    Some(format!("{}\n{rows}{}", &deny[..start], &deny[end..]))
}

/// Returns one row for each package that not every package may use.
fn rows(packages: &[Package], table: &[ArrowRow<'_>]) -> String {
    let mut rows = String::new();
    for row in table.iter().filter(|row| !row.reason.is_empty()) {
        for package in packages {
            let own = row_of(&package.folder, table).map(|own| own.folder);
            if own == Some(row.folder) {
                let users = users(package, packages, table).join(", ");
                let (name, reason) = (&package.name, row.reason);
                let _ = writeln!(
                    rows,
                    "  {{ crate = \"{name}\", wrappers = [{users}], reason = \"{reason}\" }},"
                );
            }
        }
    }
    rows
}

/// Returns the quoted names of the packages that may use this one.
fn users(package: &Package, packages: &[Package], table: &[ArrowRow<'_>]) -> Vec<String> {
    let to = &package.folder;
    packages
        .iter()
        .filter(|user| is_allowed(&user.folder, to, false, table))
        .map(|user| format!("\"{}\"", user.name))
        .collect()
}
