//! Where git's credentials go when a server redirects and challenges.

use contract::asking;
use lab::HostileFleet;

use super::*;

const PAIRS: usize = 4;
const ROUNDS: usize = 4;
const SEEDS: u64 = 3;

fn secret(pair: usize) -> String {
    format!("a-secret/of+pair-{pair}")
}

/// The token is for the first server; the others have a user and a password in their address.
fn address(fleet: &HostileFleet, pair: usize) -> String {
    let server = fleet.registry(pair);
    if pair == 0 {
        return format!("http://{server}/git-tests/app");
    }
    let password = secret(pair).replace('/', "%2F");
    format!("http://robot:{password}@{server}/git-tests/app")
}

#[tokio::test]
async fn no_server_sees_the_secret_of_another() {
    let mut delivered = [0; PAIRS];
    for seed in 0..SEEDS {
        let fleet = HostileFleet::start(PAIRS, seed);
        let server = format!("http://{}", fleet.registry(0));
        let world = world(&[
            ("RUNBOOK_GITHUB_TOKEN", &secret(0)),
            ("GITHUB_SERVER_URL", &server),
        ]);
        for _ in 0..ROUNDS {
            for pair in 0..PAIRS {
                let git = git(&world, &address(&fleet, pair));
                drop(git.read(&paths(&[PATH])).await);
                drop(git.tip().await);
            }
        }
        for (pair, count) in delivered.iter_mut().enumerate() {
            let reached = fleet.reached_by(&secret(pair));
            *count += reached.len();
            let own = [fleet.registry(pair)];
            assert!(
                reached.iter().all(|server| own.contains(server)),
                "seed {seed}: secret {pair} at {reached:?}"
            );
        }
    }
    // The test would prove nothing if no secret was sent at all.
    assert!(delivered.iter().all(|count| *count > 0), "{delivered:?}");
}

#[tokio::test]
async fn a_moved_repository_is_an_answer_with_its_new_address() {
    let remote = remote();
    let (old, new) = (remote.http("ada", "lovelace"), remote.http_open());
    let server = format!("http://{}", new.address());
    old.redirect("info/refs", &server);
    let world = world(&[]);
    let url = old.url().replace("://", "://ada:lovelace@");
    let failure = failure(&git(&world, &url)).await;
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Unavailable, asking::REDIRECTED_ELSEWHERE)
    );
    let hint = failure.hints.join(" ");
    assert!(hint.contains(&format!("`{}`", new.url())), "{hint}");
    assert_eq!(new.requests(), 0);
}

#[tokio::test]
async fn a_push_is_not_redirected() {
    let remote = remote();
    let (http, other) = (remote.http_open(), remote.http_open());
    let server = format!("http://{}", other.address());
    for part in ["service=git-receive-pack", "/git-receive-pack"] {
        let world = world(&[]);
        let git = git(&world, &http.url());
        let snapshot = read(&git).await;
        http.redirect(part, &server);
        let Err(BranchError::Failed(failure)) = git.commit(&snapshot, &edit("two\n")).await else {
            panic!("the push to {part} is no error")
        };
        assert_eq!(failure.reason, asking::REDIRECTED_ELSEWHERE);
        // The second request of a push has no address of a repository.
        let has_address = failure.hints.join(" ").contains(&other.url());
        assert_eq!(has_address, part.starts_with("service"));
        assert_eq!((other.requests(), remote.pushes()), (0, 0));
        http.redirect("nothing", &server);
    }
}

/// The address of a redirect is cut; what is left of a secret there is still one.
#[tokio::test]
async fn a_redirect_is_redacted_before_it_is_cut() {
    let secret = "a-secret-of-many-characters-0123456789";
    let start = "http://127.0.0.1:1/";
    let filler = "x".repeat(290 - start.len());
    let location = format!("{start}{filler}{secret}/info/refs");
    let server = Faulty::answering(move |_| ScriptedReply::redirect(301, &location));
    let world = world(&[("RUNBOOK_GITHUB_TOKEN", secret)]);
    let url = format!("{}/git-tests/app", server.url());
    let failure = failure(&git(&world, &url)).await;
    assert_eq!(failure.reason, asking::REDIRECTED_ELSEWHERE);
    let said = format!("{} {}", failure.summary(), failure.hints.join(" "));
    assert!(said.contains("xx***"), "{said}");
    assert!(!said.contains("a-secret"), "{said}");
}
