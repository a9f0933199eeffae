//! The variables of the environment.

use std::{collections::BTreeMap, ffi::OsString};

/// The variables of the environment; an empty variable counts as absent.
#[derive(Debug, Clone, Default)]
pub struct Vars(BTreeMap<String, String>);

impl Vars {
    /// Returns the variables of this process, without those whose name or value is not Unicode.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(unicode).collect())
    }

    /// Returns the value of a variable; `None` when it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns whether the process runs on a GitHub Actions runner or a compatible one.
    pub fn is_runner(&self) -> bool {
        self.get("GITHUB_ACTIONS") == Some("true")
    }
}

fn unicode((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Vars {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_absent() {
        let vars: Vars = [("EMPTY", ""), ("SET", "x")].into_iter().collect();
        assert_eq!((vars.get("EMPTY"), vars.get("SET")), (None, Some("x")));
    }
}
