//! Which requests are repeated, and after which pause.

use std::time::{Duration, SystemTime};

use contract::{World, asking, world::TransportErrorKind};

use crate::{
    FetchError, HttpAnswer,
    github_limit::{self, GitHubLimit},
};

/// How many attempts one exchange may make.
const MAX_ATTEMPTS: u32 = 5;
/// The longest pause that counts; sums with it stay far below the limit of a clock.
const MAX_PAUSE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

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

/// Returns whether a server stopped because the answer took it too long.
pub(crate) fn took_too_long(result: &Result<HttpAnswer, FetchError>) -> bool {
    matches!(result, Ok(answer) if matches!(answer.status(), 502 | 504))
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

/// Recognizes 429, and GitHub's limits, whose status is 403, or 200 from GraphQL.
pub(crate) fn is_rate_limit(answer: &HttpAnswer) -> bool {
    let used_up = answer.header("x-ratelimit-remaining") == Some("0")
        || answer.header("retry-after").is_some();
    let says = |words: &str| String::from_utf8_lossy(answer.body()).contains(words);
    match answer.status() {
        429 => true,
        403 => used_up || says("secondary rate limit") || GitHubLimit::of(answer).is_some(),
        200 => GitHubLimit::of(answer).is_some(),
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
    named_pause(answer, world).map(|pause| pause.min(MAX_PAUSE))
}

fn named_pause(answer: &HttpAnswer, world: &World) -> Option<Duration> {
    let until = |time: SystemTime| time.duration_since(world.now()).unwrap_or_default();
    if let Some(value) = answer.header("retry-after") {
        let date = || httpdate::parse_http_date(value).ok().map(until);
        return seconds(value).or_else(date);
    }
    let limit = GitHubLimit::of(answer);
    let is_used_up = answer.header("x-ratelimit-remaining") == Some("0");
    let is_primary = is_used_up || limit == Some(GitHubLimit::Primary);
    if let (true, Some(reset)) = (is_primary, reset(answer)) {
        let time = SystemTime::UNIX_EPOCH.checked_add(reset);
        return Some(time.map_or(MAX_PAUSE, until) + Duration::from_secs(1));
    }
    let in_text = || pause_in_text(&String::from_utf8_lossy(answer.body()));
    // Going on sooner may get the client banned.
    limit.map(|_| github_limit::PAUSE).or_else(in_text)
}

/// Returns when a limit ends, in seconds since 1970.
fn reset(answer: &HttpAnswer) -> Option<Duration> {
    seconds(answer.header("x-ratelimit-reset")?)
}

/// Reads a number of seconds; one that is too large for a duration is the largest.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
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
    let seconds = number.parse::<f64>().ok()? * factor;
    Duration::try_from_secs_f64(seconds.min(MAX_PAUSE.as_secs_f64())).ok()
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
            "https://api.example.org/graphql".parse().unwrap(),
        )
        .graphql(true)
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
    async fn a_limit_of_github_without_a_header_wants_a_minute() {
        let world = World::for_tests(Duration::ZERO);
        let limited = |headers: &[(&str, &str)], text: &str| {
            let body = format!(r#"{{"errors":[{{"type":"RATE_LIMIT","message":"{text}"}}]}}"#);
            requested_pause(&answer(200, headers, &body), &world).unwrap()
        };
        let now = world.now().duration_since(SystemTime::UNIX_EPOCH);
        let reset = (now.unwrap().as_secs() + 500).to_string();
        let headers = [
            ("x-ratelimit-remaining", "7"),
            ("x-ratelimit-reset", &reset),
        ];
        assert_eq!(limited(&[], "x"), github_limit::PAUSE);
        assert!(limited(&headers, "API rate limit exceeded") > Duration::from_secs(490));
        assert_eq!(
            limited(&headers, "a secondary rate limit"),
            github_limit::PAUSE
        );
        assert_eq!(
            limited(&[("retry-after", "5")], "a secondary rate limit"),
            Duration::from_secs(5)
        );
    }

    #[tokio::test]
    async fn no_pause_is_too_large_for_a_clock() {
        let world = World::for_tests(Duration::ZERO);
        for number in [
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999999999",
        ] {
            let text = format!("retry-after: {number}s, allowed: 1/minute");
            for answer in [
                answer(429, &[("retry-after", number)], ""),
                answer(
                    429,
                    &[
                        ("x-ratelimit-remaining", "0"),
                        ("x-ratelimit-reset", number),
                    ],
                    "",
                ),
                answer(429, &[], &text),
            ] {
                assert_eq!(
                    requested_pause(&answer, &world),
                    Some(MAX_PAUSE),
                    "{answer:?}"
                );
            }
        }
        let never = [("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")];
        let pause = requested_pause(&answer(429, &never, ""), &world);
        assert_eq!(pause, Some(MAX_PAUSE));
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
        assert!(is_rate_limit(&answer(
            200,
            &[],
            r#"{"errors":[{"type":"RATE_LIMIT"}]}"#
        )));
        assert!(
            !is_rate_limit(&answer(200, &last, r#"{"data":{}}"#)),
            "the last request of this hour is answered"
        );
    }
}
