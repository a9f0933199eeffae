//! The binary, with real git remotes and a checkout.

use lab::{FakeGitHub, GitRemote, HermeticCommand, repo::TreeChange};
use serde_json::json;

const RUNBOOK: &str = "\
image: ghcr.io/data-literate/dex
tag: sha-{sha:8}
environments:
  - { name: dev, branch: dev }
  - { name: stage, branch: main }
  - { name: prod, branch: main, checks: [ci, image, alerts, approval], soak: 60s }
";
const PATH: &str = ".github/runbook.yaml";
const OVERLAY: &str = "infra/argocd/overlays/prod/kustomization.yaml";

/// A repository with a runbook, a commit of code and the commit of a bump.
struct Source {
    remote: GitRemote,
    code: String,
    bump: String,
}

impl Source {
    fn new(runbook: &str) -> Self {
        let remote = GitRemote::new();
        let files = [
            (PATH, runbook, false),
            ("src/main.rs", "1\n", false),
            (OVERLAY, "1\n", false),
        ];
        let code = remote.commit("main", &files, "feat: start\n");
        let bump = remote.commit("main", &[(OVERLAY, "2\n", false)], "chore: bump\n");
        Self { remote, code, bump }
    }

    fn plan(&self, commit: &str) -> HermeticCommand {
        HermeticCommand::new(env!("CARGO_BIN_EXE_plan-deploy")).args([
            "--source-commit",
            commit,
            "--source-repository",
            &self.remote.url(),
        ])
    }
}

#[test]
fn a_commit_deploys_the_environments_of_its_branch() {
    let source = Source::new(RUNBOOK);
    let run = source
        .plan(&source.code)
        .args(["--source-branch", "main", "--format", "json"])
        .run();
    let (document, image) = (
        run.json(),
        format!("ghcr.io/data-literate/dex:sha-{}", &source.code[..8]),
    );
    assert_eq!(
        (run.code, &document["verdict"]),
        (0, &json!("passed")),
        "{run}"
    );
    let facts = &document["facts"];
    assert_eq!(
        (&facts["image"], &facts["skip"]),
        (&json!(image), &json!(false))
    );
    assert_eq!(facts["names"], json!(["stage", "prod"]));
    let prod = json!({
        "name": "prod", "branch": "main", "overlay": "infra/argocd/overlays/prod",
        "app": "dex-prod", "namespace": "dex-prod", "workload": "deployment/dex",
        "checks": ["ci", "image", "alerts", "approval"], "soak": "60s",
    });
    assert_eq!(facts["environments"][1], prod);
}

#[test]
fn a_commit_of_a_bump_deploys_nothing() {
    let source = Source::new(RUNBOOK);
    let run = source
        .plan(&source.bump)
        .args(["--source-branch", "main"])
        .run();
    let summary = format!(
        "unchanged: {} changes only infra/argocd/overlays/prod: nothing to deploy\n",
        &source.bump[..8]
    );
    assert_eq!(
        (run.code, run.stderr.as_str(), run.stdout.as_str()),
        (0, &*summary, ""),
        "{run}"
    );
}

#[test]
fn a_merge_counts_by_what_it_brings_to_the_branch() {
    let source = Source::new(RUNBOOK);
    let code = [TreeChange::file("src/main.rs", "2\n")];
    source.remote.change("side", &code, "feat: two\n");
    source
        .remote
        .commit("main", &[(OVERLAY, "3\n", false)], "chore: bump\n");
    let merge = source.remote.merge("side", "main", "merge\n");
    let run = source.plan(&merge).args(["--source-branch", "main"]).run();
    assert_eq!((run.code, run.stdout.contains("sha-")), (0, true), "{run}");
}

#[test]
fn names_select_environments_of_one_branch() {
    let source = Source::new(RUNBOOK);
    for (flags, expected) in [
        (&["--environment", "prod"][..], "deploys prod with"),
        (&["--environment", "prod,stage"], "deploys stage, prod with"),
        (
            &["--environment", "prod", "--source-branch", "main"],
            "deploys prod with",
        ),
        (
            &["--environment", "qa", "--source-branch", "main"],
            "`--environment qa` is unknown",
        ),
        (
            &["--environment", "dev,prod", "--source-branch", "main"],
            "`dev` deploys from branch `dev`, not from `main`",
        ),
        (&["--environment", "prod,prod"], "given twice"),
        (&[], "required"),
    ] {
        let config = source.plan(&source.code);
        std::fs::write(config.home().join("runbook.yaml"), RUNBOOK).unwrap();
        let run = config.args(["--config", "runbook.yaml"]).args(flags).run();
        assert!(run.stderr.contains(expected), "{flags:?}: {run}");
        assert_eq!(
            run.code,
            if expected.starts_with("deploys") {
                0
            } else {
                2
            },
            "{run}"
        );
    }
}

#[test]
fn a_branch_without_an_environment_refuses() {
    let source = Source::new(RUNBOOK);
    source.remote.change("feature", &[], "feat: x\n");
    let run = source
        .plan(&source.code)
        .args(["--source-branch", "feature"])
        .run();
    let expected = "refused: no environment deploys from branch `feature` [no-environment]\n\
                    hint: `.github/runbook.yaml` says: dev deploys from `dev`, stage deploys from \
                    `main`, prod deploys from `main`; run this step for these branches only\n";
    assert_eq!(
        (run.code, run.stderr.starts_with(expected)),
        (10, true),
        "{run}"
    );
}

/// Everyone who may push a branch could otherwise name the image, and the registry that gets the
/// password.
#[test]
fn a_branch_does_not_choose_what_it_deploys() {
    let source = Source::new(RUNBOOK);
    let server = FakeGitHub::new(&source.remote);
    let runbook = RUNBOOK.replace("branch: main", "branch: feature");
    let runbook = runbook.replace("ghcr.io", "evil.example");
    let commit = source
        .remote
        .commit("feature", &[(PATH, &runbook, false)], "feat: mine\n");
    let through_git = source.plan(&commit);
    let through_api = HermeticCommand::new(env!("CARGO_BIN_EXE_plan-deploy"))
        .args(["--source-commit", &commit])
        .args(["--source-repository", "example/dex"])
        .env("GITHUB_API_URL", server.api_url())
        .env("GITHUB_TOKEN", server.token_with(&["contents: read"]));
    for command in [through_git, through_api] {
        let run = command.args(["--source-branch", "feature"]).run();
        assert_eq!(
            (run.code, run.stderr.contains("[no-environment]")),
            (10, true),
            "{run}"
        );
        assert!(!run.stderr.contains("evil.example"), "{run}");
    }
}

/// GitHub names the branch of a fork as that of its pull request, and shows a fork's commits in the
/// repository itself.
#[test]
fn a_commit_that_is_not_on_the_branch_deploys_nothing() {
    let source = Source::new(RUNBOOK);
    let server = FakeGitHub::new(&source.remote);
    let code = [TreeChange::file("src/main.rs", "stranger\n")];
    source.remote.change("fork", &code, "feat: mine\n");
    let stranger = source.remote.tip("fork");
    for flags in [
        &["--source-branch", "main"][..],
        &["--environment", "prod", "--source-branch", "main"],
        &["--environment", "prod", "--config", "runbook.yaml"],
    ] {
        let through_git = source.plan(&stranger);
        let through_api = HermeticCommand::new(env!("CARGO_BIN_EXE_plan-deploy"))
            .args(["--source-commit", &stranger])
            .args(["--source-repository", "example/dex"])
            .env("GITHUB_API_URL", server.api_url())
            .env("GITHUB_TOKEN", server.token_with(&["contents: read"]));
        for command in [through_git, through_api] {
            std::fs::write(command.home().join("runbook.yaml"), RUNBOOK).unwrap();
            let run = command.args(flags).run();
            assert_eq!(
                (run.code, run.stderr.contains("[commit-not-on-branch]")),
                (10, true),
                "{flags:?}: {run}"
            );
            assert_eq!(run.stdout, "", "{run}");
        }
    }
}

#[test]
fn a_missing_commit_branch_or_file_is_named() {
    let source = Source::new(RUNBOOK);
    let absent = "1".repeat(40);
    for (commit, branch, code, expected) in [
        (&absent, "main", 10, "[commit-missing]"),
        (&source.code, "gone", 10, "[no-environment]"),
        (&source.code, "dev", 10, "[branch-missing]"),
        (&source.code[..8].to_owned(), "main", 2, "40"),
    ] {
        let run = source.plan(commit).args(["--source-branch", branch]).run();
        assert_eq!(
            (run.code, run.stderr.contains(expected)),
            (code, true),
            "{run}"
        );
    }
    source
        .remote
        .change("main", &[TreeChange::delete(PATH)], "chore: no runbook\n");
    let run = source
        .plan(&source.code)
        .args(["--source-branch", "main"])
        .run();
    assert_eq!(
        (
            run.code,
            run.stderr.contains("has no `.github/runbook.yaml`")
        ),
        (2, true),
        "{run}"
    );
}

#[test]
fn an_invalid_file_is_refused_with_its_line() {
    let source = Source::new(&RUNBOOK.replace("soak", "soka"));
    let run = source
        .plan(&source.code)
        .args(["--source-branch", "main"])
        .run();
    assert_eq!(run.code, 2, "{run}");
    let expected = "line 6: unknown key `soka`; did you mean `soak`?";
    assert!(run.stderr.contains(expected), "{run}");
}

#[test]
fn the_file_is_found_from_any_folder_of_the_checkout() {
    let source = Source::new("image: x\n");
    let command = source.plan(&source.code).args(["--environment", "prod"]);
    let home = command.home().to_owned();
    for folder in ["repo/.github", "repo/.git", "repo/deep/er"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    std::fs::write(home.join("repo").join(PATH), RUNBOOK).unwrap();
    // Above the checkout: another one's.
    std::fs::create_dir_all(home.join(".github")).unwrap();
    std::fs::write(home.join(PATH), "image: y\n").unwrap();
    let run = command.current_dir(home.join("repo/deep/er")).run();
    assert_eq!(
        (run.code, run.stderr.contains("deploys prod")),
        (0, true),
        "{run}"
    );
}

#[test]
fn github_answers_with_contents_read_alone() {
    let source = Source::new(RUNBOOK);
    let server = FakeGitHub::new(&source.remote);
    let plan = |commit: &str, permissions: &[&str]| {
        HermeticCommand::new(env!("CARGO_BIN_EXE_plan-deploy"))
            .args(["--source-commit", commit, "--source-branch", "main"])
            .args(["--source-repository", "example/dex"])
            .env("GITHUB_API_URL", server.api_url())
            .env("GITHUB_TOKEN", server.token_with(permissions))
            .run()
    };
    let run = plan(&source.code, &["contents: read"]);
    assert_eq!(
        (run.code, run.stderr.contains("deploys stage, prod")),
        (0, true),
        "{run}"
    );
    let run = plan(&source.bump, &["contents: read"]);
    assert_eq!(
        (run.code, run.stderr.contains("nothing to deploy")),
        (0, true),
        "{run}"
    );
    let run = plan(&"1".repeat(40), &["contents: read"]);
    assert_eq!(
        (run.code, run.stderr.contains("[commit-missing]")),
        (10, true),
        "{run}"
    );
    let run = plan(&source.code, &["metadata: read"]);
    assert_eq!(
        (run.code, run.stderr.contains("contents: read")),
        (21, true),
        "{run}"
    );
}

#[test]
fn an_upper_case_owner_is_lowered_with_a_notice() {
    let source = Source::new(&RUNBOOK.replace("data-literate/dex", "Data-Literate/DEX"));
    let run = source
        .plan(&source.code)
        .args(["--source-branch", "main"])
        .run();
    assert!(
        run.stdout.starts_with("ghcr.io/data-literate/dex:sha-"),
        "{run}"
    );
    assert!(run.stderr.contains("lowercase"), "{run}");
}

#[test]
fn help_shows_every_flag() {
    let run = HermeticCommand::new(env!("CARGO_BIN_EXE_plan-deploy"))
        .arg("--help")
        .run();
    assert_eq!(run.code, 0, "{run}");
    insta::assert_snapshot!(run.stdout);
}
