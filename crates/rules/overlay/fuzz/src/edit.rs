//! `cargo xtask fuzz`: for every text, the editor edits correctly or refuses, and never panics.
//!
//! An input is two bytes and a text: the options, the entry, and the kustomization. The corpus
//! starts with the cases of the editor.
#![no_main]

#[path = "../../tests/overlay/case.rs"]
mod case;
#[path = "../../tests/overlay/oracle.rs"]
mod oracle;
mod seeds;

use libfuzzer_sys::fuzz_target;
use overlay::{EditOptions, ImageUpdate, Pin, read};

fuzz_target!(init: seeds::write(), |input: &[u8]| {
    let [asked, entry, text @ ..] = input else { return };
    let (update, options) = (update(*asked, *entry, text), options(*asked));
    if let Err(complaint) = oracle::check(text, &update, &options) {
        panic!("{complaint}\n{update:?}\n{options:?}\n---\n{}", String::from_utf8_lossy(text));
    }
});

/// Reads the options from the lower bits of the first byte.
fn options(asked: u8) -> EditOptions {
    let is_set = |bit: u8| asked & (1 << bit) != 0;
    EditOptions {
        pin: [Pin::Keep, Pin::Keep, Pin::Tag, Pin::Digest][usize::from(asked & 3)],
        rename: is_set(2),
        create: is_set(3),
        all: is_set(4),
        drop_suffix: is_set(5),
    }
}

/// Reads the version from the upper bits of the first byte, the entry from the second byte.
fn update(asked: u8, entry: u8, text: &[u8]) -> ImageUpdate {
    let (tag, digest) = [
        (Some("v2"), false),
        (Some("1.10"), false),
        (Some("v2"), true),
        (None, true),
    ][usize::from(asked >> 6)];
    let entries = read(text).unwrap_or_default();
    let meant = entries.get(usize::from(entry & 0x7F));
    let image = meant.map_or("app", |entry| {
        entry.value.new_name.as_deref().unwrap_or(&entry.name)
    });
    let named = meant.filter(|_| entry & 0x80 != 0);
    ImageUpdate {
        names: vec![repository(image).to_owned()],
        tag: tag.map(str::to_owned),
        digest: digest.then(|| format!("sha256:{}", "e".repeat(64))),
        entry: named.map(|entry| entry.name.clone()),
    }
}

/// Returns the reference without its version, like a parsed one.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let path = image.rfind('/').map_or(0, |slash| slash + 1);
    image[path..]
        .find(':')
        .map_or(image, |colon| &image[..path + colon])
}
