//! `-v`: every request, command and file, as a line on standard error.

use std::io::{self, Write};

use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, time::uptime},
    layer::SubscriberExt as _,
};

use crate::{Format, Redactor, Vars, reporters::github};

/// Libraries that tell of each connection; `-vv` shows that as well.
const CHATTY: [&str; 7] = [
    "hyper",
    "hyper_util",
    "kube_client",
    "kube_runtime",
    "reqwest",
    "rustls",
    "tower",
];

/// Starts logging until the guard is dropped, if asked for by `-v` or by the runner's debug mode.
pub(crate) fn start(
    verbose: u8,
    format: Format,
    vars: &Vars,
    redactor: Redactor,
) -> Option<tracing::subscriber::DefaultGuard> {
    if verbose == 0 && vars.get("RUNNER_DEBUG") != Some("1") {
        return None;
    }
    let level = if verbose > 1 {
        tracing::Level::TRACE
    } else {
        tracing::Level::DEBUG
    };
    let calm = if verbose > 1 {
        level
    } else {
        tracing::Level::WARN
    };
    let targets = Targets::new()
        .with_default(level)
        .with_targets(CHATTY.map(|target| (target, calm)));
    let lines = Lines {
        redactor,
        runner: format == Format::Github,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .with_level(false);
    let subscriber = subscriber
        .with_timer(uptime())
        .with_writer(lines)
        .finish()
        .with(targets);
    Some(tracing::subscriber::set_default(subscriber))
}

#[derive(Clone)]
struct Lines {
    redactor: Redactor,
    runner: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Lines {
    /// Gets a whole line at a time, which is what a secret can be found in.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.redactor.apply(&String::from_utf8_lossy(bytes));
        let line = github::harmless(text.trim_end());
        let prefix = if self.runner { "::debug::" } else { "" };
        writeln!(io::stderr(), "{prefix}{line}")?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
