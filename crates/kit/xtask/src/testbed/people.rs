//! What `serve` tells other processes about the testbed for people.

use std::fs;

use anyhow::Context as _;
use lab::testbed::Testbed;
use serde_json::Value;

/// The file in the testbed's folder.
const FILE: &str = "people.json";

/// Writes the facts: once they are there, the testbed is complete.
pub(super) fn write(testbed: &Testbed, facts: &Value) -> anyhow::Result<()> {
    let partial = testbed.folder().join("people.partial");
    fs::write(&partial, format!("{facts:#}\n"))?;
    Ok(fs::rename(partial, testbed.folder().join(FILE))?)
}

/// Returns the running testbed, if it is one for people.
pub(super) fn running() -> anyhow::Result<Testbed> {
    let testbed = Testbed::running().filter(|testbed| testbed.folder().join(FILE).is_file());
    testbed.context("no testbed runs: start one with `cargo xtask testbed up`")
}

/// Returns one fact; the elements of a list are separated by commas.
pub(super) fn fact(testbed: &Testbed, name: &str) -> anyhow::Result<String> {
    let facts = fs::read(testbed.folder().join(FILE))?;
    let facts: Value = serde_json::from_slice(&facts)?;
    let text = match &facts[name] {
        Value::Array(all) => {
            let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            Some(words.join(", "))
        }
        value => value.as_str().map(str::to_owned),
    };
    text.with_context(|| format!("no `{name}` in `{FILE}`"))
}
