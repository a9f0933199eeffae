//! The parsed arguments of a step, and its run.

use std::{ffi::OsString, future::Future, path::Path, rc::Rc};

use clap::{FromArgMatches as _, error::ErrorKind};
use effects::Effects;

use crate::{
    Deadline, Failure, FinalReport, Redactor, Step, Vars, World, command_line, common::Common,
    environment, help, progress::RunProgress, reproduce::reproduce, run_context::RunContext,
    run_end::RunEnd,
};

/// The parsed arguments of a step.
pub(crate) struct Parsed<S: Step> {
    pub(crate) common: Common,
    args: S::Args,
    /// The arguments, with those added that come from the environment.
    pub(crate) arguments: Vec<OsString>,
}

/// Arguments that lead to no run.
pub(crate) enum Unparsed {
    /// `--help` or `--version`: the text to print.
    Help(clap::builder::StyledStr),
    /// Invalid arguments.
    Invalid(Failure),
}

impl<S: Step> Parsed<S> {
    pub(crate) fn new(arguments: &[OsString], vars: &Vars) -> Result<Self, Unparsed> {
        let command = command_line::command::<S>();
        let arguments = environment::with_variables(&command, arguments.to_vec(), vars)
            .map_err(|text| Unparsed::Invalid(Failure::usage(anyhow::anyhow!(text))))?;
        let command = help::with_help_flags(command, &arguments);
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

    /// Runs the step until it ends or `stopped` does, and makes the final report.
    pub(crate) async fn run(
        self,
        effects: Rc<dyn Effects>,
        vars: &Vars,
        redactor: &Redactor,
        progress: Rc<RunProgress>,
        stopped: impl Future<Output = &'static str>,
    ) -> FinalReport {
        let world = World::new(
            effects,
            vars.clone(),
            redactor.clone(),
            Rc::clone(&progress),
            Deadline::after(self.common.timeout),
            is_public(vars),
        );
        let ended = tokio::select! {
            result = S::run(self.args, &world) => result.into(),
            signal = stopped => RunEnd::Interrupted(signal),
            never = progress.keep_going() => match never {},
        };
        let known = world.known();
        let elapsed_ms = world.deadline().elapsed().as_millis();
        let context = RunContext {
            step: S::NAME.to_owned(),
            accept: self.common.accept,
            reproduce: reproduce(S::NAME, &self.arguments, &known.secrets),
            known,
            timeline: progress.finish(),
            requests: world.requests(),
            elapsed_ms: u64::try_from(elapsed_ms).unwrap_or(u64::MAX),
        };
        FinalReport::new(ended, context, redactor)
    }
}

fn unparsed(error: &clap::Error) -> Unparsed {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Unparsed::Help(error.render()),
        _ => Unparsed::Invalid(invalid(&error.to_string())),
    }
}

/// Turns the message of clap into a failure: its first paragraph is the error, its tips are hints.
fn invalid(text: &str) -> Failure {
    let lines = text.lines().map(str::trim);
    let head: Vec<&str> = lines.clone().take_while(|line| !line.is_empty()).collect();
    let head = head.join(" ");
    let error = head.strip_prefix("error: ").unwrap_or(&head).to_owned();
    let mut failure = Failure::usage(anyhow::anyhow!(error));
    for tip in lines.filter_map(|line| line.strip_prefix("tip: ")) {
        failure = failure.hinted(tip.replace('\'', "`"));
    }
    failure.hinted("see `--help`")
}

/// Returns whether the event of the workflow run says that the repository is public.
fn is_public(vars: &Vars) -> bool {
    let event = vars.get("GITHUB_EVENT_PATH").map(Path::new);
    event.is_some_and(is_public_repository)
}

/// Reads `repository.private` of the event payload. A payload that cannot be read counts as
/// private, as on a laptop.
fn is_public_repository(event: &Path) -> bool {
    let event = std::fs::read(event)
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    event.is_some_and(|event| event["repository"]["private"] == serde_json::Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_explicit_payload_makes_a_repository_public() {
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
