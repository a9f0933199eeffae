//! Where the output of a run goes.

use std::{
    cell::RefCell,
    ffi::OsString,
    fs::OpenOptions,
    io::{self, Write},
    rc::Rc,
};

use anstream::ColorChoice;

use crate::{
    FinalReport, Finished, Invocation, Vars, Verdict,
    common::{Format, find_format},
    progress::{ProgressStyle, RunProgress},
    reporters::{github, json, plain},
};

/// Where the output of a run goes, and in which format.
pub(crate) struct Reporting {
    pub(crate) format: Format,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) vars: Vars,
    out: Box<dyn Write>,
    err: SharedSink,
    terminal: bool,
    colour: bool,
}

impl Reporting {
    pub(crate) fn new(invocation: Invocation) -> Self {
        Self {
            format: find_format(&invocation.arguments, &invocation.vars),
            arguments: invocation.arguments,
            vars: invocation.vars,
            out: invocation.out,
            err: SharedSink(Rc::new(RefCell::new(invocation.err))),
            terminal: invocation.terminal,
            colour: invocation.colour,
        }
    }

    /// Returns the progress of the run, shown on standard error.
    pub(crate) fn progress(&self) -> RunProgress {
        let style = match self.format {
            Format::Github if self.vars.is_runner() => ProgressStyle::Runner,
            Format::Plain | Format::Json if self.terminal => ProgressStyle::Live,
            _ => ProgressStyle::Lines,
        };
        RunProgress::new(style, Box::new(self.err.clone()))
    }

    /// Prints the text of `--help` or `--version`.
    pub(crate) fn help(mut self, text: &clap::builder::StyledStr) -> Finished {
        // `colour` is about standard error; this text goes to standard output.
        let choice = anstream::AutoStream::choice(&io::stdout());
        let _ = if self.colour && choice != ColorChoice::Never {
            write!(self.out, "{}", text.ansi())
        } else {
            write!(self.out, "{text}")
        };
        Finished {
            exit: 0,
            report: None,
        }
    }

    /// Prints the report in the format of the run.
    pub(crate) fn finish(mut self, report: FinalReport) -> Finished {
        let mut exit = report.exit;
        if let Err(error) = self.write(&report) {
            let _ = writeln!(self.err, "error: could not write the result: {error}");
            // A workflow would take an empty output for an answer. A reader that closed the pipe
            // has read enough.
            if exit == 0 && error.kind() != io::ErrorKind::BrokenPipe {
                exit = Verdict::Unavailable.exit();
            }
        }
        let _ = self.out.flush();
        Finished {
            exit,
            report: Some(report),
        }
    }

    /// Writes the messages and the data. Messages may fail on a closed pipe or a cancelled runner:
    /// the exit code still tells the verdict.
    fn write(&mut self, report: &FinalReport) -> io::Result<()> {
        match self.format {
            Format::Plain => {
                let _ = plain::words(&mut self.err, report, self.colour, self.vars.is_runner());
                plain::value(&mut self.out, report)
            }
            Format::Json => {
                let _ = plain::words(&mut self.err, report, self.colour, self.vars.is_runner());
                json::document(&mut self.out, report)
            }
            Format::Github => {
                let _ = github::log(&mut self.err, report);
                runner_files(&self.vars, report)
            }
        }
    }
}

/// Appends outputs and summary to the files that a runner names.
pub(crate) fn runner_files(vars: &Vars, report: &FinalReport) -> io::Result<()> {
    let open = |path: &str| OpenOptions::new().append(true).create(true).open(path);
    if let Some(path) = vars.get("GITHUB_STEP_SUMMARY") {
        // No workflow reads the summary, so the run is as good without it.
        let _ = open(path).and_then(|mut file| github::summary(&mut file, report));
    }
    if let Some(path) = vars.get("GITHUB_OUTPUT") {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let delimiter = format!("ghadelimiter_{:032x}", u128::from_le_bytes(random));
        let mut text = Vec::new();
        github::outputs(&mut text, report, &delimiter)?;
        open(path)?.write_all(&text)?;
    }
    Ok(())
}

/// Standard error, shared by progress and report.
#[derive(Clone)]
struct SharedSink(Rc<RefCell<Box<dyn Write>>>);

impl Write for SharedSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}
