//! The logs of containers, as the API server asks a kubelet for them.

use super::render;
use super::state::KubeletState;
use crate::faulty::{ScriptedReply, SeenRequest};
use crate::lock::lock;

/// Answers `GET /containerLogs/NAMESPACE/POD/CONTAINER?previous=true&tailLines=N&limitBytes=N`.
pub(super) fn answer(state: &KubeletState, seen: &SeenRequest) -> ScriptedReply {
    let path = seen.path.split('?').next().unwrap_or_default();
    let mut parts = path.trim_start_matches("/containerLogs/").split('/');
    let pod = parts
        .next()
        .zip(parts.next())
        .map(|(namespace, pod)| format!("{namespace}/{pod}"));
    let logs = lock(&state.logs);
    let said = pod.as_ref().and_then(|pod| logs.get(pod));
    let Some([now, previous]) = said.filter(|_| path.starts_with("/containerLogs/")) else {
        return ScriptedReply::text(404, "no such container\n");
    };
    let text = if seen.query("previous") == Some("true") {
        previous
    } else {
        now
    };
    let number = |name| {
        seen.query(name)
            .and_then(|value| value.parse::<usize>().ok())
    };
    let text = number("tailLines").map_or(&**text, |lines| last(text, lines));
    let end = number("limitBytes").map_or(text.len(), |limit| limit.min(text.len()));
    let text = text.get(..end).unwrap_or_default();
    let reply = ScriptedReply::status(200).header("Content-Type", "text/plain");
    if seen.query("timestamps") == Some("true") {
        // Argo CD puts the lines of several pods in order.
        let now = render::now();
        return reply.body(
            text.split_inclusive('\n')
                .map(|line| format!("{now} {line}"))
                .collect::<String>(),
        );
    }
    reply.body(text)
}

fn last(text: &str, lines: usize) -> &str {
    let skipped = text.lines().count().saturating_sub(lines);
    let start = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    &text[start..]
}
