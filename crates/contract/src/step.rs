//! A step: its name, its sentence, what it needs, and `run`.

use std::process::ExitCode;

use serde_json::{Map, Value};

use crate::{Failure, Invocation, Reason, Report, World, arguments, execute};

/// One step of a deployment runbook; a binary, an action and a README are made of this.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Step {
    /// Package = binary = folder = action (`check-image`).
    const NAME: &'static str;
    /// What it does, in one sentence that a user understands, imperative, without a period.
    const SENTENCE: &'static str;
    /// Default of `--timeout`: how long to wait for an answer that may still become yes (`0`, `2m`).
    const TIMEOUT: &'static str;
    /// The closed list of its own reasons; [`asking`](crate::asking) is added by itself.
    const REASONS: &'static [Reason];
    /// What it needs to be allowed to do.
    const PERMISSIONS: &'static [Permission];
    /// The secrets that it reads from the environment.
    const SECRETS: &'static [SecretVariable];
    /// One use of the action as YAML, for its README: the lines below `uses:`.
    const EXAMPLE: &'static str;
    /// Command lines for the end of `--help`, each preceded by a `# comment` line that says what it does.
    const EXAMPLES: &'static [&'static str] = &[];

    /// Its flags.
    type Args: clap::Args;
    /// Its facts.
    type Facts: Facts;

    /// Finds out, or does it.
    ///
    /// # Errors
    /// A [`Failure`] when no answer could be had.
    async fn run(args: Self::Args, world: &World) -> Result<Report, Failure>;
}

/// A step without its types: what the front door needs to start it, and what its action and its
/// README are generated from.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// [`Step::NAME`].
    pub name: &'static str,
    /// [`Step::SENTENCE`].
    pub sentence: &'static str,
    /// [`Step::EXAMPLE`].
    pub example: &'static str,
    /// [`Step::REASONS`].
    pub reasons: &'static [Reason],
    /// [`Step::PERMISSIONS`].
    pub permissions: &'static [Permission],
    /// [`Step::SECRETS`].
    pub secrets: &'static [SecretVariable],
    /// The fields of [`Step::Facts`].
    pub facts: &'static [Fact],
    /// Its command line.
    pub command: fn() -> clap::Command,
    /// Runs it and reports.
    pub start: fn(Invocation) -> ExitCode,
}

impl Registration {
    /// Registers a step.
    pub const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            sentence: S::SENTENCE,
            example: S::EXAMPLE,
            reasons: S::REASONS,
            permissions: S::PERMISSIONS,
            secrets: S::SECRETS,
            facts: S::Facts::FIELDS,
            command: arguments::command::<S>,
            start: execute::start::<S>,
        }
    }
}

/// Something a step must be allowed to do, for its README and for the hint when it is missing.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// Whose permission it is.
    pub system: System,
    /// What to write there, exactly (`contents: write`).
    pub line: &'static str,
    /// When it is needed, a lowercase fragment.
    pub when: &'static str,
}

/// The systems that grant permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// `permissions:` of a workflow's job.
    GitHub,
    /// Scope of a registry's token.
    Registry,
    /// Rights on a git remote.
    Git,
    /// Lines of Argo CD's policy (`argocd-rbac-cm`).
    ArgoCd,
    /// Rules of a Kubernetes Role in each namespace.
    Kubernetes,
}

impl System {
    /// Returns the heading for tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub, `permissions:` of the job",
            Self::Registry => "registry",
            Self::Git => "git remote",
            Self::ArgoCd => "Argo CD policy",
            Self::Kubernetes => "Kubernetes, rules of a Role in each namespace",
        }
    }
}

/// A secret that is read from the environment, never from a flag.
#[derive(Debug, Clone, Copy)]
pub struct SecretVariable {
    /// The variable (`RUNBOOK_REGISTRY_PASSWORD`).
    pub name: &'static str,
    /// The conventional variable that is read after it, if any (`GITHUB_TOKEN`).
    pub conventional: Option<&'static str>,
    /// What it is for.
    pub meaning: &'static str,
    /// Default of the action's input (`${{ github.token }}`), if any.
    pub default: Option<&'static str>,
}

/// The facts of a step: what a workflow can read as outputs.
pub trait Facts: serde::Serialize + Default {
    /// Names and meanings.
    const FIELDS: &'static [Fact];

    /// Returns the facts that are known.
    fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            _ => Map::new(),
        }
    }
}

/// One fact.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// `snake_case`, as in JSON and as an output.
    pub name: &'static str,
    /// What it is and its shape.
    pub meaning: &'static str,
}

/// For a step without facts.
#[derive(Debug, Default, serde::Serialize)]
pub struct NoFacts {}

impl Facts for NoFacts {
    const FIELDS: &'static [Fact] = &[];
}

/// Declares a step's facts once: the struct, its serialisation, and the table for the README, whose
/// sentences are the fields' docs.
#[macro_export]
macro_rules! facts {
    (
        $(#[$outer:meta])*
        pub struct $name:ident { $( $(#[doc = $doc:literal])+ pub $field:ident : $type:ty ),* $(,)? }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Default, Clone, $crate::macros::serde::Serialize)]
        #[serde(crate = "contract::macros::serde")]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: $type ),* }

        impl $crate::Facts for $name {
            const FIELDS: &'static [$crate::Fact] = &[
                $( $crate::Fact { name: stringify!($field), meaning: concat!($($doc),+) } ),*
            ];
        }
    };
}
