//! Arguments and inputs, as a query gives them.

use apollo_compiler::resolvers::ResolveInfo;
use serde_json::Value;

/// Returns an argument of a field, null when it is absent.
pub(super) fn argument(info: &ResolveInfo<'_>, name: &str) -> Value {
    info.arguments()
        .get(name)
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or_default()
}

/// Returns a text argument of a field.
pub(super) fn text(info: &ResolveInfo<'_>, name: &str) -> String {
    argument(info, name).as_str().unwrap_or_default().to_owned()
}

/// Returns a text of an input.
pub(super) fn field(input: &Value, name: &str) -> String {
    input[name].as_str().unwrap_or_default().to_owned()
}
