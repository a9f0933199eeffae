//! A recording and its tape, through the world.

use bytes::Bytes;
use effects::{Recorder, RecordingFolder, TAPE_FILE, Tape};

use super::*;
use crate::progress::ProgressStyle;

fn world(effects: Rc<dyn Effects>, redactor: &Redactor, vars: &[(&str, &str)]) -> World {
    let progress = Rc::new(RunProgress::new(
        ProgressStyle::Silent,
        Box::new(io::sink()),
    ));
    let vars = vars.iter().copied().collect();
    World::new(
        effects,
        vars,
        redactor.clone(),
        progress,
        Deadline::after(Duration::ZERO),
        false,
    )
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn replayed<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// Asks for everything that a step can ask for, and returns the answers as one text.
async fn ask_everything(world: &World, folder: &Path) -> String {
    let kind = world.kind(&folder.join("file")).unwrap();
    let content = world.read(&folder.join("file"), 100).unwrap();
    let missing = world.read(&folder.join("missing"), 100).unwrap_err().kind();
    world.write(&folder.join("new"), b"\xfftext").unwrap();
    let spawned = world
        .spawn(Spawn::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]))
        .await
        .unwrap();
    let random = world.random();
    let secret = world.secret("RUNBOOK_T", None).unwrap();
    let asked: Result<Vec<u32>, String> = world
        .exchange("git", &"tip", |_| async { Ok(vec![1, 2]) })
        .await
        .unwrap();
    let refused: Result<Vec<u32>, String> = world
        .exchange("git", &"tip", |_| async { Err("gone".to_owned()) })
        .await
        .unwrap();
    let now = world
        .now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let here = (world.var("HERE"), world.var("EMPTY"), secret.is_some());
    format!(
        "{kind:?} {content:?} {missing:?} {spawned:?} {random} {asked:?} {refused:?} {now} {here:?}"
    )
}

#[test]
fn a_tape_returns_the_recorded_answers() {
    let (folder, tape) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("file"), b"\xff\x00 s3cr3t?").unwrap();
    let vars = [("HERE", "x"), ("EMPTY", ""), ("RUNBOOK_T", "t0ken-value")];
    let redactor = Redactor::default();
    let recorder = Rc::new(Recorder::new(Rc::new(Real::default())));
    let recorded = run(async {
        ask_everything(
            &world(Rc::clone(&recorder) as _, &redactor, &vars),
            folder.path(),
        )
        .await
    });
    let recording = RecordingFolder::open(tape.path()).unwrap();
    recorder.finish(&recording, &redactor).unwrap();
    let path = folder.path().to_owned();
    drop(folder);
    let effects = Rc::new(Tape::open(tape.path()).unwrap());
    let replayed =
        replayed(async { ask_everything(&world(effects, &Redactor::default(), &[]), &path).await });
    assert_eq!(replayed, recorded);
    assert!(!path.exists());
    assert!(
        !std::fs::read_to_string(tape.path().join(TAPE_FILE))
            .unwrap()
            .contains("t0ken")
    );
}

#[test]
fn a_request_without_recorded_answer_is_internal() {
    let tape = tempfile::tempdir().unwrap();
    std::fs::write(tape.path().join(TAPE_FILE), "").unwrap();
    let effects = Rc::new(Tape::open(tape.path()).unwrap());
    let failure = replayed(async {
        let world = world(effects, &Redactor::default(), &[]);
        world
            .exchange::<u32, _, _>("git", &"tip", |_| async { 1 })
            .await
            .unwrap_err()
    });
    assert_eq!(failure.verdict, crate::Verdict::Internal);
    assert!(
        failure
            .summary()
            .contains("the recording has no answer to this git request"),
        "{}",
        failure.summary()
    );
}

/// A body that arrives in parts, as from another library.
struct Parts(Vec<Bytes>);

impl BodyStream for Parts {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async { Ok((!self.0.is_empty()).then(|| self.0.remove(0))) })
    }
}

/// Makes the same request twice: the first gets a stream of two lines, the second no connection.
async fn stream_twice(world: &World) -> String {
    let request = serde_json::json!({ "path": "/api/v1/pods?watch=true" });
    let first = world.exchange_http("kube", &request, || async {
        let body = Box::new(Parts(vec![
            "one\n".into(),
            "two t0ken-".into(),
            "value\n".into(),
        ]));
        Ok(HttpResponse {
            status: 200,
            headers: Vec::new(),
            body,
        })
    });
    let mut answer = first.await.unwrap();
    let mut text = answer.status.to_string();
    while let Some(part) = answer.body.next().await.unwrap() {
        text.push_str(std::str::from_utf8(&part).unwrap());
    }
    drop(answer);
    let refused = TransportError::new(TransportErrorKind::Connect, "connection refused");
    let second = world
        .exchange_http("kube", &request, || async { Err(refused) })
        .await;
    format!("{text}{} {}", second.err().unwrap(), world.requests())
}

#[test]
fn a_stream_of_another_library_is_replayed() {
    let tape = tempfile::tempdir().unwrap();
    let redactor = Redactor::default();
    let recorder = Rc::new(Recorder::new(Rc::new(Real::default())));
    let recorded = run(stream_twice(&world(
        Rc::clone(&recorder) as _,
        &redactor,
        &[],
    )));
    assert_eq!(recorded, "200one\ntwo t0ken-value\nconnection refused 2");
    redactor.add("t0ken-value");
    let recording = RecordingFolder::open(tape.path()).unwrap();
    recorder.finish(&recording, &redactor).unwrap();
    let text = std::fs::read_to_string(tape.path().join(TAPE_FILE)).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let chunks = first["answer"]["chunks"].as_array().unwrap();
    let lines: Vec<&str> = chunks
        .iter()
        .filter_map(|chunk| chunk[1].as_str())
        .collect();
    assert_eq!(
        lines,
        ["one\n", "two ***\n"],
        "a line has its own time and is not cut"
    );
    let effects = Rc::new(Tape::open(tape.path()).unwrap());
    let played = replayed(stream_twice(&world(effects, &Redactor::default(), &[])));
    assert_eq!(played, recorded.replace("t0ken-value", "***"));
}
