//! Which commit to plan, for which environments: the flags, checked.

use std::path::PathBuf;

use branch::BranchName;
use contract::{Commit, Failure};

use crate::Args;

/// Which commit to plan, for which environments.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) commit: Commit,
    /// The branch whose environments are planned; `None` when names alone select them.
    pub(crate) branch: Option<BranchName>,
    /// The names of the planned environments; when empty, all of the branch.
    pub(crate) names: Vec<String>,
    pub(crate) source_repository: Option<String>,
    pub(crate) config: Option<PathBuf>,
}

impl Request {
    /// Checks the flags.
    ///
    /// # Errors
    /// `usage` when an environment is given twice, or by an empty name.
    pub(crate) fn new(args: Args) -> Result<Self, Failure> {
        let names = args.environments;
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() || names[..index].contains(name) {
                let error = anyhow::anyhow!("`--environment {name}` is empty or given twice");
                return Err(Failure::usage(error).hinted("name each environment once"));
            }
        }
        Ok(Self {
            commit: args.source_commit,
            branch: args.source_branch,
            names,
            source_repository: args.source_repository,
            config: args.config,
        })
    }
}
