//! The format of a recording: recordings of earlier versions must still replay.

use std::{path::Path, rc::Rc};

use serde_json::json;

use super::*;
use crate::{Header, Recorder, Redactor, Tls};

/// A request that no server answers: port 9 is closed.
fn request() -> HttpRequest {
    let header = |name, value: &str, sensitive| Header {
        name,
        value: value.to_owned(),
        sensitive,
    };
    HttpRequest {
        method: "GET".to_owned(),
        url: "http://127.0.0.1:9/v2/".parse().unwrap(),
        headers: vec![
            header("accept", "text/plain", false),
            header("authorization", "Bearer x", true),
        ],
        body: Vec::new(),
        tls: Tls::default(),
    }
}

/// Makes one request of every kind whose answer is the same everywhere.
async fn ask(effects: Rc<dyn Effects>, folder: &Path) -> String {
    let vars = [("A", "a"), ("TOKEN", "t")].into_iter().collect();
    let kind = effects.kind(&folder.join("file"));
    let content = effects.read(&folder.join("file"), 9);
    let missing = effects
        .read(&folder.join("none"), 9)
        .map_err(|error| error.kind());
    let written = effects.write(&folder.join("new"), b"\xff");
    let shown = (
        effects.var(&vars, "A", false),
        effects.var(&vars, "B", false),
    );
    let secret = effects.var(&vars, "TOKEN", true).is_some();
    let spawn = Spawn::new("sh").args(["-c", "echo out; exit 3"]);
    let output = Rc::clone(&effects).spawn(spawn).await;
    let live: Live<'_> = Box::new(|_| Box::pin(async { Ok(json!(["a", 1])) }));
    let exchanged = Rc::clone(&effects)
        .exchange("git", json!("tip"), live)
        .await;
    let answer = effects.http(request()).await.err();
    format!(
        "{kind:?} {content:?} {missing:?} {written:?} {shown:?} {secret} {output:?} {exchanged:?} \
         {answer:?}"
    )
}

#[tokio::test]
async fn a_recording_keeps_its_format() {
    let (folder, tape) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("file"), "text").unwrap();
    let recorder = Rc::new(Recorder::new(Rc::new(crate::Real::default())));
    let recorded = ask(Rc::clone(&recorder) as _, folder.path()).await;
    recorder.finish(tape.path(), &Redactor::default()).unwrap();
    let text = std::fs::read_to_string(tape.path().join(TAPE_FILE)).unwrap();
    insta::assert_snapshot!(without_times(&text, folder.path()));
    let tape: Rc<dyn Effects> = Rc::new(Tape::open(tape.path()).unwrap());
    assert_eq!(ask(tape, folder.path()).await, recorded);
}

fn without_times(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "/folder");
    let mut lines = String::new();
    for line in text.lines() {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        entry["at_ms"] = json!(0);
        entry["took_ms"] = json!(0);
        lines.push_str(&format!("{entry}\n"));
    }
    lines
}
