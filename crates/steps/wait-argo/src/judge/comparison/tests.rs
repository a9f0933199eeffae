use super::*;

/// A message of the repository server about the only source of an application.
fn generated(description: &str) -> String {
    format!(
        "Failed to load target state: failed to generate manifest for source 1 of 1: \
         rpc error: code = Unknown desc = {description}"
    )
}

#[test]
fn errors_of_the_files_are_the_commits() {
    for folder in [
        "env/prod",
        "clusters/prod",
        "timeout/connection refused",
        "git fetch",
    ] {
        for description in [
            format!(
                "`kustomize build <path to cached source>/{folder}` failed exit status 1: Error: \
                 accumulating resources: accumulation err='accumulating resources from \
                 'cluster-role.yaml': open <path to cached source>/{folder}/cluster-role.yaml: \
                 no such file or directory'"
            ),
            format!("`helm template . --values {folder}` failed exit status 1: Error: nil pointer"),
            format!("`/usr/local/bin/helm template {folder}` failed exit status 1: Error: x"),
            format!("Manifest generation error (cached): {folder}: app path does not exist"),
            format!("{folder}: app path does not exist"),
            format!("Failed to unmarshal \"{folder}/issuer.yaml\": yaml: line 3: did not find"),
        ] {
            let message = generated(&description);
            assert_eq!(comparison_failure(&message), RENDER_ERROR, "{message}");
        }
    }
    let older = "rpc error: code = Unknown desc = `kustomize build x` failed exit status 1: Error";
    assert_eq!(comparison_failure(older), RENDER_ERROR);
    let precondition = "Failed to load target state: failed to generate manifest for source 2 of \
        2: rpc error: code = FailedPrecondition desc = Failed to unmarshal \"x.yaml\": yaml: x";
    assert_eq!(comparison_failure(precondition), RENDER_ERROR);
}

#[test]
fn errors_of_systems_are_not_the_commits() {
    for description in [
        "`git fetch origin --tags --force --prune` failed exit status 128: fatal: kustomize build",
        "`git checkout --force 1a2b` failed exit status 1: error",
        "`helm dependency build` failed exit status 1: Error: could not download",
        "`kustomize build x` failed timeout after 1m30s",
        "`kustomize build x` failed exit status 1: Error: accumulating resources: hit 27s timeout \
         running '/usr/bin/git fetch --depth=1'",
        "`kustomize build x` failed exit status 1: Error: Get \"https://example.org/base.yaml\": \
         dial tcp: lookup example.org: no such host",
        "failed to list refs: authentication required",
        "failed to initialize repository resources: repository not found",
        "x: app path does not exist - waiting for an external process to update env from env-next",
    ] {
        let message = generated(description);
        assert_eq!(comparison_failure(&message), NOT_COMPARED, "{message}");
    }
    for message in [
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: \
         code = Unavailable desc = connection error: desc = \"transport: kustomize build\"",
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: \
         code = DeadlineExceeded desc = context deadline exceeded",
        "Failed to load target state: failed to get cluster version for cluster \"kustomize build\"",
        "Failed to load live state: failed to get cluster info for \"https://10.0.0.1\": helm template",
        "Failed to compare desired state to live state: failed to calculate diff: x",
        "something new about kustomize build",
    ] {
        assert_eq!(comparison_failure(message), NOT_COMPARED, "{message}");
    }
}

#[test]
fn a_plugin_does_not_say_whose_fault_it_is() {
    let plugin = |command: &str| {
        generated(&format!(
            "plugin sidecar failed. error generating manifests in cmp: rpc error: code = Unknown \
             desc = error generating manifests: `{command}` failed exit status 1: Error: denied"
        ))
    };
    for (command, reason) in [
        ("sh -c render.sh", PLUGIN_FAILED),
        ("argocd-vault-plugin generate ./", PLUGIN_FAILED),
        ("kustomize build --enable-helm .", RENDER_ERROR),
    ] {
        assert_eq!(comparison_failure(&plugin(command)), reason, "{command}");
    }
}

#[test]
fn a_missing_branch_is_a_setting() {
    for message in [
        generated("unable to resolve 'feature' to a commit SHA"),
        "Failed to load target state: failed to evaluate revision changes for source 1 of 1: \
         failed to resolve revision: rpc error: code = Unknown desc = unable to resolve 'feature' \
         to a commit SHA"
            .to_owned(),
    ] {
        assert_eq!(comparison_failure(&message), WRONG_SOURCE, "{message}");
    }
}

#[test]
fn a_missing_signature_is_a_setting() {
    let message = "Target revision 1a2b in Git is not signed, but a signature is required";
    assert_eq!(comparison_failure(message), UNSIGNED);
}
