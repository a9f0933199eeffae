//! Running a recorded step again, offline.

use std::{ffi::OsString, io, path::Path, rc::Rc};

use serde_json::{Value, json};

use crate::{
    Document, Redactor, Step, Vars,
    execute::{Parsed, Unparsed},
    progress::Progress,
    world::Tape,
};

/// The file of a recording that says what was run and what came out.
const RUN_FILE: &str = "run.json";

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file is missing or not what it should be.
    #[error("could not read the recording: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a recording of another step.
    #[error("it is a recording of `{0}`")]
    OtherStep(String),
    /// Its arguments are not understood by this version.
    #[error("its arguments are not understood: {0}")]
    Arguments(String),
}

/// Writes the run beside its tape: step, version, arguments without secrets, report.
pub(crate) fn save(
    directory: &Path,
    arguments: &[OsString],
    document: &Document,
    redactor: &Redactor,
) -> io::Result<()> {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| redactor.apply(&argument.to_string_lossy()))
        .collect();
    let run = json!({
        "schema": 1,
        "step": document.step,
        "version": env!("CARGO_PKG_VERSION"),
        "arguments": arguments,
        "report": document,
    });
    std::fs::write(directory.join(RUN_FILE), format!("{run:#}\n"))
}

/// Runs the step of a recording again with its arguments, everything answered by the tape, and
/// returns the report that was recorded and the new one. They are equal but for `elapsed_ms`.
///
/// It makes a runtime of its own with a paused clock, so that waiting costs nothing; call it outside
/// of one.
///
/// # Errors
/// When the recording cannot be read or is one of another step.
pub fn replay<S: Step>(directory: &Path) -> Result<(Value, Value), ReplayError> {
    let run = std::fs::read(directory.join(RUN_FILE))?;
    let run: Value = serde_json::from_slice(&run).map_err(io::Error::from)?;
    let step = run["step"].as_str().unwrap_or_default();
    if step != S::NAME {
        return Err(ReplayError::OtherStep(step.to_owned()));
    }
    let document = answered_by_tape::<S>(directory, &arguments(&run))?;
    Ok((
        run["report"].clone(),
        serde_json::to_value(document).map_err(io::Error::from)?,
    ))
}

fn arguments(run: &Value) -> Vec<OsString> {
    let all = run["arguments"].as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(OsString::from).collect()
}

fn answered_by_tape<S: Step>(
    directory: &Path,
    arguments: &[OsString],
) -> Result<Document, ReplayError> {
    let tape = Tape::open(directory)?;
    let parsed =
        Parsed::<S>::new(arguments, &Vars::default()).map_err(|unparsed| match unparsed {
            Unparsed::Help(text) => ReplayError::Arguments(text),
            Unparsed::Wrong(failure) => ReplayError::Arguments(failure.summary()),
        })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(async {
        let (redactor, progress) = (Redactor::default(), Rc::new(Progress::silent()));
        parsed
            .run(
                Rc::new(tape),
                &Vars::default(),
                &redactor,
                progress,
                std::future::pending(),
            )
            .await
    }))
}
