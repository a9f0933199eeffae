//! From arguments to exit code: the same for every step.

use std::{
    cell::RefCell,
    ffi::OsString,
    fs::OpenOptions,
    io::{self, IsTerminal as _, Write},
    path::Path,
    process::ExitCode,
    rc::Rc,
};

use clap::FromArgMatches as _;

use crate::{
    Common, Deadline, Document, Failure, Format, Redactor, Step, Vars, World,
    arguments::{self, find_format},
    document::{Circumstances, Outcome},
    logging, panics,
    progress::{Progress, Style},
    replay,
    reporters::{github, json, plain},
    world::{Effects, Real, Recorder},
};

/// One call of a step: what `main` takes from the process, and what the front door and tests make.
pub struct Invocation {
    /// The arguments, the program's name first.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub vars: Vars,
    /// Data goes here.
    pub out: Box<dyn Write>,
    /// Words for people go here.
    pub err: Box<dyn Write>,
    /// Whether `err` is a terminal: a live line.
    pub terminal: bool,
    /// Whether words are coloured.
    pub colour: bool,
}

impl Invocation {
    /// Returns the call that this process is.
    pub fn of_process() -> Self {
        let vars = Vars::of_process();
        // act gives a step a terminal and GitHub a pipe; on a runner neither may matter.
        let terminal =
            !vars.is_runner() && io::stderr().is_terminal() && vars.get("TERM") != Some("dumb");
        // NO_COLOR, CLICOLOR and CLICOLOR_FORCE are anstream's to judge.
        let choice = anstream::AutoStream::choice(&io::stderr());
        let colour = !vars.is_runner() && choice != anstream::ColorChoice::Never;
        Self {
            arguments: std::env::args_os().collect(),
            vars,
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            terminal,
            colour,
        }
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code.
    pub exit: u8,
    /// The report; `None` after `--help` and `--version`.
    pub document: Option<Document>,
}

/// The whole of a step's `main.rs`.
pub fn main<S: Step>() -> ExitCode {
    start::<S>(Invocation::of_process())
}

/// What [`main`] does, for the front door, whose own name comes before the step's.
pub(crate) fn start<S: Step>(invocation: Invocation) -> ExitCode {
    let redactor = Redactor::default();
    let format = find_format(&invocation.arguments, &invocation.vars);
    panics::report::<S>(format, &invocation.vars, redactor.clone());
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        // Without a runtime nothing can be asked; the panic hook reports it in every format.
        Err(error) => panic!("no runtime: {error}"),
    };
    let exit = runtime.block_on(run::<S>(invocation, redactor)).exit;
    // A name look-up that hangs sits on another thread; nobody waits for its answer any more.
    runtime.shutdown_background();
    ExitCode::from(exit)
}

/// Runs a step within a runtime that exists, and reports; for the front door.
pub async fn execute<S: Step>(invocation: Invocation) -> Finished {
    run::<S>(invocation, Redactor::default()).await
}

async fn run<S: Step>(invocation: Invocation, redactor: Redactor) -> Finished {
    let mut reporting = Reporting::new(invocation);
    let parsed = match Parsed::<S>::new(&reporting.arguments, &reporting.vars) {
        Ok(parsed) => parsed,
        Err(Unparsed::Help(text)) => {
            let _ = write!(reporting.out, "{text}");
            return Finished {
                exit: 0,
                document: None,
            };
        }
        Err(Unparsed::Wrong(failure)) => {
            let around = Circumstances {
                step: S::NAME.to_owned(),
                ..Circumstances::default()
            };
            return reporting.finish(Document::new(Outcome::Failed(failure), around, &redactor));
        }
    };
    let _logging = logging::start(
        parsed.common.verbose,
        reporting.format,
        &reporting.vars,
        redactor.clone(),
    );
    let real: Rc<dyn Effects> = Rc::new(Real::default());
    let recorder = parsed
        .common
        .record
        .as_ref()
        .map(|_| Rc::new(Recorder::new(Rc::clone(&real))));
    let effects = recorder
        .clone()
        .map_or(real, |recorder| recorder as Rc<dyn Effects>);
    let progress = Rc::new(Progress::new(
        reporting.style(),
        Box::new(reporting.err.clone()),
    ));
    let (directory, arguments) = (parsed.common.record.clone(), parsed.arguments.clone());
    let mut document = parsed
        .run(effects, &reporting.vars, &redactor, progress, stopped())
        .await;
    if let (Some(recorder), Some(directory)) = (recorder, directory) {
        save(&recorder, &directory, &arguments, &mut document, &redactor);
    }
    reporting.finish(document)
}

fn save(
    recorder: &Recorder,
    directory: &Path,
    arguments: &[OsString],
    document: &mut Document,
    redactor: &Redactor,
) {
    let saved = recorder.finish(directory, redactor);
    if let Err(error) = saved.and_then(|()| replay::save(directory, arguments, document, redactor))
    {
        document.notices.push(format!(
            "could not write the recording to `{}`: {error}",
            directory.display()
        ));
    }
}

/// Arguments that were understood.
pub(crate) struct Parsed<S: Step> {
    common: Common,
    args: S::Args,
    /// The arguments with those added that only the environment gave.
    arguments: Vec<OsString>,
}

/// Arguments that lead to no run.
pub(crate) enum Unparsed {
    /// `--help` or `--version`: what to print.
    Help(String),
    /// Not understood.
    Wrong(Failure),
}

impl<S: Step> Parsed<S> {
    pub(crate) fn new(arguments: &[OsString], vars: &Vars) -> Result<Self, Unparsed> {
        let command = arguments::command::<S>();
        let arguments = arguments::with_variables(&command, arguments.to_vec(), vars)
            .map_err(|text| Unparsed::Wrong(Failure::usage(anyhow::anyhow!(text))))?;
        let matches = command
            .try_get_matches_from(&arguments)
            .map_err(|error| unparsed(&error))?;
        let common = Common::from_arg_matches(&matches).map_err(|error| unparsed(&error))?;
        let args = <S::Args as clap::FromArgMatches>::from_arg_matches(&matches)
            .map_err(|error| unparsed(&error))?;
        Ok(Self {
            common,
            args,
            arguments,
        })
    }

    /// Runs the step until it ends or `stopped` does, and makes the document.
    pub(crate) async fn run(
        self,
        effects: Rc<dyn Effects>,
        vars: &Vars,
        redactor: &Redactor,
        progress: Rc<Progress>,
        stopped: impl Future<Output = &'static str>,
    ) -> Document {
        let deadline = Deadline::after(self.common.timeout);
        let event = vars.get("GITHUB_EVENT_PATH").map(Path::new);
        let is_public = event.is_some_and(is_public_repository);
        let world = World::new(
            effects,
            vars.clone(),
            redactor.clone(),
            Rc::clone(&progress),
            deadline,
            is_public,
        );
        let outcome = tokio::select! {
            result = S::run(self.args, &world) => result.map_or_else(Outcome::Failed, Outcome::Reported),
            signal = stopped => Outcome::Interrupted(signal),
            never = progress.keep_going() => match never {},
        };
        let known = world.known();
        let around = Circumstances {
            step: S::NAME.to_owned(),
            accept: self.common.accept,
            reproduce: reproduce(S::NAME, &self.arguments, &known.secrets),
            known: known.facts,
            known_subjects: known.subjects,
            notices: known.notices,
            timeline: progress.finish(),
            requests: world.requests(),
            elapsed_ms: u64::try_from(world.deadline().elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        Document::new(outcome, around, redactor)
    }
}

fn unparsed(error: &clap::Error) -> Unparsed {
    use clap::error::ErrorKind;
    let text = error.to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return Unparsed::Help(text);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head: Vec<&str> = lines
        .iter()
        .copied()
        .take_while(|line| !line.is_empty())
        .collect();
    let head = head.join(" ");
    let failure = Failure::usage(anyhow::anyhow!(
        head.strip_prefix("error: ").unwrap_or(&head).to_owned()
    ));
    let tips = lines.iter().filter_map(|line| line.strip_prefix("tip: "));
    Unparsed::Wrong(
        tips.fold(failure, |failure, tip| {
            failure.hinted(tip.replace('\'', "`"))
        })
        .hinted("see `--help`"),
    )
}

/// Reads `repository.private` of the event payload; what cannot be read counts as private, as on a
/// laptop.
fn is_public_repository(event: &Path) -> bool {
    let event = std::fs::read(event)
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    event.is_some_and(|event| event["repository"]["private"] == serde_json::Value::Bool(false))
}

/// Returns the command for a laptop: quoted for a shell, without what only this run needs, secrets
/// as variables.
fn reproduce(step: &str, arguments: &[OsString], secrets: &[&str]) -> String {
    let mut words: Vec<String> = secrets
        .iter()
        .map(|name| format!("{name}=\"${name}\""))
        .collect();
    words.push(step.to_owned());
    let mut rest = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy());
    while let Some(argument) = rest.next() {
        match argument.as_ref() {
            "--format" | "--record" => drop(rest.next()),
            joined if joined.starts_with("--format=") || joined.starts_with("--record=") => {}
            _ => words.push(quote(&argument)),
        }
    }
    words.join(" ")
}

/// Returns a word as a POSIX shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns what ends when SIGINT or SIGTERM comes, with its name. The handlers stand when this
/// returns, and not only when somebody waits for it: nothing may be printed before they do.
fn stopped() -> impl Future<Output = &'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            // Without handlers the signal ends the process as it always did.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    }
}

/// Where the report goes.
struct Reporting {
    format: Format,
    arguments: Vec<OsString>,
    vars: Vars,
    out: Box<dyn Write>,
    err: Shared,
    terminal: bool,
    colour: bool,
}

impl Reporting {
    fn new(invocation: Invocation) -> Self {
        let Invocation {
            arguments,
            vars,
            out,
            err,
            terminal,
            colour,
        } = invocation;
        let format = find_format(&arguments, &vars);
        Self {
            format,
            arguments,
            vars,
            out,
            err: Shared(Rc::new(RefCell::new(err))),
            terminal,
            colour,
        }
    }

    fn style(&self) -> Style {
        match self.format {
            Format::Github => Style::Runner,
            _ if self.terminal => Style::Live,
            _ => Style::Lines,
        }
    }

    fn finish(mut self, document: Document) -> Finished {
        // A write to a closed pipe or a cancelled runner fails; the exit code still tells.
        let written = match self.format {
            Format::Plain => {
                let _ = plain::words(&mut self.err, &document, self.colour);
                plain::value(&mut self.out, &document)
            }
            Format::Json => {
                let _ = plain::words(&mut self.err, &document, self.colour);
                json::document(&mut self.out, &document)
            }
            Format::Github => {
                let _ = github::log(&mut self.err, &document);
                runner_files(&self.vars, &document)
            }
        };
        let mut exit = document.exit;
        if let Err(error) = written {
            let _ = writeln!(self.err, "error: could not write the result: {error}");
            // Whoever reads an empty output as an answer would be wrong.
            if exit == 0 && error.kind() != io::ErrorKind::BrokenPipe {
                exit = crate::Verdict::Unavailable.exit();
            }
        }
        let _ = self.out.flush();
        Finished {
            exit,
            document: Some(document),
        }
    }
}

/// Appends outputs and summary to the files that a runner names.
pub(crate) fn runner_files(vars: &Vars, document: &Document) -> io::Result<()> {
    let open = |path: &str| OpenOptions::new().append(true).create(true).open(path);
    if let Some(path) = vars.get("GITHUB_STEP_SUMMARY") {
        // A summary is for reading only: without it the run is as good.
        let _ = open(path).and_then(|mut file| github::summary(&mut file, document));
    }
    if let Some(path) = vars.get("GITHUB_OUTPUT") {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let delimiter = format!("ghadelimiter_{:032x}", u128::from_le_bytes(random));
        let mut text = Vec::new();
        github::outputs(&mut text, document, &delimiter)?;
        open(path)?.write_all(&text)?;
    }
    Ok(())
}

/// Standard error, shared by progress and report.
#[derive(Clone)]
struct Shared(Rc<RefCell<Box<dyn Write>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_reproduce_is_quoted_and_shows_no_secret() {
        let arguments = [
            "/bin/check-image",
            "--image",
            "a b",
            "--format",
            "json",
            "--record=x",
            "--platform=linux/amd64",
        ];
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        assert_eq!(
            reproduce("check-image", &arguments, &["RUNBOOK_REGISTRY_PASSWORD"]),
            "RUNBOOK_REGISTRY_PASSWORD=\"$RUNBOOK_REGISTRY_PASSWORD\" check-image --image 'a b' --platform=linux/amd64"
        );
    }

    #[test]
    fn a_quote_survives_the_shell() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn only_a_payload_that_says_so_makes_a_repository_public() {
        let directory = tempfile::tempdir().unwrap();
        let event = directory.path().join("event.json");
        assert!(!is_public_repository(&event));
        for (private, is_public) in [("false", true), ("true", false), ("null", false)] {
            let payload = format!(r#"{{"repository":{{"private":{private}}}}}"#);
            std::fs::write(&event, payload).unwrap();
            assert_eq!(is_public_repository(&event), is_public, "{private}");
        }
    }
}
