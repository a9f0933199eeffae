//! The output of commands in a container, as the kubelet quotes it: what such a command writes is as
//! secret as the container's log.

/// Events about a probe: `Readiness probe failed: …` (kubelet, `prober.go`).
const PROBE_EVENTS: [&str; 2] = ["Unhealthy", "ProbeWarning"];

/// Events and states about a hook: `Exec lifecycle hook (…) failed - error: …` (kubelet,
/// `kuberuntime_container.go`).
const HOOK_EVENTS: [&str; 3] = [
    "FailedPostStartHook",
    "FailedPreStopHook",
    "PostStartHookError",
];

/// The kubelet's own words about a probe that is no command.
const OWN_WORDS: [&str; 6] = [
    "HTTP probe failed with statuscode: ",
    "Get \"http",
    "dial tcp ",
    "service unhealthy (",
    "timeout: failed to connect service ",
    "command timed out",
];

/// Returns the message of an event, or of a waiting container, without the output of a command.
pub fn without_command_output<'m>(reason: &str, message: &'m str) -> &'m str {
    let message = message.trim();
    if HOOK_EVENTS.contains(&reason) {
        let end = [" - error: ", "exited with ", ", message: "]
            .iter()
            .filter_map(|mark| message.find(mark))
            .min();
        return &message[..end.unwrap_or(message.len())];
    }
    if !PROBE_EVENTS.contains(&reason) {
        return message;
    }
    let Some((about, output)) = message.split_once(": ") else {
        return message;
    };
    if OWN_WORDS.iter().any(|words| output.starts_with(words)) {
        message.lines().next().unwrap_or_default()
    } else {
        about
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_command_is_left_out() {
        let hook = "Exec lifecycle hook ([/bin/setup]) for Container \"dex\" in Pod \"a\" failed";
        let output = "command '/bin/setup' exited with 1: KEY=s3cret, message: \"KEY=s3cret\"";
        let of_hook = format!("{hook} - error: {output}");
        for (reason, message, shown) in [
            ("FailedPostStartHook", of_hook.as_str(), hook),
            ("FailedPreStopHook", &of_hook, hook),
            ("PostStartHookError", output, "command '/bin/setup'"),
            (
                "Unhealthy",
                "Liveness probe failed: KEY=s3cret\n",
                "Liveness probe failed",
            ),
            (
                "ProbeWarning",
                "Startup probe warning: KEY=s3cret",
                "Startup probe warning",
            ),
        ] {
            let shown_now = without_command_output(reason, message);
            assert_eq!(shown_now.trim_end(), shown, "{reason}");
        }
    }

    #[test]
    fn the_words_of_the_kubelet_stay() {
        for (reason, message) in [
            (
                "Unhealthy",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
            ),
            (
                "Unhealthy",
                "Readiness probe failed: Get \"http://10.0.0.1/ready\": EOF",
            ),
            (
                "Unhealthy",
                "Liveness probe failed: dial tcp 10.0.0.1:80: connection refused",
            ),
            (
                "FailedMount",
                "MountVolume.SetUp failed for volume \"a\" : secret \"b\" not found",
            ),
            ("FailedPostStartHook", "PostStartHook failed"),
            ("", ""),
        ] {
            assert_eq!(without_command_output(reason, message), message);
        }
    }
}
