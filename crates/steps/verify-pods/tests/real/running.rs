//! Pods that run the wanted image.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lab::{
    HermeticCommand,
    testbed::{PodView, ScriptedStatus, Testbed, scripts},
};
use serde_json::{Value, json};

use crate::fixture::{NEW, OLD, PodFixture, REPOSITORY, digest, expect, passed, verify, workload};

/// Creates three pods, each with an injected proxy, and a pod of a Job that has the old image.
fn deploy_with_bystanders(fixture: &PodFixture) {
    let mut deployment = workload(NEW, 3);
    let containers = deployment["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap();
    containers.push(json!({ "name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.20" }));
    fixture.namespace.create("apps/deployments", &deployment);
    let once = json!({
        "metadata": { "name": "nightly", "labels": { "app": "nightly" } },
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "dex", "image": OLD }] },
    });
    fixture.namespace.create("pods", &once);
    fixture.wait_until_ready(NEW, 3);
}

#[test]
fn every_pod_runs_a_digest_of_the_image() {
    let fixture = PodFixture::new();
    let image_id = format!("{REPOSITORY}@{}", digest('a'));
    fixture.namespace.pods(
        move |pod| match pod.object["spec"]["restartPolicy"].as_str() {
            Some("Never") => scripts::healthy(pod),
            _ => ScriptedStatus::running()
                .image_id(&image_id)
                .restarted(5, 1, "Error"),
        },
    );
    deploy_with_bystanders(&fixture);
    let (a, b) = (digest('a'), digest('b'));
    let run = fixture
        .verify()
        .args(["--digest", &format!("{b},{a}"), "--soak", "2s"])
        .run();
    passed(&run);
    let document = run.json();
    let pods = document["facts"]["pods"].as_array().unwrap();
    assert_eq!(
        (pods.len(), &document["facts"]["digests"]),
        (3, &json!([a])),
        "{run}"
    );
    assert!(
        pods.iter()
            .all(|pod| pod["ready"] == true && pod["node"] == fixture.namespace.name()),
        "{run}"
    );
    assert!(run.elapsed > Duration::from_secs(2), "{run}");
    let wrong = fixture
        .verify()
        .args(["--digest", &b, "--timeout", "5s"])
        .run();
    expect(
        &wrong,
        10,
        "mixed-digests",
        "environment",
        &[fixture.namespace.name(), "aaaaaaaa"],
    );
}

#[test]
fn a_manifest_or_configuration_digest_counts() {
    let fixture = PodFixture::new();
    let turn = Mutex::new(Vec::<String>::new());
    fixture.namespace.pods(move |pod| {
        let mut known = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&pod.name) {
            known.push(pod.name.clone());
        }
        match known.iter().position(|name| *name == pod.name) {
            Some(0) => ScriptedStatus::running().image_id(&digest('d')),
            _ => ScriptedStatus::running()
                .image_id(&format!("docker-pullable://{REPOSITORY}@{}", digest('b'))),
        }
    });
    fixture.deploy(NEW, 2);
    let all = ['a', 'b', 'c', 'd'].map(digest).join(",");
    passed(&fixture.verify().args(["--digest", &all]).run());
    let by_tag = fixture.verify().run();
    expect(
        &by_tag,
        10,
        "mixed-digests",
        "environment",
        &["under the wanted tag"],
    );
}

/// Makes a namespace with a Deployment, and one with a DaemonSet and a StatefulSet.
fn two_namespaces() -> (PodFixture, PodFixture) {
    let (one, two) = (PodFixture::new(), PodFixture::new());
    one.deploy(NEW, 1);
    let mut daemons = workload(NEW, 1);
    daemons["spec"].as_object_mut().unwrap().remove("replicas");
    daemons["spec"]["template"]["spec"]["nodeSelector"] = two.namespace.node_selector();
    two.namespace.create("apps/daemonsets", &daemons);
    let mut stateful = workload(NEW, 2);
    stateful["spec"]["selector"]["matchLabels"]["app"] = json!("db");
    stateful["spec"]["template"]["metadata"]["labels"]["app"] = json!("db");
    two.namespace.create("apps/statefulsets", &stateful);
    (one, two)
}

/// Verifies both namespaces with an account that may read both.
fn verify_both(one: &PodFixture, two: &PodFixture) -> HermeticCommand {
    verify(&[&one.namespace, &two.namespace])
        .env("KUBECONFIG", Testbed::shared().kubernetes().kubeconfig())
}

#[test]
fn every_kind_of_workload_counts_in_every_namespace() {
    let (one, two) = two_namespaces();
    let run = verify_both(&one, &two).run();
    passed(&run);
    let document = run.json();
    let subjects = document["subjects"].as_array().unwrap();
    let names: Vec<&str> = subjects
        .iter()
        .filter_map(|subject| subject["name"].as_str())
        .collect();
    let (one, two) = (one.namespace.name(), two.namespace.name());
    assert_eq!(
        names,
        [
            format!("{one}/deployment/dex"),
            format!("{two}/statefulset/dex"),
            format!("{two}/daemonset/dex"),
        ],
        "{run}"
    );
}

#[test]
fn every_namespace_needs_permission_and_workload() {
    let (one, two) = two_namespaces();
    let other = two.namespace.name();
    // The account's permission ends at its own namespace.
    let half = one.verify().args(["--namespace", other]).run();
    let (missing, configuration) = ("permission-missing", "configuration");
    expect(&half, 21, missing, configuration, &[other]);
    let absent = verify_both(&one, &two)
        .args(["--workload", "deployment/dex", "--schedule-grace", "1s"])
        .run();
    let words = [other, "there is no deployment/dex"];
    expect(&absent, 10, "no-pods", configuration, &words);
}

#[test]
fn a_rate_limit_is_awaited_and_noted() {
    let fixture = PodFixture::new();
    let limited = "failed to resolve reference \"x\": unexpected status code https://registry.example/v2/: 429 Too Many Requests";
    fixture.namespace.pods(scripts::timeline([
        (
            Duration::from_millis(100),
            ScriptedStatus::waiting("ErrImagePull", limited),
        ),
        (
            Duration::from_secs(2),
            ScriptedStatus::waiting("ImagePullBackOff", "Back-off pulling image \"x\""),
        ),
        (Duration::from_secs(4), ScriptedStatus::running()),
    ]));
    fixture.deploy(NEW, 2);
    let run = fixture.verify().run();
    let notices = passed(&run);
    assert_eq!(notices.matches("429 Too Many Requests").count(), 1, "{run}");
    fixture.set_image("deployments/dex", &format!("{REPOSITORY}:sha-later"));
    let never = fixture
        .verify()
        .args([
            "--image",
            &format!("{REPOSITORY}:sha-later"),
            "--pull-grace",
            "1s",
        ])
        .run();
    expect(
        &never,
        10,
        "image-pull",
        "environment",
        &["429 Too Many Requests"],
    );
}

#[test]
fn an_evicted_pod_is_replaced_and_noted() {
    let fixture = PodFixture::new();
    let first = Mutex::new(None::<String>);
    fixture.namespace.pods(move |pod: &PodView| {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = first.get_or_insert_with(|| pod.name.clone()) == &pod.name;
        if is_first && pod.age > Duration::from_secs(1) {
            let evicted = ScriptedStatus::ended(137, "Error");
            evicted.reason("Evicted", "The node was low on resource: memory.")
        } else {
            scripts::healthy(pod)
        }
    });
    fixture.deploy(NEW, 2);
    let run = fixture.verify().args(["--soak", "3s"]).run();
    assert!(
        passed(&run).contains("given up by its node (Evicted: The node was low"),
        "{run}"
    );
}

#[test]
fn no_pods_are_no_pass() {
    let fixture = PodFixture::new();
    fixture.deploy("registry.example/example/other:1", 1);
    let none = fixture.verify().args(["--schedule-grace", "2s"]).run();
    expect(
        &none,
        10,
        "no-pods",
        "configuration",
        &[&format!("no pod runs {REPOSITORY}")],
    );
    let named = fixture
        .verify()
        .args(["--schedule-grace", "1s", "--workload", "deployment/dex"])
        .run();
    expect(
        &named,
        10,
        "no-pods",
        "configuration",
        &["no container of its template is of"],
    );
    fixture.set_image("deployments/dex", NEW);
    fixture.change("deployments/dex", &json!({ "replicas": 0 }));
    let zero = fixture.verify().run();
    expect(&zero, 10, "no-pods", "configuration", &["scaled to zero"]);
    passed(&fixture.verify().arg("--allow-zero").run());
    let bare = json!({
        "metadata": { "name": "by-hand" },
        "spec": { "containers": [{ "name": "dex", "image": NEW }] },
    });
    Testbed::shared()
        .kubernetes()
        .delete(&fixture.namespace.path("apps/deployments/dex"));
    fixture.namespace.create("pods", &bare);
    let stranger = fixture.verify().args(["--schedule-grace", "1s"]).run();
    expect(
        &stranger,
        10,
        "no-pods",
        "configuration",
        &["by-hand belongs to none of them"],
    );
}

#[test]
fn a_crash_during_the_soak_refuses() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::timeline([
        (Duration::from_millis(100), ScriptedStatus::running()),
        (
            Duration::from_secs(2),
            ScriptedStatus::running()
                .restarted(1, 1, "Error")
                .previous_log("panic: no more connections\n"),
        ),
    ]));
    fixture.deploy(NEW, 1);
    let run = fixture
        .verify()
        .args(["--soak", "8s", "--timeout", "20s"])
        .run();
    expect(
        &run,
        10,
        "crash-loop",
        "change",
        &["crashed (exit code 1) while all pods should stay ready"],
    );
    assert!(run.stderr.contains("panic: no more connections"), "{run}");
    passed(&fixture.verify().run());
}

#[test]
fn the_step_says_what_it_waits_for() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::never_ready());
    fixture.deploy(NEW, 1);
    let mut running = fixture.verify().spawn();
    running.wait_for("waiting for the pods: ");
    running.wait_for("0 of 1 pods ready");
    running.interrupt();
    let run = running.wait();
    let document: Value = run.json();
    assert_eq!(
        (run.code, &document["subjects"][0]["reason"]),
        (130, &json!("not-ready")),
        "{run}"
    );
}
