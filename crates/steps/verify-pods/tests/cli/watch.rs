//! Watches that end, break or expire.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use lab::{Faulty, ScriptedReply};
use serde_json::json;

use crate::fake_api::{at, expect, is_watch, list, list_with, quiet, status};

#[test]
fn a_token_that_expires_ends_the_wait() {
    let watches = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| {
        if !is_watch(seen) {
            return list(seen, false);
        }
        // Three watches end normally before the token expires.
        match watches.fetch_add(1, Ordering::SeqCst) {
            0..3 => ScriptedReply::status(200),
            _ => status(401, "Unauthorized", "Unauthorized"),
        }
    });
    let run = at(&server.url()).run();
    expect(&run, 21, "credentials-rejected", "configuration");
    assert!(run.elapsed < Duration::from_secs(5), "{run}");
    assert_eq!(
        run.json()["subjects"][0]["reason"],
        "not-ready",
        "the report has the last state: {run}"
    );
}

#[test]
fn an_expired_watch_starts_with_a_new_list() {
    let gone = json!({
        "type": "ERROR",
        "object": {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": "Expired",
            "code": 410,
            "message": "too old resource version",
        },
    });
    for expired in [
        ScriptedReply::json(200, &gone),
        status(410, "Expired", "too old resource version"),
    ] {
        let lists = AtomicUsize::new(0);
        let server = Faulty::answering(move |seen| {
            if !is_watch(seen) {
                return list(seen, lists.fetch_add(1, Ordering::SeqCst) >= 3);
            }
            match lists.load(Ordering::SeqCst) {
                0..=3 => expired.clone(),
                _ => quiet(),
            }
        });
        at(&server.url()).run().expect_code(0);
    }
}

#[test]
fn a_truncated_event_does_not_end_the_watch() {
    let cut = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| {
        if !is_watch(seen) {
            return list(seen, true);
        }
        match cut.fetch_add(1, Ordering::SeqCst) {
            0..6 => ScriptedReply::text(200, "{\"type\":\"MODIFIED\",\"object\":{\"kind\"")
                .cut_after(30),
            _ => quiet(),
        }
    });
    at(&server.url())
        .args(["--soak", "3s"])
        .run()
        .expect_code(0);
}

#[test]
fn a_silent_server_stops_grace_periods() {
    let conditions = json!([{
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "Insufficient cpu",
    }]);
    let server = Faulty::answering(move |seen| {
        if is_watch(seen) {
            ScriptedReply::hang_up()
        } else {
            list_with(seen, &conditions)
        }
    });
    let run = at(&server.url())
        .args(["--schedule-grace", "1s", "--timeout", "4s"])
        .run();
    expect(&run, 20, "unreachable", "environment");
    assert_eq!(run.json()["subjects"][0]["reason"], "not-ready", "{run}");
}

#[test]
fn an_endless_event_is_not_the_api() {
    let server = Faulty::answering(|seen| {
        if is_watch(seen) {
            ScriptedReply::json(200, &json!({})).endless(b'x')
        } else {
            list(seen, false)
        }
    });
    let run = at(&server.url()).run();
    expect(&run, 20, "not-the-api", "environment");
    assert!(run.elapsed < Duration::from_secs(10), "{run}");
    let summary = run.json()["summary"].to_string();
    assert!(summary.contains("more than 4 MiB"), "{run}");
}

#[test]
fn an_endless_list_is_not_the_api() {
    for reply in [
        ScriptedReply::json(200, &json!({})).endless(b' '),
        ScriptedReply::json(403, &json!({})).endless(b' '),
    ] {
        let run = at(&Faulty::new([reply]).url()).run();
        expect(&run, 20, "not-the-api", "environment");
        assert!(run.json()["summary"].to_string().contains("MiB"), "{run}");
    }
}
