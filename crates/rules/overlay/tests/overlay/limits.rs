//! Texts that are invalid, too large, or made to break a parser.

use std::time::{Duration, Instant};

use overlay::{EditOptions, EditRefusal, EditRefusalKind, ImageUpdate, edit, read};

#[test]
fn invalid_utf8_refuses_with_its_line() {
    let refusal = refused(b"images:\n- name: app # \xFF\n  newTag: v1\n");
    assert_eq!(
        (refusal.kind, refusal.line),
        (EditRefusalKind::UnsupportedYaml, Some(2))
    );
    assert_eq!(refusal.message, "byte 0xFF is not UTF-8");
}

#[test]
fn utf16_refuses_by_its_byte_order_mark() {
    for text in [b"\xFF\xFEi\0m\0", b"\xFE\xFF\0i\0m"] {
        assert_eq!(refused(text).message, "the text is UTF-16");
    }
}

#[test]
fn more_than_four_mebibytes_refuse() {
    let mut text = images(1).into_bytes();
    text.resize(4 * 1024 * 1024 + 1, b'#');
    assert_eq!(
        refused(&text).message,
        "4194305 bytes exceed the limit of 4 MiB"
    );
}

#[test]
fn hostile_yaml_refuses_quickly() {
    let deep = |open: &str| format!("images: {}", open.repeat(200_000));
    let dashes = format!("images:\n{}", "- ".repeat(200_000));
    let bomb: String = (1..20)
        .map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(9)))
        .collect();
    let bomb = format!("a0: &a0 [x]\n{bomb}images: [{{name: none}}]\n");
    let myself = "images: &images\n- name: app\n  newTag: *images\n".to_owned();
    let aliases = format!(
        "a: &a v1\nb: [{}]\nimages: [{{name: none, newTag: *a}}]\n",
        "*a,".repeat(50_000)
    );
    for text in [
        deep("["),
        deep("{a: "),
        deep("- "),
        deep("? "),
        dashes,
        bomb,
        myself,
        aliases,
    ] {
        let start = Instant::now();
        refused(text.as_bytes());
        assert!(start.elapsed() < Duration::from_secs(5), "{}…", &text[..40]);
    }
}

#[test]
fn thousands_of_aliases_refuse_quickly() {
    let entries: String = (0..5_000)
        .map(|n| format!("- {{name: app{n}, newTag: *tag}}\n"))
        .collect();
    let text = format!("images:\n- {{name: app, newTag: &tag v1}}\n{entries}");
    let start = Instant::now();
    assert_eq!(refused(text.as_bytes()).line, Some(3));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn five_thousand_images_change_by_one_line() {
    let text = images(5_000);
    assert!(text.len() > 1024 * 1024);
    let start = Instant::now();
    let edited = edit(
        text.as_bytes(),
        &[update("mirror.example.org/a-team/with-a-long-name/app4999")],
        &EditOptions::default(),
    )
    .unwrap();
    let (old, new) = (
        text.lines(),
        std::str::from_utf8(&edited.text).unwrap().lines(),
    );
    println!("edited {} bytes in {:?}", text.len(), start.elapsed());
    assert_eq!(old.zip(new).filter(|(old, new)| old != new).count(), 1);
}

#[test]
fn every_entry_is_read_with_its_line() {
    let entries = read(
        b"images:\n- name: app:latest\n  newName: b\n  tagSuffix: -x\n- {name: c, newTag: d@sha256:1}\n",
    );
    let entries = entries.unwrap();
    assert_eq!(
        (entries[0].name.as_str(), entries[0].line),
        ("app:latest", 2)
    );
    assert_eq!(entries[0].tag_suffix.as_deref(), Some("-x"));
    assert_eq!(entries[0].value.new_name.as_deref(), Some("b"));
    assert_eq!(entries[1].line, 5);
    assert_eq!(entries[1].value.tag.as_deref(), Some("d"));
    assert_eq!(entries[1].value.digest.as_deref(), Some("sha256:1"));
}

#[test]
fn a_refusal_names_the_line_and_the_cause() {
    let refusal = refused(b"images:\n- name: app\n- name: app\n");
    assert_eq!(
        refusal.to_string(),
        "line 2: 2 entries for `app`: `app` on line 2, `app` on line 3"
    );
    assert_eq!(refusal.kind.to_string(), "ambiguous");
}

fn refused(text: &[u8]) -> EditRefusal {
    edit(text, &[update("app")], &EditOptions::default()).expect_err("a refusal")
}

fn update(name: &str) -> ImageUpdate {
    ImageUpdate {
        names: vec![name.to_owned()],
        tag: Some("v2".to_owned()),
        ..ImageUpdate::default()
    }
}

fn images(count: usize) -> String {
    let entry = |n| {
        format!(
            "  - name: registry.example.org/app{n}\n    newName: mirror.example.org/a-team/with-a-long-name/app{n}\n    \
             newTag: sha-{n:08x}    # kept by the pipeline — do not edit this line by hand, see the handbook of the team\n"
        )
    };
    format!("images:\n{}", (0..count).map(entry).collect::<String>())
}
