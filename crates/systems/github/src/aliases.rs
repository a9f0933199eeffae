//! Aliases of a GraphQL document that asks the same about several things: `p0`, `p1`, ….

use serde_json::Value;

/// Returns the text once for each of `count` aliases.
pub(crate) fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// Returns the variables of the aliases that begin with `prefix`.
pub(crate) fn variables<'a>(
    prefix: &str,
    values: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (String, Value)> {
    let variable = move |(n, value)| (format!("{prefix}{n}"), Value::from(value));
    values.into_iter().enumerate().map(variable)
}
