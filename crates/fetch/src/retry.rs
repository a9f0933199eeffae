//! Which requests are repeated, and after which pause.

use std::time::{Duration, SystemTime};

use contract::{World, asking, world::TransportErrorKind};

use crate::{FetchError, HttpAnswer};

/// How many attempts one exchange may make.
const MAX_ATTEMPTS: u32 = 5;

/// Returns the pause before the next attempt; `None` when the result is final.
pub(crate) fn pause(
    result: &Result<HttpAnswer, FetchError>,
    is_repeatable: bool,
    attempts: u32,
    world: &World,
) -> Option<Duration> {
    if attempts >= MAX_ATTEMPTS {
        return None;
    }
    match result {
        Ok(answer) if is_rate_limit(answer) => {
            Some(requested_pause(answer, world).unwrap_or_else(|| backoff(attempts, world)))
        }
        Ok(answer) if is_repeatable && is_transient_status(answer.status()) => {
            Some(requested_pause(answer, world).unwrap_or_else(|| backoff(attempts, world)))
        }
        Err(error) if is_transient(error, is_repeatable) => Some(backoff(attempts, world)),
        _ => None,
    }
}

/// Returns why the request is repeated, for people.
pub(crate) fn explain(result: &Result<HttpAnswer, FetchError>) -> String {
    match result {
        Ok(answer) => format!("status {}", answer.status()),
        Err(error) => error.reason().to_string(),
    }
}

/// Returns whether a second request may get another status: after 408, 5xx except "not
/// implemented", and the statuses of proxies (499, 522).
fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 499 | 500 | 502 | 503 | 504 | 522)
}

/// Recognizes 429, and the primary and secondary rate limits of GitHub, whose status is 403, or 200
/// from GraphQL (docs.github.com, "Rate limits for the REST API", and those for the GraphQL API).
pub(crate) fn is_rate_limit(answer: &HttpAnswer) -> bool {
    let used_up = answer.header("x-ratelimit-remaining") == Some("0")
        || answer.header("retry-after").is_some();
    let says = |words: &str| String::from_utf8_lossy(answer.body()).contains(words);
    match answer.status() {
        429 => true,
        403 => used_up || says("secondary rate limit"),
        200 => used_up && says("\"RATE_LIMITED\""),
        _ => false,
    }
}

/// Without a connection the server cannot have carried out the request. After a connection broke it
/// may have, so only requests that do no harm twice are repeated.
fn is_transient(error: &FetchError, is_repeatable: bool) -> bool {
    match error.kind() {
        Some(TransportErrorKind::Connect) => true,
        Some(TransportErrorKind::TimedOut | TransportErrorKind::Broken) => is_repeatable,
        Some(_) => false,
        None => is_repeatable && error.reason() == asking::TIMED_OUT,
    }
}

/// Returns the pause that the server requests: `Retry-After` in seconds or as a date (RFC 9110,
/// 10.2.3), GitHub's `x-ratelimit-reset` (seconds since 1970), or the text of GHCR
/// (`retry-after: 1.16676ms, allowed: 44000/minute`).
pub(crate) fn requested_pause(answer: &HttpAnswer, world: &World) -> Option<Duration> {
    let until = |time: SystemTime| time.duration_since(world.now()).unwrap_or_default();
    if let Some(value) = answer.header("retry-after") {
        let seconds = value.trim().parse().ok().map(Duration::from_secs);
        return seconds.or_else(|| httpdate::parse_http_date(value).ok().map(until));
    }
    if answer.header("x-ratelimit-remaining") == Some("0") {
        let reset = answer.header("x-ratelimit-reset")?.parse().ok()?;
        return Some(
            until(SystemTime::UNIX_EPOCH + Duration::from_secs(reset)) + Duration::from_secs(1),
        );
    }
    pause_in_text(&String::from_utf8_lossy(answer.body()))
}

fn pause_in_text(body: &str) -> Option<Duration> {
    let rest = body.split("retry-after: ").nth(1)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = rest.split_at(end);
    let factor = match unit {
        unit if unit.starts_with("ns") => 1e-9,
        unit if unit.starts_with("µs")
            || unit.starts_with("us")
            || unit.starts_with("\\u00b5s") =>
        {
            1e-6
        }
        unit if unit.starts_with("ms") => 1e-3,
        unit if unit.starts_with('s') => 1.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor).ok()
}

/// Returns 0.2 s, doubled each time (3 s in all). Half of it is random, so that many runs do not
/// come back at the same time.
fn backoff(attempts: u32, world: &World) -> Duration {
    let full = 0.1 * f64::from(1 << attempts.min(6));
    Duration::from_secs_f64(full * (0.5 + world.random() / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
        let headers = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        HttpAnswer::new(
            status,
            headers,
            body.as_bytes().to_vec(),
            "https://api.example.org/x".parse().unwrap(),
        )
    }

    #[tokio::test]
    async fn a_server_requests_a_pause_in_four_ways() {
        let world = World::for_tests(Duration::ZERO);
        let wait = |headers: &[(&str, &str)], body: &str| {
            requested_pause(&answer(429, headers, body), &world)
        };
        assert_eq!(
            wait(&[("retry-after", "3600")], ""),
            Some(Duration::from_secs(3600))
        );
        let date = httpdate::fmt_http_date(world.now() + Duration::from_secs(100));
        let seconds = wait(&[("retry-after", &date)], "").unwrap().as_secs();
        assert!((95..=100).contains(&seconds), "{seconds}");
        let reset = world
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            + 50;
        let seconds = wait(
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", &reset.to_string()),
            ],
            "",
        )
        .unwrap();
        assert!((49..=51).contains(&seconds.as_secs()), "{seconds:?}");
        let text = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 1.5ms, allowed: 44000/minute"}]}"#;
        assert_eq!(wait(&[], text), Some(Duration::from_micros(1500)));
        assert_eq!(wait(&[], "nothing"), None);
    }

    #[tokio::test]
    async fn only_transient_errors_are_repeated() {
        let world = World::for_tests(Duration::ZERO);
        let again = |status, is_repeatable, attempts| {
            pause(
                &Ok(answer(status, &[], "")),
                is_repeatable,
                attempts,
                &world,
            )
            .is_some()
        };
        assert!(again(503, true, 1) && again(429, false, 1));
        assert!(!again(503, false, 1), "a POST may have been carried out");
        assert!(!again(404, true, 1) && !again(401, true, 1) && !again(501, true, 1));
        assert!(!again(503, true, MAX_ATTEMPTS));
    }

    #[tokio::test]
    async fn githubs_403_and_200_may_be_a_rate_limit() {
        assert!(is_rate_limit(&answer(
            403,
            &[("x-ratelimit-remaining", "0")],
            ""
        )));
        assert!(is_rate_limit(&answer(
            403,
            &[],
            "You have exceeded a secondary rate limit"
        )));
        assert!(!is_rate_limit(&answer(
            403,
            &[],
            "Resource not accessible by integration"
        )));
        let last = [("x-ratelimit-remaining", "0")];
        assert!(is_rate_limit(&answer(
            200,
            &last,
            r#"{"errors":[{"type":"RATE_LIMITED"}]}"#
        )));
        assert!(
            !is_rate_limit(&answer(200, &last, r#"{"data":{}}"#)),
            "the last request of this hour is answered"
        );
    }
}
