//! The format of a recording: recordings of earlier versions must still replay.

use std::{path::Path, rc::Rc};

use serde_json::json;

use super::*;
use crate::{Header, Recorder, RecordingFolder, Redactor, Tls};

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
        has_secret_answer: false,
        is_redirected: false,
        led_by: None,
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
    let recording = RecordingFolder::open(tape.path()).unwrap();
    recorder.finish(&recording, &Redactor::default()).unwrap();
    let text = std::fs::read_to_string(tape.path().join(TAPE_FILE)).unwrap();
    insta::assert_snapshot!(without_times(&text, folder.path()));
    let tape: Rc<dyn Effects> = Rc::new(Tape::open(tape.path()).unwrap());
    assert_eq!(ask(tape, folder.path()).await, recorded);
}

#[tokio::test(start_paused = true)]
async fn earlier_recordings_still_replay() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        json!({
            "kind": "spawn", "request": { "program": "x", "arguments": [] }, "ordinal": 0,
            "at_ms": 0, "took_ms": 0,
            "answer": { "ok": { "code": null, "stdout": [111, 255], "stderr": [] } },
        }),
        json!({
            "kind": "http", "ordinal": 0, "at_ms": 0, "took_ms": 0,
            "request": {
                "method": "GET", "url": "http://127.0.0.1:9/v2/?signed=1",
                "headers": [["accept", "text/plain"], ["authorization", "***"]], "body": false,
            },
            "answer": { "status": 200, "headers": [], "chunks": [] },
        }),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    std::fs::write(folder.path().join(TAPE_FILE), text).unwrap();
    let tape = Rc::new(Tape::open(folder.path()).unwrap());
    let output = Rc::clone(&tape).spawn(Spawn::new("x")).await.unwrap();
    assert_eq!((output.code, output.stdout), (None, vec![111, 255]));
    let mut request = request();
    request.url.set_query(Some("signed=1"));
    request.is_redirected = true;
    assert_eq!(tape.http(request).await.ok().unwrap().status, 200);
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
