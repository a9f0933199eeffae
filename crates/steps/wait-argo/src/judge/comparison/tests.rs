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
        "failed to list refs: dial tcp: lookup github.com on 10.0.0.10:53: server misbehaving",
        "error building helm chart dependencies: failed to build helm dependencies: failed running \
         helm: `helm dependency build` failed exit status 1: Error: could not download x",
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
fn every_layer_of_helm_is_taken_off() {
    for description in [
        "failed to execute helm template command: failed to get command args to log: `helm \
         template . --name-template dex --include-crds` failed exit status 1: Error: template: \
         dex/templates/deployment.yaml:24:27: nil pointer",
        "failed to execute helm template command: failed running helm: `helm template . \
         <api versions removed> --include-crds` failed exit status 1: Error: values don't meet \
         the specifications of the schema(s) in the following chart(s)",
        "Manifest generation error (cached): failed to execute helm template command: failed to \
         get command args to log: `helm template .` failed exit status 1: Error: YAML parse error",
        "error building helm chart dependencies: failed to build helm dependencies: failed running \
         helm: `helm dependency build` failed exit status 1: Error: the lock file (Chart.lock) is \
         out of sync with the dependencies file (Chart.yaml). Please update the dependencies",
        "Manifest generation error (cached): failed to build helm dependencies: failed to build \
         dependencies: failed to get command args to log: `helm dependency build` failed exit status \
         1: Error: the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml)",
        "Failed to evaluate jsonnet \"main.jsonnet\": RUNTIME ERROR: x",
        "Found multiple objects in \"x.json\". Only single objects are allowed in JSON files.",
        "error getting app source type: error while parsing source parameters: \
         .argocd-source-dex.yaml: error converting YAML to JSON: yaml: line 3",
    ] {
        let message = generated(description);
        assert_eq!(comparison_failure(&message), RENDER_ERROR, "{message}");
    }
}

#[test]
fn what_a_renderer_fetches_is_not_the_commits() {
    let kustomize = |outcome: &str| {
        generated(&format!(
            "`kustomize build <path to cached source>/env/prod --enable-helm` failed exit status \
             1: Error: {outcome}"
        ))
    };
    for outcome in [
        "accumulating resources: accumulation err='accumulating resources from \
         'https://github.com/acme/base?ref=v1': URL is a git repository': failed to run \
         '/usr/bin/git fetch --depth=1 https://github.com/acme/base v1': fatal: unable to access \
         'https://github.com/acme/base/': Could not resolve host: github.com : exit status 128",
        "failed to run '/usr/local/bin/git fetch --depth=1 origin v1': remote: Repository not found.",
        "quay.io/acme/squid:0.1.802: not found : unable to run: 'helm pull --untar oci://quay.io/\
         acme/squid --version 0.1.802' with env=[HELM_CONFIG_HOME=x] (is 'helm' installed?): exit \
         status 1",
        "accumulating resources: accumulation err='accumulating resources from 'git@github.com:acme/\
         base.git/overlay/?ref=main': evalsymlink failure on 'x' : lstat x: no such file or \
         directory': git cmd = '/usr/bin/git fetch --depth=1 origin main': exit status 128",
        "failed to untar: a file or directory with the name <path to cached source>/charts/dex already \
         exists : helm pull --untar --untardir <path to cached source>/charts/dex-1.2.3",
        "accumulating resources from 'https://raw.githubusercontent.com/acme/x.yaml': HTTP Error: \
         status code 429 (Too Many Requests)",
    ] {
        assert_eq!(comparison_failure(&kustomize(outcome)), NOT_COMPARED);
    }
    for outcome in [
        "failure in plugin configured via /tmp/kust-plugin-config-52463179; exit status 1",
        "trouble decrypting file: Failed to get the data key required to decrypt the SOPS file.",
    ] {
        assert_eq!(comparison_failure(&kustomize(outcome)), PLUGIN_FAILED);
    }
    let values = "`helm template . --values https://example.org/v.yaml` failed exit status 1: \
                  Error: failed to fetch https://example.org/v.yaml : 404 Not Found";
    assert_eq!(comparison_failure(&generated(values)), NOT_COMPARED);
}

#[test]
fn credentials_of_a_repository_are_a_setting() {
    for description in [
        "failed to list refs: authentication required: Repository not found.",
        "failed to list refs: authentication required",
        "failed to initialize repository resources: repository not found",
        "failed to list refs: ssh: handshake failed: knownhosts: key mismatch",
        "`git fetch origin --tags --force --prune` failed exit status 128: fatal: Authentication \
         failed for 'https://github.com/data-literate/dex/'",
        "`git submodule update --init --recursive` failed exit status 1: remote: HTTP Basic: \
         Access denied",
        "could not refresh installation id 7's token: received non 2xx response status \"401 \
         Unauthorized\" when fetching https://api.github.com/app/installations/7/access_tokens",
    ] {
        let message = generated(description);
        assert_eq!(comparison_failure(&message), REPOSITORY_DENIED, "{message}");
    }
    let quoted = generated("`kustomize build x` failed exit status 1: Error: access denied");
    assert_eq!(comparison_failure(&quoted), RENDER_ERROR);
}

#[test]
fn what_the_machine_of_a_renderer_lacks_is_not_the_commits() {
    let kustomize = "`kustomize build <path to cached source>/env/prod --enable-helm`";
    for description in [
        format!(
            "{kustomize} failed exit status 1: 2026/10/13 06:00:18 unable to make loader at '.'; \
             not a valid directory: abs path error on '.' : stat .: permission denied"
        ),
        format!(
            "{kustomize} failed exit status 2: panic: runtime error: invalid memory address or nil \
             pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0]"
        ),
        format!("{kustomize} failed exit status 2: fatal error: runtime: cannot allocate memory"),
        format!("{kustomize} failed exit status 1: Error: mkdir /tmp/kustomize-1: no space left on device"),
        "failed to execute helm template command: failed to get command args to log: `helm template \
         .` failed exit status 1: Error: open /tmp/x/values.yaml: too many open files"
            .to_owned(),
        "`helm template .` failed exit status 1: Error: mkdir /tmp/x: read-only file system".to_owned(),
        "Failed to evaluate jsonnet \"main.jsonnet\": open main.jsonnet: permission denied".to_owned(),
    ] {
        let message = generated(&description);
        assert_eq!(comparison_failure(&message), NOT_COMPARED, "{message}");
    }
    // A name or a value of the files is not what the machine says.
    for outcome in [
        "Error: open <path to cached source>/permission denied/x.yaml: no such file or directory",
        "Error: execution error at (dex/templates/x.yaml:3:4): no space left on device is not a tier",
    ] {
        let message = generated(&format!("{kustomize} failed exit status 1: {outcome}"));
        assert_eq!(comparison_failure(&message), RENDER_ERROR, "{message}");
    }
}

#[test]
fn a_registry_of_charts_that_denies_access_is_a_setting() {
    for description in [
        "error building helm chart dependencies: failed to build helm dependencies: `helm dependency \
         build` failed exit status 1: Error: could not download oci://docker.io/acme/lib: pull access \
         denied, repository does not exist or may require authorization: server message: \
         insufficient_scope: authorization failed",
        "`helm pull oci://ghcr.io/acme/dex --version 1.2.3 --destination /tmp/x` failed exit status 1: \
         Error: failed to authorize: failed to fetch anonymous token: unexpected status from GET \
         request to https://ghcr.io/token?scope=x: 403 Forbidden",
        "`helm pull --destination /tmp/x --version 1.2.3 --repo https://charts.example.org dex` failed \
         exit status 1: Error: failed to fetch https://charts.example.org/dex-1.2.3.tgz : 401 \
         Unauthorized",
        "`helm registry login ghcr.io --username ****** --password ******` failed exit status 1: \
         Error: login attempt to https://ghcr.io/v2/ failed with status: 403 Forbidden",
        "failed to initialize oci client: failed to resolve revision \"1.2.3\": GET \
         \"https://ghcr.io/token?scope=x\": response status code 403: denied: denied",
    ] {
        let message = generated(description);
        assert_eq!(comparison_failure(&message), REPOSITORY_DENIED, "{message}");
    }
    for description in [
        "`helm dependency build` failed exit status 1: Error: could not download \
         https://charts.example.org/401 Unauthorized/x.tgz: dial tcp: lookup x: no such host",
        "`helm pull oci://ghcr.io/acme/dex` failed exit status 1: Error: unexpected status from HEAD \
         request to https://ghcr.io/v2/acme/dex: 429 Too Many Requests",
    ] {
        let message = generated(description);
        assert_eq!(comparison_failure(&message), NOT_COMPARED, "{message}");
    }
}

#[test]
fn a_plugin_that_does_not_take_the_folder_is_a_plugins_failure() {
    for description in [
        "plugin sidecar failed. couldn't find cmp-server plugin with name \"ytt\" supporting the given \
         repository",
        "Manifest generation error (cached): plugin sidecar failed. Couldn't find cmp-server plugin \
         supporting repository env/prod",
        "CMP processing failed for application \"dex\": could not find cmp-server plugin with name \
         \"ksops\" supporting the given repository",
        "plugin sidecar failed. could not find plugin supporting the given repository",
        "plugin sidecar failed. named cmp service \"ytt\" not reachable",
    ] {
        let message = generated(description);
        assert_eq!(comparison_failure(&message), PLUGIN_FAILED, "{message}");
    }
}

#[test]
fn the_scope_of_argo_cd_is_a_setting() {
    for message in [
        "Failed to load live state: Cluster level ClusterRoleBinding \"dex\" can not be managed \
         when in namespaced mode",
        "Failed to load live state: namespace \"shop\" for Deployment \"dex\" is not managed",
        "Namespace \"default\" for Deployment \"coffee\" is not managed",
    ] {
        assert_eq!(comparison_failure(message), SYNC_FORBIDDEN, "{message}");
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
    let named = generated(
        "CMP processing failed for application \"argocd_dex\": plugin sidecar failed. error \
         generating manifests in cmp: rpc error: code = Unknown desc = error generating manifests: \
         `sh -c render.sh` failed exit status 1: denied",
    );
    assert_eq!(comparison_failure(&named), PLUGIN_FAILED);
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
