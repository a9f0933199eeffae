//! A panic is reported like a failure: in the format of the run, with exit code 1.

use std::{io, panic::PanicHookInfo};

use crate::{
    Failure, FinalReport, Redactor, Step, Vars,
    common::Format,
    reporters::{github, json, plain},
    reporting::runner_files,
    run_context::RunContext,
    run_end::RunEnd,
};

/// Reports panics of this process from here on.
///
/// The hook ends the process itself: the profile `dist` aborts after it, which would be exit code
/// 134 and a core dump.
pub(crate) fn report<S: Step>(format: Format, vars: &Vars, redactor: Redactor) {
    let vars = vars.clone();
    std::panic::set_hook(Box::new(move |panic| {
        // What runs could still write, and would outlive this process.
        effects::kill_programs();
        let report = final_report::<S>(panic, &redactor);
        print(format, &vars, &report);
        #[expect(
            clippy::exit,
            reason = "nothing may run after a panic, and no verdict has the exit code 134"
        )]
        std::process::exit(i32::from(report.exit));
    }));
}

fn final_report<S: Step>(panic: &PanicHookInfo<'_>, redactor: &Redactor) -> FinalReport {
    let message = message(panic);
    let place = panic
        .location()
        .map(|at| format!(" at {}:{}", at.file(), at.line()))
        .unwrap_or_default();
    let failure = Failure::internal(anyhow::anyhow!("{message}{place}")).hinted(concat!(
        "report this internal error, with the line above and the command, at ",
        env!("CARGO_PKG_REPOSITORY"),
        "/issues"
    ));
    FinalReport::new(
        RunEnd::Failed(failure),
        RunContext::of_step(S::NAME),
        redactor,
    )
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = panic.payload();
    if let Some(text) = payload.downcast_ref::<&str>() {
        return text;
    }
    let text = payload.downcast_ref::<String>();
    text.map_or("no message", String::as_str)
}

/// Prints the report; a write that fails must not panic again.
fn print(format: Format, vars: &Vars, report: &FinalReport) {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let _ = match format {
        Format::Github => github::log(&mut err, report).and_then(|()| runner_files(vars, report)),
        Format::Json => plain::words(&mut err, report, false, vars.is_runner())
            .and_then(|()| json::document(&mut out, report)),
        Format::Plain => plain::words(&mut err, report, false, vars.is_runner()),
    };
}
