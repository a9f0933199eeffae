//! `-v`: a line on standard error for every request, command and file.

use std::io::{self, Write};

use tracing::Level;
use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, time::uptime},
    layer::SubscriberExt as _,
};

use crate::{
    Redactor, Vars,
    common::Format,
    text::{escape_data, harmless},
};

/// Libraries that log every connection, which only `-vv` shows.
const CHATTY: [&str; 7] = [
    "hyper",
    "hyper_util",
    "kube_client",
    "kube_runtime",
    "reqwest",
    "rustls",
    "tower",
];

/// Starts logging until the guard is dropped, if `-v` or the runner's debug mode asks for it.
pub(crate) fn start(
    verbose: u8,
    format: Format,
    vars: &Vars,
    redactor: Redactor,
) -> Option<tracing::subscriber::DefaultGuard> {
    if verbose == 0 && vars.get("RUNNER_DEBUG") != Some("1") {
        return None;
    }
    let (level, calm) = if verbose > 1 {
        (Level::TRACE, Level::TRACE)
    } else {
        (Level::DEBUG, Level::WARN)
    };
    let targets = Targets::new()
        .with_default(level)
        .with_targets(CHATTY.map(|target| (target, calm)));
    let lines = RedactedLines {
        redactor,
        runner: format == Format::Github,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .with_timer(uptime())
        .with_writer(lines)
        .finish()
        .with(targets);
    Some(tracing::subscriber::set_default(subscriber))
}

#[derive(Clone)]
struct RedactedLines {
    redactor: Redactor,
    runner: bool,
}

impl<'a> MakeWriter<'a> for RedactedLines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for RedactedLines {
    /// Gets a whole line at a time, so that the redactor finds every secret.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.redactor.apply(&String::from_utf8_lossy(bytes));
        let line = harmless(text.trim_end());
        if self.runner {
            writeln!(io::stderr(), "::debug::{}", escape_data(&line))?;
        } else {
            writeln!(io::stderr(), "{line}")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
