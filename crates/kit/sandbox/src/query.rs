//! The query of a request.

use std::collections::BTreeMap;

use axum::extract::Query;

/// The parameters of a query by their names.
pub(crate) type QueryParameters = Query<BTreeMap<String, String>>;
