//! A deployed commit passes, and nothing else does.

use std::time::{Duration, Instant};

use lab::{
    Faulty, GitRemote, ScriptedReply,
    overlays::SampleOverlay,
    testbed::{AppSpec, Namespace, Testbed, repository, scripts},
};
use serde_json::json;

use crate::deployed_app::{DeployedApp, NEW, OLD, OVERLAY, image, outcome, push, summary, wait};

#[test]
fn a_pushed_commit_is_deployed_within_seconds() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let run = world.wait(&commit, NEW).run();
    run.expect_code(0);
    let document = run.json();
    assert_eq!(
        document["facts"]["apps"],
        json!([{
            "name": world.app.name(), "revision": commit,
            "sync": "Synced", "health": "Healthy", "image": image(NEW),
        }])
    );
    assert!(
        summary(&run).contains(&format!("deployed {}, live {}", &commit[..8], image(NEW))),
        "{run}"
    );
    assert!(document["facts"]["waited"].as_u64().unwrap() < 15, "{run}");
    assert!(document["requests"].as_u64().unwrap() < 15, "{run}");
    assert!(
        run.max_rss_kib.is_none_or(|rss| rss < 20 << 10),
        "{:?} KiB",
        run.max_rss_kib
    );
    let again = world.wait(&commit, NEW).run();
    assert_eq!((again.code, summary(&again)), (0, summary(&run)), "{again}");
}

#[test]
fn the_old_revision_never_passes() {
    let world = DeployedApp::new();
    // Argo CD does not look at the repository, as between two polls.
    let (old, commit) = (world.app.revision().unwrap(), world.push(NEW));
    let server = swallowing_refreshes(&world);
    let run = world
        .wait_at(&server.url(), &commit, NEW)
        .args(["--timeout", "12s"])
        .run();
    assert_eq!(
        outcome(&run),
        (11, json!("old-revision"), json!("environment")),
        "{run}"
    );
    let said = format!(
        "still at {}, {} is not there, refresh not processed, asked",
        &old[..8],
        &commit[..8]
    );
    assert!(summary(&run).contains(&said), "{run}");
    assert_eq!(world.app.revision(), Some(old));
    let refreshes = server
        .seen()
        .iter()
        .filter(|seen| seen.query("refresh").is_some())
        .count();
    assert!((3..=4).contains(&refreshes), "at 0, 2, 6 s: {refreshes}");
    let gets = server
        .seen()
        .iter()
        .filter(|seen| {
            seen.path == format!("/api/v1/applications/{}?project=default", world.app.name())
        })
        .count();
    assert_eq!(gets, 2, "at 0 and 10 s");
}

/// A proxy that answers a refresh with the application as it is.
pub(crate) fn swallowing_refreshes(world: &DeployedApp) -> Faulty {
    let (testbed, name) = (Testbed::shared(), world.app.name().to_owned());
    let address = testbed.argocd().address().to_owned();
    Faulty::answering(move |seen| match seen.query("refresh") {
        Some(_) => ScriptedReply::json(
            200,
            &testbed
                .argocd()
                .get(&format!("/api/v1/applications/{name}")),
        ),
        None => ScriptedReply::forward(&address),
    })
}

#[test]
fn the_worst_of_two_applications_decides() {
    let testbed = Testbed::shared();
    let (remote, namespaces) = (GitRemote::new(), [testbed.namespace(), testbed.namespace()]);
    let files = |tag: &str| {
        let mut files = repository::files(&SampleOverlay::stage(tag), namespaces[0].name());
        files.extend(repository::files(
            &SampleOverlay::prod(tag),
            namespaces[1].name(),
        ));
        files
    };
    let old = remote.change("main", &files(OLD), "deploy: old");
    let app = |namespace: &Namespace, environment: &str| {
        testbed.app(&AppSpec::new(
            namespace,
            &remote.url(),
            &format!("infra/argocd/overlays/{environment}"),
        ))
    };
    let apps = [app(&namespaces[0], "stage"), app(&namespaces[1], "prod")];
    apps.iter().for_each(|app| app.wait_until_deployed(&old));
    namespaces[1].pods(scripts::image_pull_backoff(
        "registry.example/example/dex:sha-1a2b3c4d: not found",
    ));
    let commit = remote.change("main", &files(NEW), "deploy: new");
    let started = Instant::now();
    let run = wait(&testbed.argocd().url(), &[&apps[0], &apps[1]], &commit)
        .args(["--image", &image(NEW)])
        .run();
    assert_eq!(
        outcome(&run),
        (10, json!("image-not-found"), json!("change")),
        "{run}"
    );
    assert!(started.elapsed() < Duration::from_secs(15), "{run}");
    let document = run.json();
    let verdicts = document["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subject| &subject["verdict"]);
    assert_eq!(verdicts.collect::<Vec<_>>(), ["passed", "refused"], "{run}");
    assert!(
        run.stderr.contains(apps[0].name()) && run.stderr.contains(apps[1].name()),
        "{run}"
    );
}

#[test]
fn a_descendant_passes_unless_its_image_differs() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let later = world.remote.commit(
        "main",
        &[("docs/README.md", "# dex\n", false)],
        "docs: more",
    );
    let run = world.wait(&commit, NEW).run();
    run.expect_code(0);
    let said = format!("deployed {}, a descendant of {}", &later[..8], &commit[..8]);
    assert!(summary(&run).contains(&said), "{run}");
    assert_eq!(run.json()["facts"]["apps"][0]["revision"], later);
    let newer = world.push("sha-99999999");
    world.app.wait_until_deployed(&newer);
    let run = world.wait(&commit, NEW).run();
    assert_eq!(
        outcome(&run),
        (12, json!("newer-image"), json!("nobody")),
        "{run}"
    );
    assert!(summary(&run).contains(&image("sha-99999999")), "{run}");
}

#[test]
fn without_history_only_the_commit_itself_counts() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let later = world.remote.commit(
        "main",
        &[("docs/README.md", "# dex\n", false)],
        "docs: more",
    );
    let run = world
        .wait(&commit, NEW)
        .args(["--remote", "http://127.0.0.1:1/a.git", "--timeout", "8s"])
        .run();
    assert_eq!(
        outcome(&run),
        (11, json!("old-revision"), json!("environment")),
        "{run}"
    );
    let notice = run.json()["notices"].to_string();
    assert!(
        notice.contains(&format!("only {} itself counted", &commit[..8]))
            && notice.contains("127.0.0.1:1"),
        "{run}"
    );
    let run = world
        .wait(&later, NEW)
        .args(["--remote", "http://127.0.0.1:1/a.git"])
        .run();
    assert_eq!((run.code, &run.json()["notices"]), (0, &json!([])), "{run}");
}

#[test]
fn pods_must_report_one_of_the_digests() {
    let world = DeployedApp::new();
    let digest = |of: &str| format!("sha256:{}", of.repeat(64));
    world.namespace.pods(scripts::running(&format!(
        "registry.example/example/dex@{}",
        digest("a")
    )));
    let commit = world.push(NEW);
    let right = format!("{},{}", digest("b"), digest("a"));
    let run = world.wait(&commit, NEW).args(["--digest", &right]).run();
    run.expect_code(0);
    let live = format!("{}@{}", image(NEW), digest("a"));
    assert_eq!(run.json()["facts"]["apps"][0]["image"], live, "{run}");
    let run = world
        .wait(&commit, NEW)
        .args(["--digest", &digest("b")])
        .run();
    assert_eq!(
        outcome(&run),
        (13, json!("image-not-live"), json!("environment")),
        "{run}"
    );
    assert!(
        summary(&run).contains(&format!("runs other bytes under that tag: {}", digest("a"))),
        "{run}"
    );
}

#[test]
fn an_image_of_another_commit_is_never_live() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let run = world.wait(&commit, "sha-99999999").run();
    assert_eq!(
        outcome(&run),
        (13, json!("image-not-live"), json!("environment")),
        "{run}"
    );
    assert!(
        run.json()["hints"]
            .to_string()
            .contains(&format!("the commit deploys {}", image(NEW))),
        "{run}"
    );
}

#[test]
fn without_a_timeout_the_step_asks_once() {
    let world = DeployedApp::new();
    let old = world.app.revision().unwrap();
    let run = world.wait(&old, OLD).args(["--timeout", "0"]).run();
    run.expect_code(0);
    let next = push(&world.remote, &world.namespace, NEW);
    let server = swallowing_refreshes(&world);
    let run = world
        .wait_at(&server.url(), &next, NEW)
        .args(["--timeout", "0"])
        .run();
    assert_eq!(
        outcome(&run),
        (11, json!("old-revision"), json!("environment")),
        "{run}"
    );
    assert!(server.seen().len() <= 2, "{:?}", server.seen());
}

#[test]
fn a_post_sync_hook_is_awaited() {
    let world = DeployedApp::new();
    let at = Duration::from_secs;
    world.namespace.pods(move |pod| {
        if pod.name.starts_with("check") && pod.age < at(4) {
            lab::testbed::ScriptedStatus::running()
        } else {
            scripts::healthy(pod)
        }
    });
    let commit = with_hook(&world, "PostSync");
    let run = world.wait(&commit, NEW).run();
    run.expect_code(0);
    assert!(
        run.json()["facts"]["waited"].as_u64().unwrap() >= 4,
        "{run}"
    );
}

/// Pushes the new tag and a job that runs before or after its sync.
pub(crate) fn with_hook(world: &DeployedApp, phase: &str) -> String {
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: check\n  annotations:\n\
         \x20   argocd.argoproj.io/hook: {phase}\n\
         spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n\
         \x20     containers: [{{ name: check, image: registry.example/check:v1 }}]\n"
    );
    let text = repository::in_namespace(&SampleOverlay::dev(NEW), world.namespace.name());
    let text = text.replacen("resources:\n", "resources:\n  - job.yaml\n", 1);
    let files = [
        (format!("{OVERLAY}/kustomization.yaml"), text.as_str()),
        (format!("{OVERLAY}/job.yaml"), job.as_str()),
    ];
    let files: Vec<(&str, &str, bool)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text, false))
        .collect();
    world.remote.commit("main", &files, "deploy: with a hook")
}

#[test]
fn a_newer_image_that_fails_supersedes() {
    let world = DeployedApp::new();
    let message = "registry.example/example/dex:sha-99999999: not found";
    let sick = scripts::image_pull_backoff(message);
    world.namespace.pods(move |pod| {
        if pod.image.ends_with("99999999") {
            sick(pod)
        } else {
            scripts::healthy(pod)
        }
    });
    let (commit, _) = (world.push(NEW), world.push("sha-99999999"));
    let run = world.wait(&commit, NEW).run();
    assert_eq!(
        outcome(&run),
        (12, json!("newer-image"), json!("nobody")),
        "{run}"
    );
}
