//! Decides whether a freeze on the branch forbids the bump.

use std::collections::BTreeMap;

use branch::BranchName;
use environments::FreezeFinding;
use overlay::environment;

use super::edits::Edits;
use crate::observe::FreezeObservation;

/// Returns the files that must not be written, by their paths.
pub(crate) fn check(
    edits: &Edits,
    branch: Option<&BranchName>,
    observation: &FreezeObservation,
) -> BTreeMap<String, FreezeFinding> {
    let account = observation.account.as_deref();
    let Some(branch) = branch else {
        return BTreeMap::new();
    };
    let changed = edits.changed().map(|file| file.path.as_str());
    changed
        .filter_map(|path| {
            let (folder, now) = (environment(path), observation.now);
            let finding = observation
                .files
                .check(path, folder, branch, now, account)?;
            Some((path.to_owned(), finding))
        })
        .collect()
}
