//! The initial corpus of the fuzz target.

use std::{fs, path::Path};

use overlay::{EditOptions, Pin, read};

use crate::case::{EditCase, cases};

/// Writes every case of the editor as an input, into the folder of inputs on the command line.
pub(crate) fn write() {
    let folder = std::env::args()
        .skip(1)
        .find(|argument| Path::new(argument).is_dir());
    let Some(folder) = folder else { return };
    for (name, case) in cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases")) {
        fs::write(
            Path::new(&folder).join(name.replace('/', "-")),
            input(&case),
        )
        .expect("a folder that can be written");
    }
}

/// Returns the input for a case, as far as two bytes can express it.
fn input(case: &EditCase) -> Vec<u8> {
    let update = &case.updates[0];
    let version = match (&update.tag, &update.digest) {
        (Some(_), None) => 0,
        (Some(_), Some(_)) => 2,
        (None, _) => 3,
    };
    let entries = read(case.before.as_bytes()).unwrap_or_default();
    let name = update.entry.as_ref().or(update.names.first());
    let meant = |entry: &overlay::ImageEntry| {
        Some(&entry.name) == name || entry.value.new_name.as_ref() == name
    };
    let entry = entries
        .iter()
        .position(meant)
        .and_then(|at| u8::try_from(at).ok())
        .unwrap_or(0x7F);
    let named = if update.entry.is_some() { 0x80 } else { 0 };
    [
        &[asked(&case.options) | version << 6, entry | named],
        case.before.as_bytes(),
    ]
    .concat()
}

fn asked(options: &EditOptions) -> u8 {
    let pin = match options.pin {
        Pin::Keep => 0,
        Pin::Tag => 2,
        Pin::Digest => 3,
    };
    let EditOptions {
        rename,
        create,
        all,
        drop_suffix,
        ..
    } = *options;
    let flags = [rename, create, all, drop_suffix].map(u8::from);
    flags
        .iter()
        .zip(2..)
        .fold(pin, |byte, (flag, bit)| byte | flag << bit)
}
