//! Runs a recorded step again, offline.

use std::{ffi::OsString, io, path::Path, rc::Rc};

use effects::{RecordingFolder, Tape};
use serde_json::{Value, json};

use crate::{
    FinalReport, Redactor, Step, Vars,
    parsed::{Parsed, Unparsed},
    progress::RunProgress,
};

/// The file of a recording that contains the arguments and the report.
const RUN_FILE: &str = "run.json";

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file is missing or invalid.
    #[error("could not read the recording: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a recording of another step.
    #[error("it is a recording of `{0}`")]
    OtherStep(String),
    /// Its arguments are invalid for this version.
    #[error("its arguments are invalid: {0}")]
    Arguments(String),
}

/// Writes the run next to its tape: step, version, arguments without secrets, report.
pub(crate) fn save(
    folder: &RecordingFolder,
    arguments: &[OsString],
    report: &FinalReport,
    redactor: &Redactor,
) -> io::Result<()> {
    let arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    let arguments: Vec<String> = arguments.map(|text| redactor.apply(&text)).collect();
    let run = json!({
        "schema": 1,
        "step": report.step,
        "version": env!("CARGO_PKG_VERSION"),
        "arguments": arguments,
        "report": report,
    });
    folder.write(RUN_FILE, format!("{run:#}\n").as_bytes())
}

/// Runs the step of a recording again with its arguments, answered by the tape, and returns the
/// recorded report and the new one. They differ in nothing but `elapsed_ms`.
///
/// Call it outside of a runtime: it makes its own with a paused clock, under which waiting costs
/// nothing.
///
/// # Errors
/// A [`ReplayError`] when the recording cannot be read or is of another step.
pub fn replay<S: Step>(directory: &Path) -> Result<(Value, Value), ReplayError> {
    let run = std::fs::read(directory.join(RUN_FILE))?;
    let run: Value = serde_json::from_slice(&run).map_err(io::Error::from)?;
    let step = run["step"].as_str().unwrap_or_default();
    if step != S::NAME {
        return Err(ReplayError::OtherStep(step.to_owned()));
    }
    let report = answered_by_tape::<S>(directory, &arguments(&run))?;
    let report = serde_json::to_value(report).map_err(io::Error::from)?;
    Ok((run["report"].clone(), report))
}

fn arguments(run: &Value) -> Vec<OsString> {
    let all = run["arguments"].as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(OsString::from).collect()
}

fn answered_by_tape<S: Step>(
    directory: &Path,
    arguments: &[OsString],
) -> Result<FinalReport, ReplayError> {
    let tape = Tape::open(directory)?;
    let vars = Vars::default();
    let parsed = Parsed::<S>::new(arguments, &vars).map_err(|unparsed| match unparsed {
        Unparsed::Help(text) => ReplayError::Arguments(text.to_string()),
        Unparsed::Invalid(failure) => ReplayError::Arguments(failure.summary()),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(async {
        let (redactor, progress) = (Redactor::default(), Rc::new(RunProgress::silent()));
        let never = std::future::pending();
        let run = parsed.run(Rc::new(tape), &vars, &redactor, progress, never);
        run.await
    }))
}
