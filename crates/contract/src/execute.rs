//! From arguments to exit code: the same for every step.

use std::{io, path::Path, process::ExitCode, rc::Rc};

use effects::{Effects, Real, Recorder, RecordingFolder};

use crate::{
    Failure, FinalReport, Finished, Invocation, Redactor, Step,
    common::find_format,
    logging, panics,
    parsed::{Parsed, Unparsed},
    replay,
    reporting::Reporting,
    run_context::RunContext,
    run_end::RunEnd,
    signals,
};

/// The whole of a step's `main.rs`.
pub fn main<S: Step>() -> ExitCode {
    start::<S>(Invocation::of_process())
}

/// Does what [`main`] does for a call that is given; the front door's own name precedes the step's.
pub(crate) fn start<S: Step>(invocation: Invocation) -> ExitCode {
    let redactor = Redactor::default();
    let format = find_format(&invocation.arguments, &invocation.vars);
    panics::report::<S>(format, &invocation.vars, redactor.clone());
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        // The panic hook reports it in every format.
        Err(error) => panic!("could not start the async runtime: {error}"),
    };
    let exit = runtime.block_on(run::<S>(invocation, redactor)).exit;
    // A name look-up that hangs blocks another thread; its answer is no longer needed.
    runtime.shutdown_background();
    ExitCode::from(exit)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build()
}

/// Runs a step within an existing runtime and prints its report; for the front door.
pub async fn execute<S: Step>(invocation: Invocation) -> Finished {
    run::<S>(invocation, Redactor::default()).await
}

async fn run<S: Step>(invocation: Invocation, redactor: Redactor) -> Finished {
    let reporting = Reporting::new(invocation);
    match Parsed::<S>::new(&reporting.arguments, &reporting.vars) {
        Ok(parsed) => run_parsed(parsed, reporting, redactor).await,
        Err(Unparsed::Help(text)) => reporting.help(&text),
        Err(Unparsed::Invalid(failure)) => {
            let context = RunContext::of_step(S::NAME);
            let report = FinalReport::new(RunEnd::Failed(failure), context, &redactor);
            reporting.finish(report)
        }
    }
}

async fn run_parsed<S: Step>(
    parsed: Parsed<S>,
    reporting: Reporting,
    redactor: Redactor,
) -> Finished {
    let _logging = logging::start(
        parsed.common.verbose,
        reporting.format,
        &reporting.vars,
        redactor.clone(),
    );
    let progress = Rc::new(reporting.progress());
    let stopped = signals::stopped();
    let real: Rc<dyn Effects> = Rc::new(Real::default());
    let Some(directory) = parsed.common.record.clone() else {
        let run = parsed.run(real, &reporting.vars, &redactor, progress, stopped);
        let report = run.await;
        return reporting.finish(report);
    };
    let folder = RecordingFolder::open(&directory);
    if let Err(error) = &folder
        && error.kind() == io::ErrorKind::NotADirectory
    {
        let context = RunContext::of_step(S::NAME);
        let ended = RunEnd::Failed(not_a_folder(&directory));
        return reporting.finish(FinalReport::new(ended, context, &redactor));
    }
    let recorder = Rc::new(Recorder::new(real));
    let effects: Rc<dyn Effects> = Rc::clone(&recorder) as _;
    let arguments = parsed.arguments.clone();
    let run = parsed.run(effects, &reporting.vars, &redactor, progress, stopped);
    let mut report = run.await;
    let saved = folder.and_then(|folder| {
        recorder.finish(&folder, &redactor)?;
        replay::save(&folder, &arguments, &report, &redactor)
    });
    if let Err(error) = saved {
        report.notices.push(not_saved(&directory, &error));
    }
    reporting.finish(report)
}

fn not_a_folder(directory: &Path) -> Failure {
    let directory = directory.display();
    let error = anyhow::anyhow!("`{directory}` of `--record` is a link or a file");
    Failure::usage(error).hinted("pass a directory that does not exist, or one of your own")
}

fn not_saved(directory: &Path, error: &io::Error) -> String {
    let directory = directory.display();
    format!("could not write the recording to `{directory}`: {error}")
}
