//! The whole file, checked, with its defaults filled in.

use std::str::FromStr;

use branch::BranchName;
use contract::{Commit, InvalidReference, Platform, Reference};

use crate::{
    Environment, InvalidFile, TagTemplate,
    environment::{checked, optional},
    file::{EnvironmentFile, RunbookFile, Text, options},
};

/// `.github/runbook.yaml`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runbook {
    /// The image's name without a tag: `ghcr.io/data-literate/dex`.
    image: String,
    /// How the image of a commit is tagged.
    pub tag: TagTemplate,
    /// The repository with the overlays, `OWNER/NAME`; `None` for that of the file.
    pub repository: Option<String>,
    /// The repository with the code, `OWNER/NAME`; `None` for that of the file.
    pub source_repository: Option<String>,
    /// The platforms that the image must have; when empty, each one that it has must be complete.
    pub platforms: Vec<Platform>,
    /// Host and port of the Argo CD server.
    pub argocd_server: Option<String>,
    /// The Argo CD project of the applications.
    pub argocd_project: Option<String>,
    /// The addresses of every Alertmanager of the cluster.
    pub alertmanager: Vec<String>,
    /// The address of the Prometheus that sends the alerts.
    pub prometheus: Option<String>,
    /// Paths of the workflows that have to pass.
    pub workflows: Vec<String>,
    /// Names of the check runs and commit statuses that have to pass.
    pub ci_checks: Vec<String>,
    /// The environments in the order of the file; never empty, each with its own name, and with its
    /// own overlay on its branch.
    pub environments: Vec<Environment>,
}

impl Runbook {
    /// Returns the image of a commit, by the fewest digits that the template allows.
    ///
    /// # Errors
    /// Never for a checked file.
    pub fn image_of(&self, commit: &Commit) -> Result<Reference, InvalidReference> {
        format!("{}:{}", self.image, self.tag.tag(commit)).parse()
    }

    /// Returns the environments that deploy commits of this branch.
    pub fn of_branch(&self, branch: &BranchName) -> Vec<&Environment> {
        let deploys = |environment: &&Environment| environment.branch == *branch;
        self.environments.iter().filter(deploys).collect()
    }

    /// Returns the environment of this name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.name == name)
    }
}

impl FromStr for Runbook {
    type Err = InvalidFile;

    fn from_str(text: &str) -> Result<Self, InvalidFile> {
        let file: RunbookFile = serde_saphyr::from_str_with_options(text, options())?;
        let image = image(&file.image)?;
        let last = image.rsplit('/').next().unwrap_or(&image).to_lowercase();
        let at = file.environments.referenced;
        let environments = environments(file.environments.value, &last)?;
        if environments.is_empty() {
            return Err(InvalidFile::at(at, "there is no environment"));
        }
        Ok(Self {
            tag: parsed(&file.tag)?,
            repository: optional(file.repository.as_ref(), is_repository, REPOSITORY)?,
            source_repository: optional(
                file.source_repository.as_ref(),
                is_repository,
                REPOSITORY,
            )?,
            platforms: file
                .platforms
                .iter()
                .map(parsed)
                .collect::<Result<_, _>>()?,
            argocd_server: file.argocd.server,
            argocd_project: file.argocd.project,
            alertmanager: file
                .alertmanager
                .iter()
                .map(url)
                .collect::<Result<_, _>>()?,
            prometheus: file.prometheus.as_ref().map(url).transpose()?,
            workflows: file.ci.workflows,
            ci_checks: file.ci.checks,
            environments,
            image,
        })
    }
}

/// Reads the image's name. A tag would be a second answer to which image a commit has.
fn image(given: &Text) -> Result<String, InvalidFile> {
    let fault = match given.value.parse::<Reference>() {
        Err(InvalidReference::Unpinned(name)) => return Ok(name),
        Err(error) => error.to_string(),
        Ok(_) => format!(
            "`{}` has a tag or a digest: write the name alone, and the tag under `tag`",
            given.value
        ),
    };
    Err(InvalidFile::at(given.referenced, fault))
}

fn environments(files: Vec<EnvironmentFile>, image: &str) -> Result<Vec<Environment>, InvalidFile> {
    let mut environments: Vec<Environment> = Vec::new();
    for file in files {
        let at = file.name.referenced;
        let new = Environment::new(file, image)?;
        for earlier in &environments {
            if earlier.name == new.name {
                let fault = format!("the environment `{}` stands there twice", new.name);
                return Err(InvalidFile::at(at, fault));
            }
            // Another branch may keep another environment at the same path.
            if earlier.overlay == new.overlay && earlier.branch == new.branch {
                let fault = format!(
                    "`{}` and `{}` have the same overlay `{}`",
                    earlier.name, new.name, new.overlay
                );
                return Err(InvalidFile::at(at, fault));
            }
        }
        environments.push(new);
    }
    Ok(environments)
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &Text) -> Result<T, InvalidFile> {
    let value = text.value.parse();
    value.map_err(|error| InvalidFile::at(text.referenced, error))
}

const REPOSITORY: &str = "`OWNER/NAME`";
const URL: &str = "an address that begins with `https://` or `http://`";

fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(valid)
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

fn url(text: &Text) -> Result<String, InvalidFile> {
    checked(text, is_url, URL).map(|url| url.trim_end_matches('/').to_owned())
}

/// Credentials in a file that everybody reads are none: secrets come from the environment.
fn is_url(text: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| {
        !host.is_empty()
            && !host.starts_with('/')
            && !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Approval, Check};

    const SHORT: &str = "\
image: ghcr.io/data-literate/dex
tag: sha-{sha:8}                        # how the image of a commit is tagged
environments:
  - { name: dev, branch: dev }
  - { name: stage, branch: main }
  - { name: prod, branch: main, checks: [ci, image, alerts, approval] }
";

    fn parse(text: &str) -> Runbook {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn refusal(text: &str) -> String {
        match text.parse::<Runbook>() {
            Ok(runbook) => panic!("{runbook:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_short_form_has_every_default() {
        let runbook = parse(SHORT);
        let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".parse().unwrap();
        let image = runbook.image_of(&commit).unwrap();
        assert_eq!(image.to_string(), "ghcr.io/data-literate/dex:sha-1a2b3c4d");
        let stage = runbook.environment("stage").unwrap();
        let expected = Environment {
            name: "stage".to_owned(),
            branch: "main".parse().unwrap(),
            overlay: "infra/argocd/overlays/stage".to_owned(),
            app: "dex-stage".to_owned(),
            namespace: "dex-stage".to_owned(),
            workload: "deployment/dex".to_owned(),
            checks: vec![Check::Ci, Check::Image, Check::Alerts],
            approval: Approval {
                required: 1,
                exclude_committers: false,
            },
            severity: vec!["critical".to_owned(), "page".to_owned()],
            soak: None,
            timeout: None,
        };
        assert_eq!(stage, &expected);
        let names = |branch: &str| -> Vec<String> {
            let environments = runbook.of_branch(&branch.parse().unwrap());
            environments.iter().map(|one| one.name.clone()).collect()
        };
        assert_eq!(names("main"), ["stage", "prod"]);
        assert_eq!(names("dev"), ["dev"]);
        assert!(names("feature").is_empty());
    }

    #[test]
    fn the_long_form_says_everything() {
        let runbook = parse(
            "\
repository: data-literate/DEX
source-repository: data-literate/DEX
image: GHCR.io/Data-Literate/DEX
tag: '{sha}'
platforms: [linux/amd64, linux/aarch64]
argocd: { server: argocd.example.org, project: default }
alertmanager: ['https://alerts.example.org/']
prometheus: http://127.0.0.1:9090
ci: { workflows: [.github/workflows/ci.yml], checks: [lint] }
environments:
  - name: prod
    branch: main
    overlay: deploy/prod/
    app: argo-apps/dex
    workload: statefulset/dex
    checks: [ci]
    approval: { required: 2, exclude-committers: true }
    alerts: { severity: [page] }
    soak: 60s
    timeout: 20m
",
        );
        let prod = &runbook.environments[0];
        assert_eq!(runbook.platforms[1].to_string(), "linux/arm64");
        assert_eq!(runbook.alertmanager, ["https://alerts.example.org"]);
        assert_eq!(
            (prod.overlay.as_str(), prod.namespace.as_str()),
            ("deploy/prod", "dex")
        );
        assert_eq!(
            (prod.app.as_str(), prod.checks.as_slice()),
            ("argo-apps/dex", &[Check::Ci][..])
        );
        assert_eq!(prod.approval.required, 2);
        assert_eq!(prod.soak, Some(std::time::Duration::from_secs(60)));
        let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".parse().unwrap();
        assert!(runbook.image_of(&commit).unwrap().was_lowered());
    }

    #[test]
    fn an_unknown_key_is_refused_with_line_and_suggestion() {
        for (from, to, expected) in [
            (
                "environments:",
                "enviroments:",
                "line 3: unknown key `enviroments`; did you mean `environments`?",
            ),
            (
                "branch: dev }",
                "branch: dev, overlays: x }",
                "line 4: unknown key `overlays`; did you mean `overlay`?",
            ),
            (
                "branch: dev }",
                "branch: dev, zzz: x }",
                "line 4: unknown key `zzz`",
            ),
            (
                "alerts, approval]",
                "alerts, aproval]",
                "line 6: `aproval` is not one of ci, image, alerts, approval; did you mean `approval`?",
            ),
        ] {
            assert_eq!(refusal(&SHORT.replace(from, to)), expected);
        }
    }

    /// Replaces a part of the short form, and checks how the refusal begins.
    fn refuses(from: &str, to: &str, expected: &str) {
        let refusal = refusal(&SHORT.replacen(from, to, 1));
        assert!(refusal.starts_with(expected), "{to}: {refusal}");
    }

    #[test]
    fn an_invalid_image_or_name_is_refused_with_its_line() {
        let image = "ghcr.io/data-literate/dex";
        refuses(
            image,
            "ghcr.io/a/b:v1",
            "line 1: `ghcr.io/a/b:v1` has a tag",
        );
        refuses(
            image,
            "ghcr.io//dex",
            "line 1: `ghcr.io//dex` is not an image name",
        );
        refuses(
            "sha-{sha:8} ",
            "latest ",
            "line 2: `latest` does not name the commit",
        );
        refuses(
            "name: dev",
            "name: Dev",
            "line 4: `Dev` is invalid: expected lowercase",
        );
        let twice = "line 6: the environment `prod` stands there twice";
        refuses("name: stage", "name: prod", twice);
        let same = "name: stage, overlay: infra/argocd/overlays/prod,";
        refuses(
            "name: stage,",
            same,
            "line 6: `stage` and `prod` have the same overlay",
        );
        let key = "line 2: the key `image` stands there twice";
        refuses("image:", "image: ghcr.io/a/b\nimage:", key);
    }

    #[test]
    fn an_invalid_value_of_an_environment_is_refused_with_its_line() {
        refuses(
            "branch: dev }",
            "branch: a..b }",
            "line 4: `a..b` is not a valid branch name",
        );
        for (setting, expected) in [
            (
                "overlay: ../x",
                "line 4: `../x` is invalid: expected a folder",
            ),
            ("overlay: /x", "line 4: `/x` is invalid: expected a folder"),
            (
                "workload: dex",
                "line 4: `dex` is invalid: expected `kind/name`",
            ),
            ("soak: 60", "line 4: `60` is not a duration"),
            (
                "checks: []",
                "line 4: an empty list of checks would pass everything",
            ),
            (
                "checks: [ci, ci]",
                "line 4: the check `ci` stands there twice",
            ),
            (
                "approval: { required: 0 }",
                "line 4: 0 approvals are no approval",
            ),
        ] {
            refuses(
                "branch: dev }",
                &format!("branch: dev, {setting} }}"),
                expected,
            );
        }
    }

    #[test]
    fn an_invalid_address_is_refused_with_its_line() {
        for (setting, expected) in [
            (
                "repository: dex",
                "line 3: `dex` is invalid: expected `OWNER/NAME`",
            ),
            (
                "alertmanager: [a.example]",
                "line 3: `a.example` is invalid",
            ),
            (
                "prometheus: 'https://u:p@prom'",
                "line 3: `https://u:p@prom` is invalid",
            ),
            (
                "platforms: [linux/amd46]",
                "line 3: `linux/amd46` is not a known platform",
            ),
        ] {
            refuses(
                "environments:",
                &format!("{setting}\nenvironments:"),
                expected,
            );
        }
    }

    #[test]
    fn a_text_that_is_no_such_file_is_refused() {
        let bomb = (0..9).fold("a0: &a0 [x, x, x]\n".to_owned(), |text, level| {
            let aliases = vec![format!("*a{level}"); 9].join(", ");
            format!("{text}a{0}: &a{0} [{aliases}]\n", level + 1)
        });
        let deep = "[".repeat(100_000);
        for (text, expected) in [
            ("", "line 1: unexpected end of input"),
            ("- a\n", "line 1: "),
            ("image: a\n\ttag: b\n", "found a tab"),
            (
                "environments: []\nimage: a/b\ntag: '{sha}'\n",
                "line 1: there is no environment",
            ),
            (
                "image: ghcr.io/a/b\ntag: '{sha}'\n",
                "the key `environments` is missing",
            ),
            ("image: [a]\n", "line 1: "),
            (bomb.as_str(), "line 1: "),
            (deep.as_str(), "line 1: "),
        ] {
            let refusal = refusal(text);
            let shown: String = text.chars().take(40).collect();
            assert!(refusal.contains(expected), "{shown}: {refusal}");
            assert!(!refusal.contains('\n') && refusal.len() < 300, "{refusal}");
        }
    }

    /// An alias bomb below a known key ends at the budget of the parser.
    #[test]
    fn an_alias_bomb_ends_at_the_budget() {
        let mut text = "platforms:\n  - &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 0..20 {
            let aliases = vec![format!("*a{level}"); 9].join(", ");
            text += &format!("  - &a{} [{aliases}]\n", level + 1);
        }
        assert!(!refusal(&(text + SHORT)).is_empty());
    }

    #[cfg(feature = "schema")]
    #[test]
    fn the_schema_has_every_key_and_no_other() {
        let schema = crate::schema();
        assert_eq!(schema["additionalProperties"], false);
        let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        for key in ["image", "tag", "source-repository", "environments", "ci"] {
            assert!(keys.contains(&&key.to_owned()), "{key}: {keys:?}");
        }
    }
}
