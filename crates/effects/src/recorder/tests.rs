//! What a recording keeps of answers with secrets.

use crate::{Tape, Tls};

use super::*;

/// Effects that give one answer to [`request`].
struct Prepared {
    folder: tempfile::TempDir,
    answer: Value,
}

impl Prepared {
    fn new(answer: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, answer }
    }

    fn effects(&self, request: &HttpRequest) -> Rc<dyn Effects> {
        let line = json!({
            "kind": "http", "request": http_request(request), "ordinal": 0, "at_ms": 0,
            "took_ms": 0, "answer": self.answer,
        });
        std::fs::write(self.folder.path().join(TAPE_FILE), line.to_string()).unwrap();
        Rc::new(Tape::open(self.folder.path()).unwrap())
    }
}

fn request() -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: "https://auth.example.org/token?service=s".parse().unwrap(),
        headers: Vec::new(),
        body: Vec::new(),
        tls: Tls::default(),
        has_secret_answer: false,
        is_redirected: false,
        led_by: None,
    }
}

fn answer(chunks: &Value) -> Value {
    json!({ "status": 200, "headers": [], "chunks": chunks })
}

/// Returns the body of the answer.
async fn read(effects: Rc<dyn Effects>, request: HttpRequest) -> String {
    let mut response = effects.http(request).await.ok().unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = response.body.next().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).unwrap()
}

/// Records one request and returns the text of the recording, and the body that its replay gives.
async fn record(answer: Value, request: HttpRequest, redactor: &Redactor) -> (String, String) {
    let prepared = Prepared::new(answer);
    let recorder = Rc::new(Recorder::new(prepared.effects(&request)));
    read(Rc::clone(&recorder) as _, request.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let recording = RecordingFolder::open(folder.path()).unwrap();
    recorder.finish(&recording, redactor).unwrap();
    let text = std::fs::read_to_string(folder.path().join(TAPE_FILE)).unwrap();
    let replayed = read(Rc::new(Tape::open(folder.path()).unwrap()), request).await;
    (text, replayed)
}

#[tokio::test(start_paused = true)]
async fn a_token_cut_in_two_is_redacted() {
    let redactor = Redactor::default();
    redactor.add("FIRST-half-second-HALF");
    let chunks = json!([[43, "{\"x\":\"FIRST-half"], [193, "-second-HALF\"}"]]);
    let (text, replayed) = record(answer(&chunks), request(), &redactor).await;
    assert!(!text.contains("half") && !text.contains("HALF"), "{text}");
    assert!(
        text.contains(r#""chunks":[[43,"{\"x\":\"***"],[193,"\"}"]]"#),
        "{text}"
    );
    assert_eq!(replayed, r#"{"x":"***"}"#);
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_token_server_is_not_recorded() {
    let mut request = request();
    request.has_secret_answer = true;
    let body = r#"{"token":"ONE","refresh_token":"TWO","expires_in":300,"THREE":{"a":["FOUR"]}}"#;
    let chunks = json!([[0, body[..12]], [150, body[12..]]]);
    let redactor = Redactor::default();
    let (text, replayed) = record(answer(&chunks), request.clone(), &redactor).await;
    for secret in ["ONE", "TWO", "THREE", "FOUR"] {
        assert!(!text.contains(secret), "{text}");
    }
    let replayed: Value = serde_json::from_str(&replayed).unwrap();
    assert!(replayed["token"].as_str().unwrap().len() > 16);
    assert_eq!(replayed["expires_in"], 300);
    let chunks = json!([[0, "token=SECRET"]]);
    let (text, _) = record(answer(&chunks), request.clone(), &redactor).await;
    assert!(text.contains(r#"[[0,"***"]]"#), "{text}");
    // The report quotes a refusal, and so does that of the replay.
    let refusal = json!({ "status": 401, "headers": [], "chunks": [[0, "expired"]] });
    assert_eq!(record(refusal, request, &redactor).await.1, "expired");
}

#[tokio::test(start_paused = true)]
async fn cookies_and_signatures_are_not_recorded() {
    let mut answer = answer(&json!([]));
    answer["headers"] = json!([
        ["set-cookie", "session=COOKIE"],
        ["x-secret", "HEADER"],
        [
            "location",
            "https://blobs.example.org/x?signature=SIGNATURE"
        ],
        ["content-type", "text/plain"],
    ]);
    let mut request = request();
    request.url.set_query(Some("signature=REDIRECT"));
    request.is_redirected = true;
    let (text, _) = record(answer, request, &Redactor::default()).await;
    for secret in ["COOKIE", "HEADER", "SIGNATURE", "REDIRECT"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("https://blobs.example.org/x\"") && text.contains("text/plain"));
}

#[test]
fn secrets_in_bytes_are_redacted() {
    let redactor = Redactor::default();
    redactor.add("hunter2");
    let bytes = b"\xff hunter2 \xfe";
    let log = TapeLog::start();
    let answer = json!({ "ok": { "number": bytes.to_vec(), "base64": bytes_to_json(bytes) } });
    log.answer(log.ask("read", json!({ "path": "hunter2" })), answer);
    let entry = redacted::redacted(log.entries()[0].clone(), &redactor);
    let clean = b"\xff *** \xfe";
    assert_eq!(entry.request, json!({ "path": "***" }));
    assert_eq!(entry.answer["ok"]["number"], json!(clean.to_vec()));
    assert_eq!(entry.answer["ok"]["base64"], bytes_to_json(clean));
}
