//! Counts the pages of lists: a server may name a next page for ever, even of empty ones.

use std::{cell::RefCell, collections::BTreeMap};

use http::Uri;

/// The most pages of a list: a list of 100,000 objects has 200.
pub(crate) const MAX_PAGES: usize = 300;

/// The pages of each list that followed its first one.
#[derive(Debug, Default)]
pub(crate) struct ListPages(RefCell<BTreeMap<String, usize>>);

impl ListPages {
    /// Counts the page that a request asks for, and returns whether its list has too many.
    pub(crate) fn has_too_many(&self, request: &Uri) -> bool {
        let query = request.query().unwrap_or_default();
        let mut pages = self.0.borrow_mut();
        if !query.split('&').any(|part| part.starts_with("continue=")) {
            pages.remove(request.path());
            return false;
        }
        let count = pages.entry(request.path().to_owned()).or_insert(1);
        *count += 1;
        *count > MAX_PAGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_an_end_has_too_many_pages() {
        let pages = ListPages::default();
        let ask = |uri: &str| pages.has_too_many(&uri.parse().unwrap());
        for _ in 0..2 {
            assert!(!ask("/api/v1/pods?limit=500"), "a list begins again");
            let next = || ask("/api/v1/pods?limit=500&continue=x");
            assert_eq!((0..MAX_PAGES).position(|_| next()), Some(MAX_PAGES - 1));
        }
        assert!(!ask("/apis/apps/v1/deployments?limit=500&continue=x"));
    }
}
