//! The files of `cases/`, read as its README describes them.

use std::fs;
use std::path::{Path, PathBuf};

use overlay::{EditOptions, ImageUpdate, Pin};

/// Returns the cases of a folder with their names, in the order of these.
pub(crate) fn cases(folder: &Path) -> Vec<(String, Case)> {
    let entries = fs::read_dir(folder).expect("the cases are there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let named = |path: PathBuf| {
        let name = path
            .file_name()?
            .to_str()?
            .strip_suffix(".case")?
            .to_owned();
        Some((
            name,
            parse(&fs::read_to_string(&path).expect("the case is text")),
        ))
    };
    files.into_iter().filter_map(named).collect()
}

/// A case.
pub(crate) struct Case {
    pub(crate) updates: Vec<ImageUpdate>,
    pub(crate) options: EditOptions,
    pub(crate) before: String,
    pub(crate) verdict: String,
    pub(crate) expected: String,
    pub(crate) notices: Vec<String>,
}

fn parse(text: &str) -> Case {
    let mut sections = text.split("\n=== ");
    let head = sections.next().unwrap_or_default();
    let command = head
        .lines()
        .find(|line| line.starts_with("bump "))
        .expect("a line `bump …`");
    let (updates, options) = arguments(&decoded(command));
    let mut case = Case {
        updates,
        options,
        before: String::new(),
        verdict: String::new(),
        expected: String::new(),
        notices: Vec::new(),
    };
    for section in sections {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        // The line end in front of the next `===` belongs to the text, the split took it.
        let body = decoded(&if body.is_empty() || body.ends_with('\n') {
            body.to_owned()
        } else {
            format!("{body}\n")
        });
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
        let mut value = || words.next().expect("a value").to_owned();
        match word {
            "--image" => updates.push(update(&value())),
            "--entry" => updates.last_mut().expect("an image").entry = Some(value()),
            "--pin" => options.pin = pin(&value()),
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

/// Signs for what an editor does not show, and `sha256:a*` for sixty-four `a`.
const SIGNS: [(&str, &str); 6] = [
    ("␍", "\r"),
    ("␉", "\t"),
    ("␀", "\0"),
    ("␣", " "),
    ("⟨BOM⟩", "\u{FEFF}"),
    ("⟨LS⟩", "\u{2028}"),
];

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
