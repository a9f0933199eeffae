//! A missing answer is never a refusal: credentials, permissions, an absent API server.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use kubernetes::{EVENTS, LOGS, PODS, RULES, WORKLOADS};
use lab::testbed::{ScriptedStatus, Testbed, scripts};

use crate::fixture::{NEW, PodFixture, expect, passed, rule, verify, workload};

/// A proxy in front of the API server that can cut its connections.
struct CuttableProxy {
    address: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl CuttableProxy {
    fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap().to_string(),
            open: Arc::default(),
        };
        let (open, target) = (Arc::clone(&proxy.open), target.to_owned());
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let server = TcpStream::connect(&target).unwrap();
                let mut known = open.lock().unwrap_or_else(PoisonError::into_inner);
                known.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                for (mut from, mut to) in [
                    (client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (server, client),
                ] {
                    thread::spawn(move || {
                        drop(io::copy(&mut from, &mut to));
                        drop(to.shutdown(Shutdown::Both));
                    });
                }
            }
        });
        proxy
    }

    fn cut(&self) {
        for stream in self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

#[test]
fn a_cut_connection_is_opened_again() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::never_ready());
    fixture.deploy(NEW, 1);
    let proxy = CuttableProxy::to(Testbed::shared().kubernetes().address());
    let config = std::fs::read_to_string(&fixture.account.kubeconfig).unwrap();
    let verify = fixture.verify();
    let through = verify.home().join("kubeconfig");
    std::fs::write(
        &through,
        config.replace(Testbed::shared().kubernetes().address(), &proxy.address),
    )
    .unwrap();
    let mut running = verify.env("KUBECONFIG", &through).spawn();
    running.wait_for("0 of 1 pods ready");
    proxy.cut();
    fixture.namespace.pods(scripts::healthy);
    let run = running.wait();
    passed(&run);
    assert!(run.elapsed < Duration::from_secs(20), "{run}");
}

#[test]
fn a_missing_required_permission_is_named() {
    let fixture = PodFixture::new();
    fixture.deploy(NEW, 1);
    for missing in [PODS, WORKLOADS] {
        let others: Vec<_> = RULES
            .iter()
            .filter(|rule| **rule != missing)
            .map(rule)
            .collect();
        let account = fixture
            .namespace
            .account(&format!("without-{}", missing.resources[0]), &others);
        let run = fixture.verify().env("KUBECONFIG", account.kubeconfig).run();
        expect(
            &run,
            21,
            "permission-missing",
            "configuration",
            &[fixture.namespace.name()],
        );
        let hints = run.json()["hints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap())
            .collect::<String>();
        assert!(hints.contains(missing.line), "{run}");
    }
}

#[test]
fn a_missing_diagnostic_permission_changes_no_verdict() {
    let fixture = PodFixture::new();
    fixture
        .namespace
        .pods(scripts::crash_loop(1, "no such table: users\n"));
    fixture.deploy(NEW, 1);
    for missing in [LOGS, EVENTS] {
        let others: Vec<_> = RULES
            .iter()
            .filter(|rule| **rule != missing)
            .map(rule)
            .collect();
        let name = format!("without-{}", missing.resources[0].replace('/', "-"));
        let account = fixture.namespace.account(&name, &others);
        let run = fixture.verify().env("KUBECONFIG", account.kubeconfig).run();
        expect(&run, 10, "crash-loop", "change", &[]);
        let notices = run.json()["notices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap())
            .collect::<String>();
        assert!(notices.contains(missing.line), "{run}");
    }
}

#[test]
fn expired_credentials_are_denied() {
    let fixture = PodFixture::new();
    fixture.deploy(NEW, 1);
    let kubernetes = Testbed::shared().kubernetes();
    for token in [fixture.account.expired.as_str(), "s3cr3t-wrong"] {
        let kubeconfig = kubernetes.kubeconfig_for(token, fixture.namespace.name());
        let run = fixture.verify().env("KUBECONFIG", kubeconfig).run();
        expect(&run, 21, "credentials-rejected", "configuration", &[]);
        assert!(
            run.elapsed < Duration::from_secs(5) && !format!("{run}").contains(token),
            "{run}"
        );
    }
}

#[test]
fn no_token_is_ever_printed() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(|_| ScriptedStatus::running());
    fixture.deploy(NEW, 1);
    for format in ["plain", "json", "github"] {
        let verify = fixture.verify();
        let home = verify.home();
        let run = verify
            .clone()
            .args(["-vv", "--soak", "0", "--format", format, "--record"])
            .arg(home.join("record"))
            .env("GITHUB_OUTPUT", home.join("output"))
            .env("GITHUB_STEP_SUMMARY", home.join("summary"))
            .run();
        assert_eq!(run.code, 0, "{run}");
        let files = ["record/run.json", "record/tape.jsonl", "output", "summary"];
        let written =
            files.map(|file| std::fs::read_to_string(home.join(file)).unwrap_or_default());
        // A mask command tells the runner what to hide.
        let said = [run.stdout.as_str(), run.stderr.as_str()].concat();
        let said: String = said
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"))
            .collect();
        let shown = written.concat() + &said;
        assert!(
            !shown.contains(&fixture.account.token) && !shown.contains("eyJ"),
            "{shown}"
        );
    }
}

#[test]
fn an_absent_api_server_is_no_answer() {
    let testbed = Testbed::private();
    let namespace = testbed.namespace();
    namespace.create("apps/deployments", &workload(NEW, 1));
    let verify = || verify(&[&namespace]).env("KUBECONFIG", testbed.kubernetes().kubeconfig());
    passed(&verify().run());
    let missing = verify().args(["--namespace", "nowhere"]).run();
    expect(
        &missing,
        10,
        "no-pods",
        "configuration",
        &["there is no namespace nowhere"],
    );
    let mut running = verify().args(["--soak", "3s"]).spawn();
    running.wait_for("to stay ready");
    testbed.stop_kubernetes();
    expect(
        &verify().run(),
        20,
        "unreachable",
        "environment",
        &[testbed.kubernetes().address()],
    );
    expect(
        &verify().args(["--timeout", "0"]).run(),
        20,
        "unreachable",
        "environment",
        &[],
    );
    running.wait_for("to answer");
    testbed.start_kubernetes();
    passed(&running.wait());
    passed(&verify().args(["--timeout", "0"]).run());
}
