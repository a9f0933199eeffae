//! The address that a server redirects git to, and git does not follow.

use contract::world::Origin;
use serde::{Deserialize, Serialize};
use url::Url;

/// The end of the address that git asks first.
const FIRST: &str = "/info/refs";

/// Where a server redirects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedirectTarget {
    /// The address, without a user, a password and a query.
    pub(crate) shown: String,
    /// Whether it is the address of a repository.
    pub(crate) is_repository: bool,
    /// Whether it is on another server.
    pub(crate) is_elsewhere: bool,
}

/// Returns the target of a redirect from the first address of a repository.
pub(crate) fn target(location: &str, repository: &Url) -> Option<RedirectTarget> {
    let mut first = repository.clone();
    first.set_path(&format!(
        "{}{FIRST}",
        repository.path().trim_end_matches('/')
    ));
    let mut target = first.join(location).ok()?;
    // Both calls fail for addresses without a host.
    let _ = (target.set_username(""), target.set_password(None));
    target.set_query(None);
    target.set_fragment(None);
    let is_elsewhere = Origin::of(&target) != Origin::of(repository);
    let shown = String::from(target);
    let new = shown.strip_suffix(FIRST);
    Some(RedirectTarget {
        is_repository: new.is_some(),
        shown: new.unwrap_or(&shown).chars().take(300).collect(),
        is_elsewhere,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(location: &str) -> RedirectTarget {
        target(location, &"https://git.example/old/name".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_new_address_is_that_of_the_repository() {
        let query = "?service=git-upload-pack";
        for (location, shown, is_elsewhere) in [
            (
                "https://git.example/new/name.git/info/refs",
                "https://git.example/new/name.git",
                false,
            ),
            ("/new/name/info/refs", "https://git.example/new/name", false),
            (
                "//other.example/a/info/refs",
                "https://other.example/a",
                true,
            ),
            (
                "http://git.example/a/info/refs",
                "http://git.example/a",
                true,
            ),
            (
                "https://u:p@git.example/a/info/refs",
                "https://git.example/a",
                false,
            ),
        ] {
            let target = led(&format!("{location}{query}"));
            assert_eq!(
                (target.shown.as_str(), target.is_elsewhere),
                (shown, is_elsewhere)
            );
            assert!(target.is_repository);
        }
    }

    #[test]
    fn a_login_page_is_no_new_address() {
        let target = led("https://git.example/users/sign_in?to=x");
        assert_eq!(target.shown, "https://git.example/users/sign_in");
        assert!(!target.is_repository);
    }
}
