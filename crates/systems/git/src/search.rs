//! Whether a commit has landed, when its push got no answer.

use branch::BranchName as Name;
use contract::Commit;

use crate::{
    answers::Answer,
    folder::{REMOTE, TIP},
    objects,
    program::Call,
};

/// How far back a commit is looked for that was pushed moments ago.
const DEPTH: &str = "--depth=200";

/// Returns whether the branch's tip is the commit or has it behind it. Only commits are fetched.
pub(crate) async fn contains(call: &Call<'_>, name: &Name, commit: &Commit) -> Answer<bool> {
    let refspec = format!("+{}:{TIP}", name.full());
    let fetch = [
        "fetch",
        "--quiet",
        DEPTH,
        "--filter=tree:0",
        "--no-tags",
        "--no-write-fetch-head",
    ];
    let more = ["--recurse-submodules=no", REMOTE, &refspec];
    call.expect(&[&fetch[..], &more[..]].concat(), &[]).await?;
    let objects = call.folder.objects()?;
    let wanted = objects::id(commit)?;
    let mut open = vec![objects::id(&call.folder.tip()?)?];
    let mut seen = std::collections::HashSet::new();
    while let Some(id) = open.pop() {
        if id == wanted {
            return Ok(true);
        }
        if !seen.insert(id) {
            continue;
        }
        // What is not here is behind the depth.
        open.extend(objects::parents(&objects, id)?.unwrap_or_default());
    }
    Ok(false)
}
