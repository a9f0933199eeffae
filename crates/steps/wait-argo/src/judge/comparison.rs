//! Whose error it is that Argo CD cannot compare an application.
//!
//! A message is read from its beginning, layer by layer, as Argo CD puts it together: what the
//! controller did (`controller/state.go`), the code of the repository server's answer, and the
//! command that failed there (`reposerver/repository/repository.go`, `util/exec/exec.go`). Words
//! that may be a part of a path or of a name decide nothing.

use contract::Reason;

use crate::{
    judge::api_error::names_network_failure,
    reasons::{
        NOT_COMPARED, PLUGIN_FAILED, RENDER_ERROR, REPOSITORY_DENIED, SYNC_FORBIDDEN, UNSIGNED,
        WRONG_SOURCE,
    },
};

/// What the controller was doing when it failed, and whose error that is. The first that matches
/// counts.
const STAGES: [(&str, ComparisonStage); 20] = [
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
    // `gitops-engine/pkg/cache/cluster.go`: an Argo CD that may manage some namespaces only.
    (
        "Failed to load live state: Cluster level ",
        ComparisonStage::Reason(SYNC_FORBIDDEN),
    ),
    (
        "Failed to load live state: cluster level ",
        ComparisonStage::Reason(SYNC_FORBIDDEN),
    ),
    (
        "Failed to load live state: Namespace \"",
        ComparisonStage::Reason(SYNC_FORBIDDEN),
    ),
    (
        "Failed to load live state: namespace \"",
        ComparisonStage::Reason(SYNC_FORBIDDEN),
    ),
    // The same, of Argo CD before 2.8.
    ("Cluster level ", ComparisonStage::Reason(SYNC_FORBIDDEN)),
    ("Namespace \"", ComparisonStage::Reason(SYNC_FORBIDDEN)),
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

/// Layers around the error of a generator; those of Helm are in `util/helm`.
const LAYERS: [&str; 11] = [
    "Manifest generation error (cached): ",
    "failed to execute helm template command: ",
    "failed to get command args to log: ",
    "failed running helm: ",
    "error building helm chart dependencies: ",
    "failed to build helm dependencies: ",
    "failed to build dependencies: ",
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

/// What a renderer says of something that it fetches: kustomize gets remote bases and charts
/// (`api/internal/{git,loader}`, `api/internal/builtins/HelmChartInflationGenerator.go`), and Helm
/// value files (`pkg/getter`).
const NESTED_FETCHES: [&str; 7] = [
    "failed to run '",
    "git cmd = '",
    "failed to untar: ",
    "unable to run: 'helm pull ",
    "HTTP Error: status code ",
    "is not a valid chart repository or cannot be reached",
    "failed to fetch https://",
];

/// What a renderer says of a program that it starts: the secrets of SOPS, a plugin of kustomize or
/// of Helm.
const NESTED_PLUGINS: [&str; 4] = [
    "kust-plugin-config-",
    "required to decrypt the SOPS file",
    "[helm-secrets]",
    "Error: plugin \"",
];

/// What a renderer says of the machine that it runs on: errors of the operating system, as Go's
/// `syscall` ends a message with them. git keeps no permission to read, so the commit cannot take it
/// away.
const MACHINE: [&str; 10] = [
    ": permission denied",
    ": operation not permitted",
    ": no space left on device",
    ": disk quota exceeded",
    ": too many open files",
    ": cannot allocate memory",
    ": resource temporarily unavailable",
    ": read-only file system",
    ": input/output error",
    ": stale NFS file handle",
];

/// How Go's `runtime` ends a program that has no memory, or a mistake of its own.
const CRASHES: [&str; 3] = [
    "panic: runtime error: ",
    "fatal error: runtime: ",
    "signal: killed",
];

/// What repositories of charts say of credentials, through Helm (`pkg/getter`, containerd's and
/// ORAS' remotes) and Argo CD's own client of OCI.
const CHARTS_DENIED: [&str; 9] = [
    "pull access denied",
    "insufficient_scope",
    "failed to authorize: ",
    "401 unauthorized",
    "403 forbidden",
    "response status code 401",
    "response status code 403",
    "no basic auth credentials",
    "basic credential not found",
];

/// Beginnings of errors of the repository server about plugins (`util/app/discovery/discovery.go`):
/// none takes the folder, or its sidecar does not answer.
const PLUGIN_ERRORS: [&str; 6] = [
    "couldn't find cmp-server plugin ",
    "Couldn't find cmp-server plugin ",
    "could not find cmp-server plugin ",
    "failed to find cmp-server plugin ",
    "could not find plugin supporting ",
    "named cmp service ",
];

/// What Helm says of the files of a chart before it fetches anything: `Chart.lock` or
/// `requirements.lock` is another one's.
const OUTDATED_LOCK: [&str; 2] = [
    "Error: the lock file (Chart.lock) is out of sync with ",
    ".lock is out of sync with ",
];

/// Beginnings of errors of the repository server about the files of the source.
const FILE_ERRORS: [&str; 19] = [
    "Failed to evaluate jsonnet ",
    "Found multiple objects in ",
    "failed to get potentially valid manifests: ",
    "repository contains out-of-bounds symlinks",
    "error getting app source type: error while parsing source parameters: ",
    "error getting helm repos: error retrieving helm dependency repos: ",
    "error resolving set-file path: ",
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
        } else if let Some(rest) = without_layer(error) {
            error = rest;
        } else {
            break;
        }
    }
    generator_failure(error)
}

fn without_layer(error: &str) -> Option<&str> {
    let error = error.trim_start();
    if let Some(named) = error.strip_prefix("CMP processing failed for application \"") {
        return named.split_once("\": ").map(|(_, rest)| rest);
    }
    LAYERS.iter().find_map(|layer| error.strip_prefix(layer))
}

fn generator_failure(error: &str) -> Reason {
    // A hydrated application whose branch waits for a commit of another program.
    if error.contains(" - waiting for an external process to update ") {
        return NOT_COMPARED;
    }
    // A kustomization may have a remote base, and a plugin may ask anything.
    if names_network_failure(error) {
        return NOT_COMPARED;
    }
    match error.strip_prefix('`') {
        _ if is_denied(error) => REPOSITORY_DENIED,
        Some(command) => command_failure(command),
        None if PLUGIN_ERRORS.iter().any(|begin| error.starts_with(begin)) => PLUGIN_FAILED,
        None if is_about_files(error) && !blames_machine(error) => RENDER_ERROR,
        None if says(&error.to_lowercase(), &CHARTS_DENIED) => REPOSITORY_DENIED,
        None => NOT_COMPARED,
    }
}

/// Returns whether a repository denies access to Argo CD: go-git's and git's own words
/// (`plumbing/transport/common.go`, `remote-curl.c`), those of ssh, and of GitHub's tokens of an
/// app. Only errors of git are asked: a program may quote the same words of another system.
fn is_denied(error: &str) -> bool {
    const BEGINNINGS: [&str; 6] = [
        "failed to list refs: ",
        "failed to initialize repository resources: ",
        "authentication required",
        "repository not found",
        "`git ",
        "could not refresh installation id ",
    ];
    const WORDS: [&str; 13] = [
        "authentication required",
        "authorization failed",
        "authentication failed for",
        "repository not found",
        "invalid username or token",
        "invalid credentials",
        "could not read username for",
        "permission denied (publickey",
        "unable to authenticate",
        "knownhosts: key mismatch",
        "knownhosts: key is unknown",
        "access denied",
        "received non 2xx response status \"40",
    ];
    let said = error.to_lowercase();
    BEGINNINGS.iter().any(|begin| said.starts_with(begin))
        && WORDS.iter().any(|words| said.contains(words))
}

fn says(error: &str, words: &[&str]) -> bool {
    words.iter().any(|words| error.contains(words))
}

/// Returns whether a renderer blames its machine. A template may say the same words within a
/// sentence.
fn blames_machine(error: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next == ' ' || next.is_alphanumeric());
    let mut words = MACHINE.iter();
    says(error, &CRASHES) || words.any(|words| error.split(words).skip(1).any(ends))
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
    if !outcome.starts_with("failed exit status") {
        NOT_COMPARED
    } else if says(outcome, &OUTDATED_LOCK) {
        RENDER_ERROR
    } else if fetches && says(&outcome.to_lowercase(), &CHARTS_DENIED) {
        REPOSITORY_DENIED
    } else if fetches || says(outcome, &NESTED_FETCHES) {
        NOT_COMPARED
    } else if says(outcome, &NESTED_PLUGINS) {
        PLUGIN_FAILED
    } else if RENDERERS.contains(&name) && blames_machine(outcome) {
        NOT_COMPARED
    } else if RENDERERS.contains(&name) {
        RENDER_ERROR
    } else {
        PLUGIN_FAILED
    }
}

#[cfg(test)]
mod tests;
