//! Runs every file of `cases/` and says which ones do not hold.

use std::fs;
use std::path::{Path, PathBuf};

use overlay::{Change, Edited, Options, Pin, Refusal, edit};

#[test]
fn every_case_holds() {
    let broken: Vec<String> = case_files().iter().filter_map(|path| check(path).err()).collect();
    assert!(broken.is_empty(), "{} broken:\n\n{}", broken.len(), broken.join("\n\n"));
}

#[test]
fn every_row_of_the_case_table_has_a_case() {
    let files = case_files();
    let names: Vec<_> = files.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    // S23, S26, S31 to S33, E26: what belongs to files, not to their text.
    let rows = (1..=34).filter(|row| ![23, 26, 31, 32, 33].contains(row)).map(|row| format!("S{row:02}-"));
    let missing: Vec<_> = rows.filter(|row| !names.iter().any(|name| name.starts_with(row))).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// The texts of all cases, as material for other tests.
pub(crate) fn texts() -> Vec<String> {
    let read = |path: &PathBuf| parse(&fs::read_to_string(path).expect("the case is text")).before;
    case_files().iter().map(read).collect()
}

fn case_files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = fs::read_dir(directory).expect("the cases are there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
    files.sort();
    files
}

/// A case, read as `cases/README.md` describes it.
struct Case {
    changes: Vec<Change>,
    options: Options,
    before: String,
    verdict: String,
    expected: String,
    notices: Vec<String>,
}

fn check(path: &Path) -> Result<(), String> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let case = parse(&fs::read_to_string(path).expect("the case is text"));
    let result = edit(case.before.as_bytes(), &case.changes, &case.options);
    let verdict = case.verdict.split(' ').next().unwrap_or_default();
    let complaint = match (verdict, result) {
        ("after", Ok(edited)) => edited_as_expected(&case, &edited),
        ("unchanged", Ok(edited)) => unchanged(&case, &edited),
        ("refused", Err(refusal)) => refused_as_expected(&case, &refusal),
        (_, Ok(edited)) => Some(format!("was edited:\n{}", shown(&edited.text))),
        (_, Err(refusal)) => Some(format!("was refused, {}: {refusal}", refusal.kind)),
    };
    complaint.map_or(Ok(()), |complaint| Err(format!("{name}: {complaint}")))
}

fn edited_as_expected(case: &Case, edited: &Edited) -> Option<String> {
    if edited.text != case.expected.as_bytes() {
        return Some(format!(
            "expected:\n{}\nbut got:\n{}",
            shown(case.expected.as_bytes()),
            shown(&edited.text)
        ));
    }
    if !edited.changed {
        return Some("was not changed".to_owned());
    }
    let again = edit(&edited.text, &case.changes, &case.options);
    let settled = again.as_ref().is_ok_and(|again| !again.changed);
    missing_notice(case, edited).or_else(|| (!settled).then(|| format!("a second edit gives {again:?}")))
}

fn unchanged(case: &Case, edited: &Edited) -> Option<String> {
    let same = !edited.changed && edited.text == case.before.as_bytes();
    if same { missing_notice(case, edited) } else { Some(format!("was changed:\n{}", shown(&edited.text))) }
}

fn missing_notice(case: &Case, edited: &Edited) -> Option<String> {
    let notices: Vec<_> = edited.entries.iter().flat_map(|entry| &entry.notices).collect();
    let missing = case.notices.iter().find(|line| !notices.contains(line));
    missing.map(|line| format!("notice {line:?} is not among {notices:?}"))
}

/// The first line below is part of the message, the others are parts of the hint.
fn refused_as_expected(case: &Case, refusal: &Refusal) -> Option<String> {
    let line = refusal.line.map_or(String::new(), |line| format!(" line {line}"));
    let found = format!("refused {}{line}", refusal.kind);
    let hint = refusal.hint.clone().unwrap_or_default();
    let mut words = case.expected.lines();
    let holds = words.next().is_some_and(|words| refusal.message.contains(words));
    let hinted = words.all(|words| hint.contains(words));
    (found != case.verdict || !holds || !hinted).then(|| format!("{found}\n{}\n{hint}", refusal.message))
}

fn parse(text: &str) -> Case {
    let mut sections = text.split("\n=== ");
    let head = sections.next().unwrap_or_default();
    let command = head.lines().find(|line| line.starts_with("bump ")).expect("a line `bump …`");
    let (changes, options) = arguments(&decoded(command));
    let mut case = Case {
        changes,
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

fn arguments(command: &str) -> (Vec<Change>, Options) {
    let (mut changes, mut options) = (Vec::new(), Options::default());
    let mut words = command.split_whitespace().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a value").to_owned();
        match word {
            "--image" => changes.push(change(&value())),
            "--entry" => changes.last_mut().expect("an image").entry = Some(value()),
            "--pin" => options.pin = pin(&value()),
            "--rename" => options.rename = true,
            "--create" => options.create = true,
            "--all" => options.all = true,
            "--drop-suffix" => options.drop_suffix = true,
            other => panic!("unknown argument {other}"),
        }
    }
    (changes, options)
}

fn change(reference: &str) -> Change {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (reference, None),
    };
    let path = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[path..].find(':') {
        Some(colon) => (&rest[..path + colon], Some(rest[path + colon + 1..].to_owned())),
        None => (rest, None),
    };
    Change { names: vec![name.to_owned()], tag, digest, entry: None }
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
const SIGNS: [(&str, &str); 6] =
    [("␍", "\r"), ("␉", "\t"), ("␀", "\0"), ("␣", " "), ("⟨BOM⟩", "\u{FEFF}"), ("⟨LS⟩", "\u{2028}")];

fn decoded(text: &str) -> String {
    let mut text = text.replace("␄\n", "");
    for (sign, meant) in SIGNS {
        text = text.replace(sign, meant);
    }
    for digit in "0123456789abcdef".chars() {
        text = text.replace(&format!("sha256:{digit}*"), &format!("sha256:{}", digit.to_string().repeat(64)));
    }
    text
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "␍").replace('\t', "␉").replace('\u{FEFF}', "⟨BOM⟩")
}
