//! A panic is reported like everything else: in the format that was asked for, with exit code 1.

use std::{io, panic::PanicHookInfo};

use crate::{
    Document, Failure, Format, Redactor, Step, Vars,
    document::{Circumstances, Outcome},
    execute::runner_files,
    reporters::{github, json, plain},
};

/// Reports panics of this process from here on.
///
/// The hook ends the process itself: the profile `dist` aborts after it, which would be exit code
/// 134 and a core dump.
pub(crate) fn report<S: Step>(format: Format, vars: &Vars, redactor: Redactor) {
    let vars = vars.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let document = document::<S>(panic, &redactor);
        print(format, &vars, &document);
        #[expect(
            clippy::exit,
            reason = "nothing after a panic may run, and 134 is not an exit code of ours"
        )]
        std::process::exit(i32::from(document.exit));
    }));
}

fn document<S: Step>(panic: &PanicHookInfo<'_>, redactor: &Redactor) -> Document {
    let what = message(panic);
    let place = panic
        .location()
        .map(|at| format!(" at {}:{}", at.file(), at.line()))
        .unwrap_or_default();
    let failure = Failure::internal(anyhow::anyhow!("{what}{place}")).hinted(concat!(
        "report this line and the command to ",
        env!("CARGO_PKG_REPOSITORY"),
        "/issues"
    ));
    let around = Circumstances {
        step: S::NAME.to_owned(),
        ..Circumstances::default()
    };
    Document::new(Outcome::Failed(failure), around, redactor)
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = panic.payload();
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(owned)
        .unwrap_or("no message")
}

/// A write that fails is not worth a second panic.
fn print(format: Format, vars: &Vars, document: &Document) {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let _ = match format {
        Format::Github => {
            github::log(&mut err, document).and_then(|()| runner_files(vars, document))
        }
        Format::Json => plain::words(&mut err, document, false)
            .and_then(|()| json::document(&mut out, document)),
        Format::Plain => plain::words(&mut err, document, false),
    };
}
