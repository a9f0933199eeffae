//! No file imports itself over other files: see `xtask::circles`.

use std::fs;

use xtask::{
    circles::of_crate,
    repository::{packages, root},
};

#[test]
fn no_crate_has_a_circle_of_imports() {
    let mut found = Vec::new();
    for package in packages(&root()).unwrap() {
        let src = root().join(&package.folder).join("src");
        let is_step = package.folder.starts_with("crates/steps/");
        if src.is_dir() {
            let circles = of_crate(&src, is_step).unwrap();
            let folder = &package.folder;
            found.extend(circles.iter().map(|circle| format!("{folder}: {circle}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Makes a crate of these files and returns its circles.
fn circles_of(files: &[(&str, &str)], is_step: bool) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    of_crate(folder.path(), is_step).expect("files that were just written")
}

#[test]
fn two_files_that_use_each_other_are_a_circle() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; fn f(a: &super::a::A) {}"),
    ];
    assert_eq!(circles_of(&files, false), ["a -> b; b -> a"]);
}

#[test]
fn an_export_leads_to_the_file_that_defines_it() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use a::A; pub use b::B;"),
        ("a.rs", "use crate::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "pub use crate::A as C;"),
    ];
    assert_eq!(circles_of(&files, false), ["a -> b; b -> a"]);
}

#[test]
fn a_child_that_uses_its_parent_is_a_circle() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a.rs", "mod b; const N: u8 = 1; fn f() { b::g() }"),
        ("a/b.rs", "use super::N; pub fn g() {}"),
    ];
    assert_eq!(circles_of(&files, false), ["a -> a::b; a::b -> a"]);
}

#[test]
fn the_root_counts_but_for_a_step() {
    let files = [
        ("lib.rs", "mod a; pub struct Args; fn f() { a::g() }"),
        ("main.rs", "fn main() { crates::a() }"),
        ("a.rs", "use crate::Args; pub fn g() {}"),
    ];
    assert_eq!(circles_of(&files, false), ["the root -> a; a -> the root"]);
    assert_eq!(circles_of(&files, true), Vec::<String>::new());
}

#[test]
fn tests_are_free_to_use_any_file() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b; #[cfg(test)] mod tests;"),
        ("a/tests.rs", "use crate::a;"),
        ("b.rs", "#[cfg(test)] mod tests { use crate::a; }"),
    ];
    assert_eq!(circles_of(&files, false), Vec::<String>::new());
}
