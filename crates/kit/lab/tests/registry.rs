//! The registry is a real one, and accepts every kind of image.

use lab::image::{media, sha256};
use lab::registry::Setup;
use lab::{Image, Registry, ScriptedReply};
use reqwest::Method;

const REPO: &str = "data-literate/dex";

fn two_platforms() -> Image {
    Image::index()
        .platform("linux/amd64")
        .platform("linux/arm64")
}

#[test]
fn an_index_is_read_back_as_it_was_pushed() {
    let registry = Registry::plain();
    let revision = "org.opencontainers.image.revision";
    let image = two_platforms()
        .attestations()
        .label(revision, "9b04d52a")
        .annotation(revision, "9b04d52a");
    let pushed = image.push(&registry, REPO, "sha-9b04d52a");
    let answer = registry.manifest(REPO, "sha-9b04d52a");
    assert_eq!(sha256(&answer.body), pushed.digest);
    assert_eq!(answer.header("content-type"), Some(media::OCI_INDEX));
    let index = answer.json();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 4);
    assert_eq!(index["annotations"][revision], "9b04d52a");
    let config = registry
        .blob(REPO, &pushed.children[1].config_digest)
        .json();
    assert_eq!(config["architecture"], "arm64");
    assert_eq!(config["config"]["Labels"][revision], "9b04d52a");
    assert_eq!(
        index["manifests"][3]["annotations"]["vnd.docker.reference.digest"],
        pushed.children[1].digest
    );
}

#[test]
fn provenance_names_the_commit_in_both_schemas() {
    let registry = Registry::plain();
    let statement = |image: Image| {
        let pushed = image.push(&registry, REPO, "v1");
        let manifest = registry.manifest(REPO, &pushed.attestations[0]).json();
        registry
            .blob(REPO, manifest["layers"][0]["digest"].as_str().unwrap())
            .json()
    };
    let v1 = statement(two_platforms().provenance("9b04d52a"));
    assert_eq!(
        v1["predicate"]["runDetails"]["metadata"]["buildkit_metadata"]["vcs"]["revision"],
        "9b04d52a"
    );
    let v02 = statement(two_platforms().provenance_v02("9b04d52a"));
    let metadata = &v02["predicate"]["metadata"]["https://mobyproject.org/buildkit@v1#metadata"];
    assert_eq!(metadata["vcs"]["revision"], "9b04d52a");
}

#[test]
fn every_kind_of_image_is_accepted() {
    let registry = Registry::plain();
    let kinds = [
        (Image::single("linux/arm64"), media::OCI_MANIFEST),
        (
            Image::single("linux/arm/v7").docker(),
            media::DOCKER_MANIFEST,
        ),
        (two_platforms().docker(), media::DOCKER_LIST),
        (two_platforms().zstd().unmarked(), media::OCI_INDEX),
        (Image::helm(), media::OCI_MANIFEST),
        (Image::cosign_signature(), media::OCI_MANIFEST),
        (
            Image::artifact("application/vnd.example.thing"),
            media::OCI_MANIFEST,
        ),
        (Image::schema1(), media::DOCKER_SCHEMA1),
    ];
    for (image, media_type) in kinds {
        let pushed = image.push(&registry, REPO, "kind");
        let answer = registry.manifest(REPO, "kind");
        assert_eq!(answer.header("content-type"), Some(media_type), "{image:?}");
        assert_eq!(
            answer.header("docker-content-digest"),
            Some(&*pushed.digest),
            "{image:?}"
        );
    }
}

#[test]
fn two_builds_differ_by_their_date() {
    let build = |date| {
        two_platforms()
            .created(date)
            .build(REPO, "v1")
            .manifests
            .pop()
            .unwrap()
            .digest
    };
    assert_ne!(build("2025-01-01T00:00:00Z"), build("2025-01-02T00:00:00Z"));
    assert_eq!(build("2025-01-01T00:00:00Z"), build("2025-01-01T00:00:00Z"));
}

#[test]
fn an_index_dangles_once_its_child_is_deleted() {
    let registry = Registry::plain();
    let pushed = two_platforms().push(&registry, REPO, "v1");
    registry.delete_manifest(REPO, &pushed.children[1].digest);
    assert_eq!(registry.manifest(REPO, "v1").status, 200);
    assert_eq!(
        registry.manifest(REPO, &pushed.children[0].digest).status,
        200
    );
    assert_eq!(
        registry.manifest(REPO, &pushed.children[1].digest).status,
        404
    );
    assert_eq!(registry.digest(REPO, "v2"), None);
}

#[test]
fn the_request_count_can_be_reset() {
    let registry = Registry::plain();
    assert_eq!(registry.requests(), 0);
    Image::single("linux/amd64").push(&registry, REPO, "v1");
    registry.forget_requests();
    let _manifest = registry.manifest(REPO, "v1");
    let _manifest = registry.manifest(REPO, "v2");
    let path = "/v2/data-literate/dex/manifests";
    assert_eq!(
        registry.request_lines(),
        [format!("GET {path}/v1 200"), format!("GET {path}/v2 404")]
    );
}

#[test]
fn a_registry_requires_the_password() {
    let registry = Registry::htpasswd("ada", "lovelace");
    Image::single("linux/amd64").push(&registry, REPO, "v1");
    assert_eq!(status(&get(&registry, "v1", &[])), 401);
    assert_eq!(status(&get(&registry, "v1", &["-u", "ada:byron"])), 401);
    assert_eq!(status(&get(&registry, "v1", &["-u", "ada:lovelace"])), 200);
}

#[test]
fn clients_trust_the_authority_they_are_given() {
    let registry = Setup::default().tls().htpasswd("ada", "lovelace").start();
    Image::single("linux/amd64").push(&registry, REPO, "v1");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, registry.ca_pem()).unwrap();
    assert_eq!(get(&registry, "v1", &["-u", "ada:lovelace"]).code, 60);
    let trusted = get(
        &registry,
        "v1",
        &["-u", "ada:lovelace", "--cacert", ca.to_str().unwrap()],
    );
    assert_eq!(status(&trusted), 200);
}

#[test]
fn tokens_need_a_password_unless_public() {
    let registry = Registry::token("ada", "lovelace");
    Image::single("linux/amd64").push(&registry, REPO, "v1");
    assert_eq!(registry.tokens().requests(), 0);
    assert_eq!(status(&get(&registry, "v1", &[])), 401);
    assert_eq!(buy(&registry, &[]).code, 22);
    assert_eq!(buy(&registry, &["-u", "ada:byron"]).code, 22);
    let sold = buy(&registry, &["-u", "ada:lovelace"]);
    let bearer = format!(
        "Authorization: Bearer {}",
        sold.json()["token"].as_str().unwrap()
    );
    assert_eq!(status(&get(&registry, "v1", &["-H", &bearer])), 200);
    registry.tokens().allow_anonymous(REPO);
    assert_eq!(buy(&registry, &[]).code, 0);
    registry.tokens().refuse_credentials();
    assert_eq!(buy(&registry, &["-u", "ada:lovelace"]).code, 22);
    assert_eq!(buy(&registry, &[]).code, 0);
    assert_eq!(registry.tokens().requests(), 6);
}

#[test]
fn a_known_identity_token_is_exchanged() {
    let registry = Setup::default().tls().token("ada", "lovelace").start();
    Image::single("linux/amd64").push(&registry, REPO, "v1");
    let exchange = |token: &str| {
        let form = format!(
            "grant_type=refresh_token&refresh_token={token}&scope=repository%3A{REPO}%3Apull"
        );
        buy(&registry, &["-k", "--data", &form])
    };
    assert_eq!(exchange("abc").code, 22);
    registry.tokens().accept_identity_token("abc");
    assert_eq!(exchange("abd").code, 22);
    let bearer = format!(
        "Authorization: Bearer {}",
        exchange("abc").json()["access_token"].as_str().unwrap()
    );
    assert_eq!(status(&get(&registry, "v1", &["-k", "-H", &bearer])), 200);
}

#[test]
fn a_token_server_fails_as_often_as_told() {
    let registry = Registry::token("ada", "lovelace");
    registry.tokens().answer_next([
        ScriptedReply::html(503),
        ScriptedReply::registry_error(403, "DENIED", "denied"),
    ]);
    let codes = [(); 3].map(|()| buy(&registry, &["-u", "ada:lovelace"]).code);
    assert_eq!(codes, [22, 22, 0]);
    registry.tokens().answer_always(ScriptedReply::html(503));
    assert_eq!(buy(&registry, &["-u", "ada:lovelace"]).code, 22);
}

#[test]
fn a_missing_program_names_its_package() {
    let this = std::env::current_exe().unwrap();
    let one = ["--exact", "--nocapture", "the_kit_may_send_any_request"];
    let run = lab::HermeticCommand::new(this)
        .args(one)
        .env("PATH", "/nowhere")
        .run();
    assert_eq!(run.code, 101);
    let named = |text: &str| run.stdout.contains(text) || run.stderr.contains(text);
    assert!(
        named("Debian's package `docker-registry`") && named("`cargo xtask test`"),
        "{run}"
    );
}

#[test]
fn the_kit_may_send_any_request() {
    let registry = Registry::token("ada", "lovelace");
    Image::single("linux/amd64").push(&registry, REPO, "v1");
    let tags = registry.ask(
        Method::GET,
        REPO,
        "/v2/data-literate/dex/tags/list",
        &[],
        Vec::new(),
    );
    assert_eq!(tags.json()["tags"][0], "v1");
}

/// Asks as an ordinary client does: with curl.
fn get(registry: &Registry, tag: &str, args: &[&str]) -> lab::ProgramRun {
    let url = format!("{}/v2/{REPO}/manifests/{tag}", registry.url());
    let accept = format!("Accept: {}", media::OCI_MANIFEST);
    let curl = lab::HermeticCommand::new("curl").args([
        "-sS",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        &accept,
    ]);
    curl.args(args).arg(url).run()
}

fn status(run: &lab::ProgramRun) -> u16 {
    run.stdout
        .parse()
        .unwrap_or_else(|_| panic!("no status in {run}"))
}

fn buy(registry: &Registry, args: &[&str]) -> lab::ProgramRun {
    let url = format!(
        "{}?service=lab&scope=repository:{REPO}:pull",
        registry.tokens().realm()
    );
    lab::HermeticCommand::new("curl")
        .args(["-sSf"])
        .args(args)
        .arg(url)
        .run()
}
