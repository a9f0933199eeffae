//! One environment, with its defaults filled in.

use std::time::Duration;

use branch::BranchName;
use contract::parse_timeout;

use crate::{
    Check, InvalidFile,
    file::{EnvironmentFile, Text},
};

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name: `prod`.
    pub name: String,
    /// The branch whose commits it deploys, and whose overlay is written.
    pub branch: BranchName,
    /// The folder of its kustomization, from the root of the repository.
    pub overlay: String,
    /// Its Argo CD application, `NAME` or `NAMESPACE/NAME`.
    pub app: String,
    /// Its namespace.
    pub namespace: String,
    /// The workload that runs the image: `deployment/dex`.
    pub workload: String,
    /// The checks before a deployment; never empty.
    pub checks: Vec<Check>,
    /// The approval that [`Check::Approval`] asks for.
    pub approval: Approval,
    /// Values of the label `severity` of alerts that stop a deployment; never empty.
    pub severity: Vec<String>,
    /// How long all pods have to stay ready; `None` for the default of `verify-pods`.
    pub soak: Option<Duration>,
    /// How long a deployment may take; `None` for the defaults of the steps.
    pub timeout: Option<Duration>,
}

/// The approval that a deployment needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// How many people with write access have to approve; at least 1.
    pub required: u32,
    /// Whether the approval of a person who committed to the pull request is left out.
    pub exclude_committers: bool,
}

impl Environment {
    /// Checks an environment and fills in its defaults; `image` is the last part of the image's
    /// name.
    pub(crate) fn new(file: EnvironmentFile, image: &str) -> Result<Self, InvalidFile> {
        let name = checked(&file.name, is_name, NAME)?;
        let branch = file.branch.value.parse();
        let branch = branch.map_err(|error| InvalidFile::at(file.branch.referenced, error))?;
        let app = optional(file.app.as_ref(), is_word, WORD)?.unwrap_or(format!("{image}-{name}"));
        let namespace = optional(file.namespace.as_ref(), is_name, NAME)?;
        // An application is `NAME`, or `NAMESPACE/NAME` outside Argo CD's own namespace.
        let own_namespace = || app.rsplit('/').next().unwrap_or(&app).to_owned();
        Ok(Self {
            overlay: optional(file.overlay.as_ref(), is_folder, FOLDER)?
                .map(|folder| folder.trim_end_matches('/').to_owned())
                .unwrap_or_else(|| default_overlay(&name)),
            workload: optional(file.workload.as_ref(), is_workload, WORKLOAD)?
                .unwrap_or(format!("deployment/{image}")),
            namespace: namespace.unwrap_or_else(own_namespace),
            checks: checks(&file)?,
            approval: approval(&file)?,
            severity: severity(file.alerts.severity),
            soak: duration(file.soak.as_ref())?,
            timeout: duration(file.timeout.as_ref())?,
            name,
            branch,
            app,
        })
    }
}

/// The overlay of an environment whose file does not name it.
pub(crate) fn default_overlay(name: &str) -> String {
    format!("infra/argocd/overlays/{name}")
}

const NAME: &str = "lowercase letters, digits and `-`, as `prod`";
const WORD: &str = "a name without blanks, as `dex-prod`";
const FOLDER: &str = "a folder from the root of the repository, as `infra/argocd/overlays/prod`";
const WORKLOAD: &str = "`kind/name`, as `deployment/dex`";

/// Returns the text, if it keeps its rule.
pub(crate) fn checked(
    text: &Text,
    rule: fn(&str) -> bool,
    expected: &str,
) -> Result<String, InvalidFile> {
    if rule(&text.value) {
        return Ok(text.value.clone());
    }
    let fault = format!("`{}` is invalid: expected {expected}", text.value);
    Err(InvalidFile::at(text.referenced, fault))
}

pub(crate) fn optional(
    text: Option<&Text>,
    rule: fn(&str) -> bool,
    expected: &str,
) -> Result<Option<String>, InvalidFile> {
    text.map(|text| checked(text, rule, expected)).transpose()
}

/// A DNS label, as Kubernetes requires of namespaces (RFC 1123).
fn is_name(text: &str) -> bool {
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(valid)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// A relative path within the repository: a step that writes never leaves it.
pub(crate) fn is_folder(text: &str) -> bool {
    let text = text.trim_end_matches('/');
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    !text.contains(|c: char| c.is_control() || c == '\\') && text.split('/').all(is_part)
}

fn is_workload(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, name)| is_word(kind) && is_word(name) && !name.contains('/'))
}

fn checks(file: &EnvironmentFile) -> Result<Vec<Check>, InvalidFile> {
    let Some(checks) = &file.checks else {
        return Ok(vec![Check::Ci, Check::Image, Check::Alerts]);
    };
    let repeated = checks
        .value
        .iter()
        .enumerate()
        .find(|(index, check)| checks.value[..*index].contains(check));
    let fault = match repeated {
        Some((_, check)) => format!("the check `{}` stands there twice", check.word()),
        None if checks.value.is_empty() => {
            "an empty list of checks would pass everything: name at least one check".to_owned()
        }
        None => return Ok(checks.value.clone()),
    };
    Err(InvalidFile::at(checks.referenced, fault))
}

fn approval(file: &EnvironmentFile) -> Result<Approval, InvalidFile> {
    let required = match &file.approval.required {
        Some(number) if number.value == 0 => {
            let fault = "0 approvals are no approval: remove `approval` from `checks` instead";
            return Err(InvalidFile::at(number.referenced, fault));
        }
        Some(number) => number.value,
        None => 1,
    };
    Ok(Approval {
        required,
        exclude_committers: file.approval.exclude_committers.unwrap_or(false),
    })
}

/// The default severities: paging alerts under the names that most rule sets use.
fn severity(given: Vec<String>) -> Vec<String> {
    if given.is_empty() {
        return vec!["critical".to_owned(), "page".to_owned()];
    }
    given
}

fn duration(text: Option<&Text>) -> Result<Option<Duration>, InvalidFile> {
    let parse = |text: &Text| {
        parse_timeout(&text.value).map_err(|expected| {
            let fault = format!("`{}` is not a duration: {expected}", text.value);
            InvalidFile::at(text.referenced, fault)
        })
    };
    text.map(parse).transpose()
}
