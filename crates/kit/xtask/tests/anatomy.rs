//! Every step is built the same way: see `xtask::anatomy`.

use std::{fs, path::Path};

use xtask::{
    anatomy::{FILES, violations},
    repository::root,
};

#[test]
fn every_step_has_the_anatomy() {
    let steps = fs::read_dir(root().join("crates/steps")).unwrap();
    let mut found = Vec::new();
    let mut count = 0;
    for step in steps {
        found.extend(violations(&step.unwrap().path().join("src")).unwrap());
        count += 1;
    }
    found.sort();
    assert!(count >= 5, "only {count} steps are there");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Makes a step of these files and returns its violations.
fn violations_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let src = folder.path().join("check-moon/src");
    for (name, text) in files {
        write(&src.join(name), text);
    }
    violations(&src).expect("files that were just written")
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// The files of a step that is built as it has to be.
fn whole() -> Vec<(&'static str, &'static str)> {
    FILES.map(|file| (file, "use contract::Report;\n")).to_vec()
}

#[test]
fn the_seven_files_and_what_lies_below_pass() {
    assert_eq!(violations_of(&whole()), Vec::<String>::new());
    let further = [
        ("write.rs", "use contract::World;"),
        ("judge/orbit.rs", "//! The World is no argument.\n"),
        ("report/table.rs", "const TITLE: &str = \"World\";"),
        ("observe/tides.rs", "use contract::World;"),
    ];
    assert_eq!(
        violations_of(&[whole(), further.to_vec()].concat()),
        Vec::<String>::new()
    );
}

#[test]
fn a_missing_file_and_a_further_one_are_named() {
    let mut files = whole();
    files.retain(|(file, _)| *file != "judge.rs");
    files.extend([
        ("say.rs", ""),
        ("judge/orbit.rs", ""),
        ("tides/high.rs", ""),
    ]);
    assert_eq!(
        violations_of(&files),
        [
            "check-moon: `src/judge.rs` is missing",
            "check-moon: the folder `src/judge` has no `src/judge.rs`",
            "check-moon: `src/say.rs` is not of the anatomy: move it below the file that uses it",
            "check-moon: the folder `src/tides` is not of the anatomy",
        ]
    );
}

#[test]
fn a_judge_that_names_the_world_is_found() {
    let files = [
        ("judge/orbit.rs", "\n\nfn f(world: &World) {}"),
        ("report/world.rs", "fn world(worlds: &OldWorld) {}"),
    ];
    assert_eq!(
        violations_of(&[whole(), files.to_vec()].concat()),
        ["check-moon: `src/judge/orbit.rs` names `World` in line 3: it is to be pure"]
    );
}
