//! Properties of every edit, for generated, random and damaged texts.

use overlay::{EditOptions, EditResult, ImageUpdate, Pin, edit, read};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::oracle;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_bytes_of_the_value_change(file in file(), tag in text_tag()) {
        let edited = edited(&file.text("v1"), &tag);
        prop_assert_eq!(String::from_utf8(edited.text).unwrap(), file.text(&tag));
    }

    #[test]
    fn a_second_edit_changes_nothing(file in file(), tag in any_tag(), options in options()) {
        let update = [wanted("app", &tag)];
        let once = edit(file.text("v1").as_bytes(), &update, &options).unwrap();
        let twice = edit(&once.text, &update, &options).unwrap();
        prop_assert!(!twice.changed);
        prop_assert_eq!(once.text, twice.text);
    }

    #[test]
    fn an_edit_back_gives_the_old_text(file in file(), old in text_tag(), new in text_tag()) {
        let text = file.text(&old);
        let there = edit(text.as_bytes(), &[wanted("app", &new)], &EditOptions::default()).unwrap();
        let back = edit(&there.text, &[wanted("app", &old)], &EditOptions::default()).unwrap();
        prop_assert_eq!(String::from_utf8(back.text).unwrap(), text);
    }

    #[test]
    fn a_written_tag_is_read_back(file in file(), tag in any_tag()) {
        let edited = edited(&file.text("v1"), &tag);
        let entries = read(&edited.text).unwrap();
        let entry = entries.iter().find(|entry| entry.name == "app").unwrap();
        prop_assert_eq!(entry.value.tag.as_deref(), Some(tag.as_str()));
        prop_assert_eq!(entries.len(), read(file.text("v1").as_bytes()).unwrap().len());
    }

    #[test]
    fn an_inserted_line_is_the_only_new_one(file in file(), tag in any_tag()) {
        let text = file.without_tag();
        let edited = edited(&text, &tag);
        let new = String::from_utf8(edited.text).unwrap();
        let app = new.find("name: app").unwrap();
        let at = app + new[app..].find("newTag: ").unwrap();
        let start = if file.flow { at - 2 } else { new[..at].rfind('\n').unwrap() + 1 };
        let end = start + (new.len() - text.len());
        prop_assert_eq!(format!("{}{}", &new[..start], &new[end..]), text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), options in any_options()) {
        let _ = edit(&bytes, &[wanted("app", "v2")], &options);
    }

    #[test]
    fn random_yaml_never_panics(words in vec(select(WORDS), 0..60), options in any_options()) {
        let text = format!("images:\n{}", words.concat());
        holds_together(text.as_bytes(), &options)?;
    }

    #[test]
    fn a_damaged_file_is_edited_correctly_or_refused(
        text in select(crate::cases::texts()),
        damages in vec(damage(), 1..6),
        options in any_options(),
    ) {
        let damaged = damages.iter().fold(text.into_bytes(), |bytes, damage| damage.apply(bytes));
        holds_together(&damaged, &options)?;
    }
}

fn edited(text: &str, tag: &str) -> EditResult {
    edit(
        text.as_bytes(),
        &[wanted("app", tag)],
        &EditOptions::default(),
    )
    .expect("an edit")
}

fn holds_together(text: &[u8], options: &EditOptions) -> Result<(), TestCaseError> {
    let update = ImageUpdate {
        digest: Some(format!("sha256:{}", "e".repeat(64))),
        ..wanted("app", "v2")
    };
    oracle::check(text, &update, options).map_err(TestCaseError::fail)
}

fn wanted(name: &str, tag: &str) -> ImageUpdate {
    ImageUpdate {
        names: vec![name.to_owned()],
        tag: Some(tag.to_owned()),
        ..ImageUpdate::default()
    }
}

/// Options for generated files, which neither have nor get a digest.
fn options() -> impl Strategy<Value = EditOptions> {
    any_options().prop_map(|options| {
        let pin = if options.pin == Pin::Digest {
            Pin::Keep
        } else {
            options.pin
        };
        EditOptions { pin, ..options }
    })
}

fn any_options() -> impl Strategy<Value = EditOptions> {
    (
        select(vec![Pin::Keep, Pin::Tag, Pin::Digest]),
        any::<[bool; 4]>(),
    )
        .prop_map(|(pin, [rename, create, all, drop_suffix])| EditOptions {
            pin,
            rename,
            create,
            all,
            drop_suffix,
        })
}

fn any_tag() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_][A-Za-z0-9._-]{0,12}",
        "[0-9_.e-]{1,5}".prop_map(|tag| format!("1{tag}")),
        select(
            ["null", "y", "NO", "0x1F", "2024-01-01", "True"]
                .map(str::to_owned)
                .to_vec()
        )
    ]
}

/// A tag without quotes, so that the value keeps its form.
fn text_tag() -> impl Strategy<Value = String> {
    "(v[0-9]{1,3}(\\.[0-9]{1,2}){0,2}|sha-[0-9a-f]{8})"
}

const WORDS: &[&str] = &[
    "- ",
    "  ",
    "\n",
    "name: app",
    "name: other",
    "newTag: v1",
    "newTag:",
    "digest: sha256:1",
    "newName: app",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "# c",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "? ",
    "!!str ",
    "!x ",
    "\t",
    "\r\n",
    "---\n",
    "...\n",
    "\n- ",
    "\n  ",
    "é",
    "\u{FEFF}",
    "images:\n",
    "\r",
    "tagSuffix: x",
    "null",
    "%YAML 1.2\n",
];

/// A kustomization whose entry `app` has a tag, and the style of the text around it.
#[derive(Debug, Clone)]
struct GeneratedFile {
    header: &'static str,
    line_end: &'static str,
    indent: usize,
    flow: bool,
    quote: &'static str,
    trailing: &'static str,
    before: Vec<String>,
    after: Vec<String>,
    tail: &'static str,
    ends_a_line: bool,
}

fn file() -> impl Strategy<Value = GeneratedFile> {
    let header = select(vec![
        "",
        "\u{FEFF}",
        "# DEV overlay — small\n",
        "---\n# newTag: v0\n",
        "kind: Component\n",
    ]);
    let trailing = select(vec!["", "   # pinned — by hand", "\t# tab", "  "]);
    let form = (
        header,
        select(vec!["\n", "\r\n"]),
        0..5_usize,
        any::<bool>(),
        select(vec!["", "'", "\""]),
        trailing,
    );
    let tail = select(vec![
        "",
        "\n# end\n",
        "patches:\n- patch: |-\n    newTag: v1\n    # x\n",
        "namespace: dex\n",
    ]);
    let names = || vec("[b-z]{1,8}", 0..4);
    (form, names(), names(), tail, any::<bool>()).prop_map(generated_file)
}

/// The header, line end, indent, flow style, quote and trailing text of a file.
type FileForm = (
    &'static str,
    &'static str,
    usize,
    bool,
    &'static str,
    &'static str,
);

fn generated_file(
    (form, before, after, tail, ends_a_line): (
        FileForm,
        Vec<String>,
        Vec<String>,
        &'static str,
        bool,
    ),
) -> GeneratedFile {
    let (header, line_end, indent, flow, quote, trailing) = form;
    GeneratedFile {
        header,
        line_end,
        indent,
        flow,
        quote,
        trailing,
        before,
        after,
        tail,
        ends_a_line,
    }
}

impl GeneratedFile {
    fn text(&self, tag: &str) -> String {
        let value = format!("newTag: {0}{tag}{0}", self.quote);
        self.render(&if self.flow {
            format!(", {value}")
        } else {
            format!("\n{}  {value}{}", self.blanks(), self.trailing)
        })
    }

    fn without_tag(&self) -> String {
        self.render("")
    }

    fn blanks(&self) -> String {
        " ".repeat(self.indent)
    }

    fn render(&self, value: &str) -> String {
        let blanks = self.blanks();
        let other = |name: &String| {
            format!("{blanks}- name: {name}.example.org # {name}\n{blanks}  newTag: \"v1\"\n")
        };
        let app = match self.flow {
            true => format!("{blanks}- {{name: app{value} }}{}\n", self.trailing),
            false => format!("{blanks}- name: app{value}\n{blanks}  # below\n"),
        };
        let [before, after] =
            [&self.before, &self.after].map(|names| names.iter().map(other).collect::<String>());
        let text = format!("{}images:\n{before}{app}{after}{}", self.header, self.tail);
        let text = if self.ends_a_line {
            &text
        } else {
            text.trim_end_matches('\n')
        };
        text.replace('\n', self.line_end)
    }
}

/// Damage to a file by an editor, a merge or a script.
#[derive(Debug, Clone)]
enum Damage {
    Remove(Index, usize),
    Insert(Index, &'static str),
    Repeat(Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 1..8_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<Index>(), select(WORDS)).prop_map(|(at, word)| Damage::Insert(at, word)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

impl Damage {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let (Self::Remove(at, _) | Self::Insert(at, _) | Self::Repeat(at, _)) = self;
        let at = at.index(bytes.len() + 1);
        let end = |length: usize| (at + length).min(bytes.len());
        match self {
            Self::Remove(_, length) => drop(bytes.drain(at..end(*length))),
            Self::Insert(_, word) => drop(bytes.splice(at..at, word.bytes())),
            Self::Repeat(_, length) => {
                let copy = bytes[at..end(*length)].to_vec();
                bytes.splice(at..at, copy);
            }
        }
        bytes
    }
}
