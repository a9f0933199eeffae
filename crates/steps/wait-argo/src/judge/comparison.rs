//! Whose error it is that Argo CD cannot compare an application.
//!
//! A message is read from its beginning, layer by layer, as Argo CD puts it together: what the
//! controller did (`controller/state.go`), the code of the repository server's answer, and the
//! command that failed there (`reposerver/repository/repository.go`, `util/exec/exec.go`). Words
//! that may be a part of a path or of a name decide nothing.

use contract::Reason;

use crate::{
    judge::api_error::names_network_failure,
    reasons::{NOT_COMPARED, PLUGIN_FAILED, RENDER_ERROR, UNSIGNED, WRONG_SOURCE},
};

/// What the controller was doing when it failed, and whose error that is. The first that matches
/// counts.
const STAGES: [(&str, ComparisonStage); 14] = [
    (
        "Failed to load target state: failed to generate manifest for source ",
        ComparisonStage::Generate,
    ),
    (
        "Failed to load target state: failed to unmarshal manifests for source ",
        ComparisonStage::Reason(RENDER_ERROR),
    ),
    // Argo CD before 2.6 has no source in it.
    (
        "Failed to load target state: rpc error: ",
        ComparisonStage::Answer("rpc error: "),
    ),
    ("rpc error: ", ComparisonStage::Answer("rpc error: ")),
    (
        "Manifest generation error (cached): ",
        ComparisonStage::Answer("Manifest generation error (cached): "),
    ),
    // A cluster, a repository or the repository server that cannot be asked.
    (
        "Failed to load target state: ",
        ComparisonStage::Reason(NOT_COMPARED),
    ),
    (
        "Failed to load live state: ",
        ComparisonStage::Reason(NOT_COMPARED),
    ),
    (
        "Failed to compare desired state to live state: ",
        ComparisonStage::Reason(NOT_COMPARED),
    ),
    (
        "Failed to normalize target state: ",
        ComparisonStage::Reason(NOT_COMPARED),
    ),
    (
        "Failed to check if live resource ",
        ComparisonStage::Reason(NOT_COMPARED),
    ),
    (
        "failed to get resource health",
        ComparisonStage::Reason(NOT_COMPARED),
    ),
    // `verifyGnuPGSignature`, and the source integrity that replaces it.
    ("Target revision ", ComparisonStage::Reason(UNSIGNED)),
    (
        "Found good signature made with ",
        ComparisonStage::Reason(UNSIGNED),
    ),
    ("GIT/GPG: ", ComparisonStage::Reason(UNSIGNED)),
];

/// What follows from the stage of a comparison.
#[derive(Debug, Clone, Copy)]
enum ComparisonStage {
    Reason(Reason),
    /// The repository server generated manifests: what it answered decides.
    Generate,
    /// The same, and the answer begins with this.
    Answer(&'static str),
}

/// Codes of gRPC that say that the repository server could not be asked, or had no time.
const UNANSWERED: [&str; 6] = [
    "Unavailable",
    "DeadlineExceeded",
    "Canceled",
    "ResourceExhausted",
    "Unauthenticated",
    "Aborted",
];

/// Layers around the error of a generator.
const LAYERS: [&str; 5] = [
    "Manifest generation error (cached): ",
    "plugin sidecar failed. ",
    "error generating manifests in cmp: ",
    "error generating manifests in plugin: ",
    "error generating manifests: ",
];

/// Programs that only render the files of the source.
const RENDERERS: [&str; 10] = [
    "kustomize",
    "helm",
    "jsonnet",
    "kubectl",
    "ytt",
    "kcl",
    "cue",
    "tk",
    "timoni",
    "kpt",
];

/// Programs, and their subcommands, that fetch something.
const FETCHING_COMMANDS: [&str; 8] = [
    "git ",
    "helm dependency ",
    "helm pull ",
    "helm fetch ",
    "helm registry ",
    "helm repo ",
    "helm show ",
    "oras ",
];

/// Beginnings of errors of the repository server about the files of the source.
const FILE_ERRORS: [&str; 12] = [
    "Failed to unmarshal ",
    "failed to unmarshal ",
    "error unmarshaling ",
    "error unmarshalling ",
    "error converting YAML to JSON: ",
    "yaml: ",
    "json: ",
    "failed to evaluate jsonnet ",
    "error resolving helm value files: ",
    "error parsing ",
    "kustomization.yaml is empty",
    "manifest file ",
];

/// Returns whose error the message of a `ComparisonError` is.
pub(super) fn comparison_failure(message: &str) -> Reason {
    if names_missing_revision(message) {
        return WRONG_SOURCE;
    }
    let found = STAGES
        .iter()
        .find_map(|(begin, stage)| Some((message.strip_prefix(begin)?, stage)));
    match found {
        None => NOT_COMPARED,
        Some((_, ComparisonStage::Reason(reason))) => *reason,
        Some((rest, ComparisonStage::Generate)) => {
            // `1 of 2: …`
            let answer = rest.split_once(": ").map_or(rest, |(_, answer)| answer);
            generation_failure(answer)
        }
        Some((rest, ComparisonStage::Answer(begin))) => {
            generation_failure(&format!("{begin}{rest}"))
        }
    }
}

/// Returns whether the source tracks a branch or a tag that its repository does not have
/// (`util/git/client.go`, `lsRemote`).
fn names_missing_revision(message: &str) -> bool {
    message.starts_with("Failed to load target state: ")
        && message.contains("nable to resolve '")
        && message.ends_with("' to a commit SHA")
}

/// Returns whose error the repository server's answer is.
fn generation_failure(answer: &str) -> Reason {
    let mut error = answer;
    loop {
        if let Some(rest) = error.strip_prefix("rpc error: code = ") {
            let Some((code, description)) = rest.split_once(" desc = ") else {
                return NOT_COMPARED;
            };
            if UNANSWERED.contains(&code) {
                return NOT_COMPARED;
            }
            if code == "PermissionDenied" {
                return WRONG_SOURCE;
            }
            error = description;
        } else if let Some(rest) = LAYERS.iter().find_map(|layer| error.strip_prefix(layer)) {
            error = rest;
        } else {
            break;
        }
    }
    generator_failure(error)
}

fn generator_failure(error: &str) -> Reason {
    // A hydrated application whose branch waits for a commit of another program.
    if error.contains(" - waiting for an external process to update ") {
        return NOT_COMPARED;
    }
    let reason = match error.strip_prefix('`') {
        Some(command) => command_failure(command),
        None if is_about_files(error) => RENDER_ERROR,
        None => NOT_COMPARED,
    };
    // A kustomization may have a remote base, and a plugin may ask anything.
    if names_network_failure(error) {
        NOT_COMPARED
    } else {
        reason
    }
}

fn is_about_files(error: &str) -> bool {
    FILE_ERRORS.iter().any(|begin| error.starts_with(begin))
        || error.ends_with(": app path does not exist")
        || error.ends_with(": app path is absolute")
}

/// Returns whose error a command is that failed: one that fetches, or took too long, proves nothing
/// against the commit, and neither does a plugin, which may ask any system.
fn command_failure(command: &str) -> Reason {
    let (command, outcome) = command.split_once("` ").unwrap_or((command, ""));
    let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
    let name = program.rsplit('/').next().unwrap_or(program);
    let command = format!("{name} {arguments}");
    let fetches = FETCHING_COMMANDS
        .iter()
        .any(|fetch| command.starts_with(fetch));
    if fetches || !outcome.starts_with("failed exit status") {
        NOT_COMPARED
    } else if RENDERERS.contains(&name) {
        RENDER_ERROR
    } else {
        PLUGIN_FAILED
    }
}

#[cfg(test)]
mod tests;
