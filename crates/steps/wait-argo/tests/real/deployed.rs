//! What is deployed is deployed, and nothing else is.

use std::time::{Duration, Instant};

use lab::{
    Faulty, Remote, Reply,
    overlays::Overlay,
    testbed::{AppSpec, Namespace, Testbed, repository, scripts},
};
use serde_json::json;

use crate::world::{NEW, OLD, OVERLAY, World, image, outcome, push, summary, wait};

#[test]
fn a_commit_that_nobody_told_argocd_of_is_deployed_within_seconds() {
    let world = World::new();
    let commit = world.push(NEW);
    let run = world.wait(&commit, NEW).run();
    run.expect_code(0);
    let document = run.json();
    assert_eq!(
        document["facts"]["apps"],
        json!([{
            "name": world.app.name(), "revision": commit, "sync": "Synced", "health": "Healthy", "image": image(NEW),
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
fn the_old_revision_is_never_green() {
    let world = World::new();
    // Nobody looks at the repository, as between two polls.
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
    let looks = server
        .seen()
        .iter()
        .filter(|seen| {
            seen.path == format!("/api/v1/applications/{}?project=default", world.app.name())
        })
        .count();
    assert_eq!(looks, 2, "at 0 and 10 s");
}

/// A proxy that answers a refresh with the application as it is.
pub(crate) fn swallowing_refreshes(world: &World) -> Faulty {
    let (testbed, name) = (Testbed::shared(), world.app.name().to_owned());
    let address = testbed.argocd().address().to_owned();
    Faulty::answering(move |seen| match seen.query("refresh") {
        Some(_) => Reply::json(
            200,
            &testbed
                .argocd()
                .get(&format!("/api/v1/applications/{name}")),
        ),
        None => Reply::forward(&address),
    })
}

#[test]
fn two_applications_have_one_deadline_and_the_worst_decides() {
    let testbed = Testbed::shared();
    let (remote, namespaces) = (Remote::new(), [testbed.namespace(), testbed.namespace()]);
    let files = |tag: &str| {
        let mut files = repository::files(&Overlay::stage(tag), namespaces[0].name());
        files.extend(repository::files(&Overlay::prod(tag), namespaces[1].name()));
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
fn a_descendant_counts_and_one_with_another_image_supersedes() {
    let world = World::new();
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
fn where_no_history_can_be_asked_only_the_commit_itself_counts_and_that_is_said() {
    let world = World::new();
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
fn pods_have_to_show_one_of_the_digests() {
    let world = World::new();
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
fn what_the_commit_does_not_deploy_is_never_live() {
    let world = World::new();
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
fn asked_once_it_does_not_wait() {
    let world = World::new();
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
fn a_hook_that_runs_after_the_sync_is_waited_for() {
    let world = World::new();
    let at = Duration::from_secs;
    world
        .namespace
        .pods(move |pod| match pod.name.starts_with("check") {
            true if pod.age < at(4) => lab::testbed::PodStatus::running(),
            _ => scripts::healthy(pod),
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
pub(crate) fn with_hook(world: &World, phase: &str) -> String {
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: check\n  annotations:\n\
         \x20   argocd.argoproj.io/hook: {phase}\n\
         spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n\
         \x20     containers: [{{ name: check, image: registry.example/check:v1 }}]\n"
    );
    let text = repository::in_namespace(&Overlay::dev(NEW), world.namespace.name());
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
fn a_newer_image_that_cannot_be_pulled_is_not_this_commits_fault() {
    let world = World::new();
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
