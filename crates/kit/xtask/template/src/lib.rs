//! Check that a file exists.
//!
//! TODO: say which mistake of a deployment this step prevents.

mod judge;
mod observe;
pub mod reasons;
mod report;
mod request;

use std::path::PathBuf;

use contract::{Failure, Permission, Reason, Report, SecretVariable, Step, World};

use self::request::Request;

/// The step.
#[derive(Debug)]
pub struct CheckSample;

/// The flags of `check-sample`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File to check, below the working directory
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

contract::facts! {
    /// The facts of `check-sample`.
    pub struct Facts {
        /// Size of the file in bytes.
        pub size: Option<u64>,
    }
}

impl Step for CheckSample {
    const NAME: &'static str = "check-sample";
    const SENTENCE: &'static str = "Check that a file exists";
    const TIMEOUT: &'static str = "0";
    const REASONS: &'static [Reason] = reasons::ALL;
    const PERMISSIONS: &'static [Permission] = &[];
    const SECRETS: &'static [SecretVariable] = &[];
    const EXAMPLE: &'static str = "\
with:
  file: infra/argocd/overlays/prod/kustomization.yaml";
    const EXAMPLES: &'static [&'static str] = &["# Check a file of the checkout\n\
         check-sample --file infra/argocd/overlays/prod/kustomization.yaml"];

    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let request = Request::new(args)?;
        let observation = observe::observe(&request, world)?;
        let judgement = judge::judge(&request, &observation);
        Ok(report::report(&request, &judgement))
    }
}
