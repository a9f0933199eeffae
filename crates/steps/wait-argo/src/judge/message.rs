//! Words that several judgements use.

use argocd::{Application, ResourceStatus};
use contract::Commit;

use crate::{Request, observe::Observation};

/// The largest number of characters to show of a message of Argo CD.
const MAX_MESSAGE: usize = 600;

/// Returns the first digits of a commit, and any other revision whole.
pub(super) fn short(revision: &str) -> &str {
    if revision.parse::<Commit>().is_ok() {
        &revision[..8]
    } else {
        revision
    }
}

/// Returns a resource as `Deployment/dex`.
pub(super) fn resource_name(resource: &ResourceStatus) -> String {
    format!("{}/{}", resource.kind, resource.name)
}

/// Returns which resources are out of sync, and whether syncs that succeeded did not change that:
/// `; OutOfSync is ConfigMap/dex`.
pub(super) fn out_of_sync(observation: &Observation) -> String {
    let resources = observation.app.status.resources.iter();
    let mut names = resources
        .filter(|resource| resource.status == "OutOfSync")
        .map(resource_name);
    let Some(first) = names.next() else {
        return String::new();
    };
    let others = match names.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    match observation.syncs_in_vain {
        0 | 1 => format!("; OutOfSync is {first}{others}"),
        count => format!("; OutOfSync is {first}{others}, although {count} syncs succeeded"),
    }
}

/// Returns Argo CD's warning that another application has a resource, too, if that one is out of
/// sync: each of them overwrites what the other one applied (`controller/state.go`).
pub(super) fn shared_out_of_sync(app: &Application) -> Option<String> {
    let mut resources = app.status.resources.iter();
    let warnings = || {
        let conditions = app.status.conditions.iter();
        conditions.filter(|condition| condition.kind == "SharedResourceWarning")
    };
    resources.find_map(|resource| {
        let begin = format!("{} is part of ", resource_name(resource));
        let mut warnings = warnings().filter(|_| resource.status == "OutOfSync");
        let warning = warnings.find(|warning| warning.message.starts_with(&begin))?;
        Some(tidy(&warning.message))
    })
}

/// Returns whether Argo CD's message about a resource is not to be shown: the health of a pod that
/// failed may be the end of its log.
pub(super) fn hides_message(request: &Request, kind: &str) -> bool {
    kind == "Pod" && request.log_lines == 0
}

/// Returns a message in one line of limited length, without its random parts.
pub(super) fn tidy(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = without_temporary_file(words.join(" "));
    if line.chars().count() <= MAX_MESSAGE {
        line
    } else {
        line.chars().take(MAX_MESSAGE).chain(['…']).collect()
    }
}

/// Removes the name of kubectl's temporary file, which is different every time.
fn without_temporary_file(line: String) -> String {
    const START: &str = " when patching \"";
    const END: &str = "\": ";
    let Some(start) = line.find(START) else {
        return line;
    };
    let name = start + START.len();
    match line[name..].find(END) {
        Some(length) => format!("{}: {}", &line[..start], &line[name + length + END.len()..]),
        None => line,
    }
}
