//! The files of `cases/`, in the format of its README.

use std::fs;
use std::path::{Path, PathBuf};

use overlay::{EditOptions, ImageUpdate, Pin};

/// Returns the cases of a folder with their topics and claims, in alphabetical order.
pub(crate) fn cases(folder: &Path) -> Vec<(String, EditCase)> {
    let mut cases = Vec::new();
    for topic in children(folder) {
        if !topic.is_dir() {
            continue;
        }
        for file in children(&topic) {
            let text = fs::read_to_string(&file).expect("the case is text");
            let name = file.strip_prefix(folder).expect("a file of the folder");
            let name = name.with_extension("").display().to_string();
            cases.push((name, parse(&text)));
        }
    }
    cases
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of cases");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// One edit and its expected result.
pub(crate) struct EditCase {
    pub(crate) updates: Vec<ImageUpdate>,
    pub(crate) options: EditOptions,
    pub(crate) before: String,
    pub(crate) verdict: String,
    pub(crate) expected: String,
    pub(crate) notices: Vec<String>,
}

fn parse(text: &str) -> EditCase {
    let mut sections = text.split("\n=== ");
    let head = sections.next().unwrap_or_default();
    let command = head
        .lines()
        .find(|line| line.starts_with("bump "))
        .expect("a line `bump …`");
    let (updates, options) = arguments(&decoded(command));
    let mut case = EditCase {
        updates,
        options,
        before: String::new(),
        verdict: String::new(),
        expected: String::new(),
        notices: Vec::new(),
    };
    for section in sections {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        // The split removed the line end in front of the next `===`, which belongs to the text.
        let has_its_end = body.is_empty() || body.ends_with('\n');
        let body = decoded(&format!("{body}{}", if has_its_end { "" } else { "\n" }));
        match title {
            "before" => case.before = body,
            "notices" => case.notices = body.lines().map(str::to_owned).collect(),
            _ => (case.verdict, case.expected) = (title.to_owned(), body),
        }
    }
    case
}

fn arguments(command: &str) -> (Vec<ImageUpdate>, EditOptions) {
    let (mut updates, mut options) = (Vec::new(), EditOptions::default());
    let mut words = command.split_whitespace().skip(1);
    while let Some(word) = words.next() {
        match word {
            "--image" => updates.push(update(words.next().expect("an image"))),
            "--entry" => {
                let entry = words.next().expect("a name").to_owned();
                updates.last_mut().expect("an image").entry = Some(entry);
            }
            "--pin" => options.pin = pin(words.next().expect("a mode")),
            "--rename" => options.rename = true,
            "--create" => options.create = true,
            "--all" => options.all = true,
            "--drop-suffix" => options.drop_suffix = true,
            other => panic!("unknown argument {other}"),
        }
    }
    (updates, options)
}

fn update(reference: &str) -> ImageUpdate {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (reference, None),
    };
    let path = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[path..].find(':') {
        Some(colon) => (
            &rest[..path + colon],
            Some(rest[path + colon + 1..].to_owned()),
        ),
        None => (rest, None),
    };
    ImageUpdate {
        names: vec![name.to_owned()],
        tag,
        digest,
        entry: None,
    }
}

fn pin(word: &str) -> Pin {
    match word {
        "keep" => Pin::Keep,
        "digest" => Pin::Digest,
        "tag" => Pin::Tag,
        other => panic!("unknown pin {other}"),
    }
}

/// Signs for invisible characters.
const SIGNS: [(&str, &str); 6] = [
    ("␍", "\r"),
    ("␉", "\t"),
    ("␀", "\0"),
    ("␣", " "),
    ("⟨BOM⟩", "\u{FEFF}"),
    ("⟨LS⟩", "\u{2028}"),
];

/// Replaces the signs, and `sha256:a*` by the digest of sixty-four `a`.
fn decoded(text: &str) -> String {
    let mut text = text.replace("␄\n", "");
    for (sign, meant) in SIGNS {
        text = text.replace(sign, meant);
    }
    for digit in "0123456789abcdef".chars() {
        text = text.replace(
            &format!("sha256:{digit}*"),
            &format!("sha256:{}", digit.to_string().repeat(64)),
        );
    }
    text
}
