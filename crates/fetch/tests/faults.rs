//! Runs the client against a server that misbehaves on purpose.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use contract::{Secret, World, asking, world::BoundSecret};
use fetch::{Fetch, FetchError, HttpAnswer, StreamAnswer};
use lab::{Faulty, ScriptedReply, closed_port};
use url::Url;

/// Sends one request without a deadline, so that the exchange has 30 s.
async fn get(url: &str) -> Result<HttpAnswer, FetchError> {
    let world = World::for_tests(Duration::ZERO);
    Fetch::new(&world).get(url.parse().unwrap()).send().await
}

fn at(server: &Faulty) -> String {
    server.url()
}

fn bearer(server: &Faulty) -> BoundSecret {
    BoundSecret::new(Secret::new("Bearer t"), &at(server).parse().unwrap())
}

#[tokio::test]
async fn two_failures_are_retried() {
    let server = Faulty::new([
        ScriptedReply::html(503),
        ScriptedReply::hang_up(),
        ScriptedReply::text(200, "fine"),
    ]);
    assert_eq!(get(&at(&server)).await.unwrap().body(), b"fine");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_permanent_server_error_quotes_the_server() {
    let server = Faulty::new([ScriptedReply::text(502, "upstream is down")]);
    let error = get(&at(&server)).await.unwrap_err();
    assert_eq!(error.reason(), asking::SERVER_ERROR);
    assert!(
        error
            .to_string()
            .contains("answered 502: \"upstream is down\", asked 5 times"),
        "{error}"
    );
}

#[tokio::test]
async fn a_requested_pause_of_an_hour_ends_the_request() {
    let server = Faulty::new([ScriptedReply::status(429).retry_after(3600)]);
    let started = Instant::now();
    let error = get(&at(&server)).await.unwrap_err();
    assert_eq!(
        (error.reason(), server.seen().len()),
        (asking::RATE_LIMITED, 1)
    );
    assert!(
        started.elapsed() < Duration::from_secs(5) && error.to_string().contains("for 3600 s"),
        "{error}"
    );
}

#[tokio::test]
async fn a_requested_pause_of_a_second_is_kept() {
    let server = Faulty::new([
        ScriptedReply::status(429).retry_after(1),
        ScriptedReply::text(200, "fine"),
    ]);
    let started = Instant::now();
    assert!(get(&at(&server)).await.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let error = get(&format!("http://{}/", closed_port()))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), asking::UNREACHABLE);
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn an_unknown_host_name_is_unreachable() {
    assert_eq!(
        get("http://registry.invalid/").await.unwrap_err().reason(),
        asking::UNREACHABLE
    );
}

#[tokio::test]
async fn a_silent_server_times_out_within_the_deadline() {
    for reply in [
        ScriptedReply::silent(),
        ScriptedReply::text(200, "half").headers_only(),
    ] {
        let server = Faulty::new([reply]);
        let world = World::for_tests(Duration::from_secs(2));
        let started = Instant::now();
        let fetch = Fetch::new(&world);
        let error = fetch
            .get(at(&server).parse().unwrap())
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.reason(), asking::TIMED_OUT);
        assert!(started.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn an_answer_outlives_an_attempt_that_is_cut_off() {
    let server = Faulty::new([ScriptedReply::status(502), ScriptedReply::silent()]);
    let world = World::for_tests(Duration::from_secs(2));
    let fetch = Fetch::new(&world);
    let request = fetch.get(at(&server).parse().unwrap());
    let error = request.send().await.unwrap_err();
    assert_eq!(error.reason(), asking::SERVER_ERROR, "{error}");
}

#[tokio::test]
async fn an_endless_body_is_not_the_api() {
    for reply in [
        ScriptedReply::status(200).endless(b' '),
        ScriptedReply::status(200).filled(b'0', 10 << 30),
    ] {
        let server = Faulty::new([reply]);
        let error = get(&at(&server)).await.unwrap_err();
        assert_eq!(
            (error.reason(), server.seen().len()),
            (asking::NOT_THE_API, 1)
        );
    }
}

#[tokio::test]
async fn objects_of_two_bytes_do_not_fill_the_memory() {
    let objects = "{},".repeat(1 << 20);
    let reply = ScriptedReply::text(200, &objects);
    let server = Faulty::new([reply.clone(), reply]);
    let error = get(&at(&server)).await.unwrap_err();
    assert_eq!(error.reason(), asking::NOT_THE_API, "{error}");
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    let request = fetch.get(at(&server).parse().unwrap());
    let answer = request.memory_limit(1 << 30).send().await.unwrap();
    assert_eq!(answer.body().len(), objects.len());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_retried() {
    let whole = ScriptedReply::text(200, "0123456789");
    let server = Faulty::new([whole.clone().cut_after(5), whole]);
    assert_eq!(get(&at(&server)).await.unwrap().body(), b"0123456789");
}

#[tokio::test]
async fn a_broken_post_is_not_repeated() {
    let server = Faulty::new([ScriptedReply::hang_up()]);
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    assert!(
        fetch
            .post(at(&server).parse().unwrap(), b"x".to_vec())
            .send()
            .await
            .is_err()
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_secret_does_not_follow_a_redirect() {
    let other = Faulty::new([ScriptedReply::text(200, "blob")]);
    let server = Faulty::new([ScriptedReply::redirect(307, &at(&other))]);
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    let request = fetch
        .get(at(&server).parse().unwrap())
        .secret_header("authorization", bearer(&server));
    assert_eq!(
        request.header("accept", "x").send().await.unwrap().body(),
        b"blob"
    );
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer t"));
    assert_eq!(other.seen()[0].header("authorization"), None);
    assert_eq!(other.seen()[0].header("accept"), Some("x"));
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn an_answer_behind_a_redirect_is_elsewhere() {
    let other = Faulty::new([ScriptedReply::text(500, "export PASSWORD=s3cret")]);
    let server = Faulty::new([
        ScriptedReply::redirect(302, "/own"),
        ScriptedReply::redirect(302, &at(&other)),
    ]);
    let error = get(&at(&server)).await.unwrap_err();
    assert_eq!(error.reason(), asking::SERVER_ERROR);
    assert!(!error.to_string().contains("s3cret"), "{error}");
    let back = Faulty::answering(|seen| match &*seen.path {
        "/back" => ScriptedReply::text(200, "own"),
        _ => ScriptedReply::redirect(302, "/back"),
    });
    assert!(!get(&at(&back)).await.unwrap().is_elsewhere());
    let other = Faulty::new([ScriptedReply::redirect(302, &format!("{}/back", at(&back)))]);
    assert!(get(&at(&other)).await.unwrap().is_elsewhere());
}

#[tokio::test]
async fn a_redirect_to_the_metadata_service_is_refused() {
    let server = Faulty::new([ScriptedReply::redirect(
        302,
        "http://169.254.169.254/latest",
    )]);
    let error = get(&at(&server)).await.unwrap_err();
    assert_eq!(error.reason(), asking::REDIRECTED_ELSEWHERE);
    assert_eq!(server.seen().len(), 1, "a refusal is final");
}

#[tokio::test]
async fn a_secret_body_is_not_sent_elsewhere() {
    let (own, other) = (
        Faulty::new([ScriptedReply::text(200, "fine")]),
        Faulty::new([ScriptedReply::text(200, "fine")]),
    );
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    let post = |server: &Faulty| {
        fetch
            .post_secret(at(server).parse().unwrap(), bearer(&own))
            .send()
    };
    assert_eq!(post(&own).await.unwrap().status(), 200);
    assert_eq!(own.seen()[0].body, b"Bearer t");
    let error = post(&other).await.unwrap_err();
    assert_eq!(error.reason(), asking::REALM_REFUSED);
    assert_eq!((other.seen().len(), world.requests()), (0, 1));
}

#[tokio::test]
async fn a_pause_beyond_all_clocks_ends_the_request() {
    for reply in [
        ScriptedReply::status(429).retry_after(u64::MAX),
        ScriptedReply::status(503).retry_after(u64::MAX),
        ScriptedReply::status(403)
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &u64::MAX.to_string()),
    ] {
        let server = Faulty::new([reply]);
        assert!(get(&at(&server)).await.is_err());
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let server = Faulty::new([ScriptedReply::redirect(302, "/again")]);
    assert_eq!(
        get(&at(&server)).await.unwrap_err().reason(),
        asking::NOT_THE_API
    );
}

#[tokio::test]
async fn an_unknown_authority_is_untrusted_until_given() {
    let server = Faulty::tls([ScriptedReply::text(200, "fine")]);
    let url: Url = at(&server).parse().unwrap();
    let world = World::for_tests(Duration::ZERO);
    let error = Fetch::new(&world)
        .get(url.clone())
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.reason(), asking::UNTRUSTED_CERTIFICATE);
    let trusting = Fetch::new(&world).trusting(Some(server.ca_pem().as_bytes().to_vec()));
    assert_eq!(
        trusting.get(url.clone()).send().await.unwrap().body(),
        b"fine"
    );
    let broken = Fetch::new(&world).trusting(Some(b"no certificate".to_vec()));
    assert_eq!(
        contract::Failure::from(broken.get(url).send().await.unwrap_err()).verdict,
        contract::Verdict::Usage
    );
}

#[tokio::test]
async fn a_stream_arrives_in_pieces_and_silence_ends_it() {
    let server =
        Faulty::new([ScriptedReply::text(200, "0123456789").drip(4, Duration::from_millis(50))]);
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    let open = fetch
        .get(at(&server).parse().unwrap())
        .stream(Duration::from_millis(500))
        .await
        .unwrap();
    let StreamAnswer::Stream(mut stream) = open else {
        panic!("no stream")
    };
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await.unwrap() {
        pieces.push(piece);
    }
    assert!(
        pieces.len() > 1 && pieces.concat() == b"0123456789",
        "{pieces:?}"
    );
    let server = Faulty::new([ScriptedReply::text(200, "x").headers_only()]);
    let open = fetch
        .get(at(&server).parse().unwrap())
        .stream(Duration::from_millis(200))
        .await
        .unwrap();
    let StreamAnswer::Stream(mut stream) = open else {
        panic!("no stream")
    };
    assert_eq!(stream.next().await.unwrap_err().reason(), asking::TIMED_OUT);
    assert_eq!((server.seen().len(), world.requests()), (1, 2));
}

#[tokio::test]
async fn a_refused_stream_is_an_answer_without_retry() {
    let server = Faulty::new([ScriptedReply::text(401, "who?"), ScriptedReply::html(503)]);
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    let ask = || {
        fetch
            .get(at(&server).parse().unwrap())
            .stream(Duration::from_secs(1))
    };
    let Ok(StreamAnswer::Answer(answer)) = ask().await else {
        panic!("no answer")
    };
    assert_eq!((answer.status(), answer.body()), (401, &b"who?"[..]));
    assert_eq!(ask().await.err().unwrap().reason(), asking::SERVER_ERROR);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_quoted() {
    let token = r#"{"token":"s3cret"}"#;
    let server = Faulty::new([ScriptedReply::text(201, token)]);
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    let request = fetch.get(at(&server).parse().unwrap()).secret_answer();
    assert_eq!(request.send().await.unwrap().quoted(), "");
}
