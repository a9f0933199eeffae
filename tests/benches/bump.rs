//! `cargo bench -p tests --bench bump`: the cost of a bump, next to the usual ways, in the same
//! run.
//!
//! The program is the one that is shipped (profile `dist`). Times are medians of whole processes.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints a table"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use lab::{GitRemote, overlays::SampleOverlay};
use tempfile::TempDir;

const OVERLAY: &str = "infra/argocd/overlays/prod";
/// The entry of the overlay, and the image that it deploys.
const ENTRY: &str = "example/dex";
const IMAGE: &str = "registry.example/example/dex";

const WRITERS: usize = 10;
/// The order in which ten writers deploy the commits.
const ORDER: [usize; WRITERS] = [3, 8, 1, 9, 0, 5, 7, 2, 6, 4];

fn main() {
    let bump = tests::tools::shipped("bump-overlay");
    println!(
        "{:<44} {:>12} {:>12} {:>8}",
        "", "bump-overlay", "peer", "ratio"
    );
    in_place(
        "an overlay, in place (kustomize edit)",
        &SampleOverlay::prod("sha-0").text(),
        [ENTRY, IMAGE],
        &bump,
        40,
    );
    in_place(
        "1 MiB, 5,000 images (kustomize edit)",
        &large(),
        ["registry.example/team/app4999"; 2],
        &bump,
        10,
    );
    big_repository(&bump);
    ten_overlays(&bump);
    one_image(&bump);
}

/// A kustomization of 1 MiB.
fn large() -> String {
    let mut text =
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nimages:\n".to_owned();
    for at in 0..5_000 {
        let entry = format!("- name: registry.example/team/app{at:04}\n  newTag: sha-{at:08x}");
        text.push_str(&format!(
            "{entry:<150}# set by the pipeline, as it was asked to be done on that day\n"
        ));
    }
    text
}

/// Both edit the same file, which is fresh each time.
fn in_place(title: &str, text: &str, [entry, image]: [&str; 2], bump: &Path, times: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kustomization.yaml");
    let edit = |command: &mut Command| {
        median(
            times,
            || std::fs::write(&file, text).unwrap(),
            || drop(run(command.current_dir(folder.path()))),
        )
    };
    let ours =
        edit(Command::new(bump).args(["--overlay", ".", "--image", &format!("{image}:sha-1")]));
    let set = format!("{entry}=*:sha-1");
    let theirs =
        edit(Command::new(tests::tools::program("kustomize")).args(["edit", "set", "image", &set]));
    line(title, ours, theirs);
}

/// One commit on a repository of 20,000 files over HTTP, next to a shallow clone, an edit, and a
/// push.
fn big_repository(bump: &Path) {
    let remote = GitRemote::with_files(20_000);
    start(&remote);
    let git = remote.http_open();
    let mut tag = 0;
    let mut next = || {
        tag += 1;
        format!("sha-{tag}")
    };
    let forget = || git.forget_requests();
    let ours = median(5, forget, || {
        let image = format!("{IMAGE}:{}", next());
        let mut command = Command::new(bump);
        command.args(["--overlay", OVERLAY, "--image", &image]);
        run(command.args(["--branch", "main", "--remote", &git.url()]));
    });
    let our_bytes = git.bytes_sent();
    let theirs = median(3, forget, || clone_and_push(&git.url(), &next()));
    line("20,000 files over HTTP (git clone --depth 1)", ours, theirs);
    let (ours, theirs) = (our_bytes as f64 / 1e6, git.bytes_sent() as f64 / 1e6);
    println!(
        "{:<44} {ours:>9.2} MB {theirs:>9.2} MB {:>8.3}",
        "  fetched",
        ours / theirs
    );
}

/// Commits the overlay with its first image.
fn start(remote: &GitRemote) {
    let (path, text) = (
        format!("{OVERLAY}/kustomization.yaml"),
        SampleOverlay::prod("sha-0").text(),
    );
    remote.commit("main", &[(&path, &text, false)], "start");
}

fn clone_and_push(url: &str, tag: &str) {
    let folder = TempDir::new().unwrap();
    let peer = Peer::new(url, OVERLAY, &folder);
    peer.edit(tag);
    peer.git(&["push", "--quiet", "origin", "HEAD:main"]);
}

/// Ten writers at once, each with an overlay of its own, on one branch.
fn ten_overlays(bump: &Path) {
    let overlays: Vec<String> = (0..WRITERS).map(|n| format!("overlays/e{n}")).collect();
    let (ours, theirs) = (with_overlays(&overlays), with_overlays(&overlays));
    let our_writers = at_once(|n| {
        let image = format!("{IMAGE}:sha-1");
        let mut command = Command::new(bump);
        written(
            command.args(["--overlay", &overlays[n], "--image", &image]),
            &ours,
        )
    });
    let their_writers = at_once(|n| with_retries(&theirs, &overlays[n], "sha-1"));
    let title = "10 writers, 10 overlays (pull --rebase)";
    our_writers.compare(title, &their_writers);
    numbers(
        "  most tries of one",
        our_writers.most_tries(),
        their_writers.most_tries(),
    );
    for remote in [&ours, &theirs] {
        let log = remote.log("main");
        assert!(log.len() == 1 + WRITERS && log.iter().all(|commit| commit.parents.len() < 2));
        for overlay in &overlays {
            let text = remote.file("main", &format!("{overlay}/kustomization.yaml"));
            assert_eq!(tag(&text.unwrap()), "sha-1");
        }
    }
}

fn with_overlays(folders: &[String]) -> GitRemote {
    let remote = GitRemote::new();
    let text = SampleOverlay::prod("sha-0").text();
    let path = |folder: &String| format!("{folder}/kustomization.yaml");
    let paths: Vec<String> = folders.iter().map(path).collect();
    let files: Vec<_> = paths.iter().map(|path| (&**path, &*text, false)).collect();
    remote.commit("main", &files, "start");
    remote
}

/// Ten writers at once of one image, from ten commits that follow one another, in any order.
fn one_image(bump: &Path) {
    let (ours, theirs) = (with_sources(), with_sources());
    let our_writers = at_once(|n| {
        let source = &ours.1[ORDER[n]];
        let image = format!("{IMAGE}:{}", tag_of(source));
        let mut command = Command::new(bump);
        command
            .args(["--overlay", OVERLAY, "--image", &image])
            .args(["--source-commit", source, "--accept", "superseded"]);
        written(&mut command, &ours.0)
    });
    let their_writers = at_once(|n| with_retries(&theirs.0, OVERLAY, &tag_of(&theirs.1[ORDER[n]])));
    let title = "10 writers, one image (pull --rebase -X theirs)";
    our_writers.compare(title, &their_writers);
    let [our_images, their_images] = [&ours, &theirs].map(|(remote, sources)| {
        let order: Vec<String> = sources.iter().map(|source| tag_of(source)).collect();
        ImageSequence::of(remote, &order)
    });
    numbers(
        "  deployments of something older",
        our_images.back,
        their_images.back,
    );
    numbers(
        "  newer ones that the last one left out",
        our_images.missed,
        their_images.missed,
    );
    assert_eq!((our_images.back, our_images.missed), (0, 0));
}

/// Returns a remote with the overlay, and ten commits of the source, the oldest first.
fn with_sources() -> (GitRemote, Vec<String>) {
    let remote = GitRemote::new();
    start(&remote);
    let source = |n: usize| remote.commit("main", &[("app.rs", &n.to_string(), false)], "feat: x");
    let sources = (0..WRITERS).map(source).collect();
    (remote, sources)
}

fn tag_of(source: &str) -> String {
    format!("sha-{}", &source[..8])
}

/// The images of a branch, one after the other.
struct ImageSequence {
    /// How often the next image is older.
    back: usize,
    /// The number of images that are newer than the last one.
    missed: usize,
}

impl ImageSequence {
    /// Reads the images that the branch had; `order` lists them from the oldest to the newest.
    fn of(remote: &GitRemote, order: &[String]) -> Self {
        let file = format!("{OVERLAY}/kustomization.yaml");
        let at = |commit: &lab::repo::LoggedCommit| {
            let tag = tag(&remote.file(&commit.id, &file).unwrap());
            order.iter().position(|other| *other == tag)
        };
        let newest_first: Vec<usize> = remote.log("main").iter().filter_map(at).collect();
        let back = newest_first
            .windows(2)
            .filter(|pair| pair[0] < pair[1])
            .count();
        Self {
            back,
            missed: order.len() - 1 - newest_first[0],
        }
    }
}

/// Writers that began at the same time.
struct Writers {
    time: Duration,
    tries: Vec<usize>,
}

impl Writers {
    /// Prints times and tries of both.
    fn compare(&self, title: &str, theirs: &Self) {
        line(title, self.time, theirs.time);
        numbers("  tries of all of them", self.tries(), theirs.tries());
    }

    fn tries(&self) -> usize {
        self.tries.iter().sum()
    }

    fn most_tries(&self) -> usize {
        self.tries.iter().copied().max().unwrap_or_default()
    }
}

/// Lets all of them write; `write` returns how often it has tried to push.
fn at_once(write: impl Fn(usize) -> usize + Sync) -> Writers {
    let start = Instant::now();
    let write = &write;
    let tries = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| scope.spawn(move || write(n)))
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    Writers {
        time: start.elapsed(),
        tries,
    }
}

/// Runs the program against the remote.
fn written(command: &mut Command, remote: &GitRemote) -> usize {
    let output = run(command
        .args(["-vv", "--branch", "main", "--remote"])
        .arg(remote.path()));
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.contains(" push "))
        .count()
}

/// The way of careful pipelines: clone, edit, commit, and push again until no other writer is
/// faster.
fn with_retries(remote: &GitRemote, overlay: &str, tag: &str) -> usize {
    let folder = TempDir::new().unwrap();
    let peer = Peer::new(&remote.url(), overlay, &folder);
    peer.edit(tag);
    let mut tries = 1;
    while !peer
        .command(&["push", "--quiet", "origin", "HEAD:main"])
        .output()
        .unwrap()
        .status
        .success()
    {
        peer.git(&[
            "pull", "--quiet", "--rebase", "-X", "theirs", "origin", "main",
        ]);
        tries += 1;
    }
    tries
}

/// The usual way: a shallow clone, `kustomize edit` and a push.
struct Peer {
    checkout: PathBuf,
    overlay: PathBuf,
}

impl Peer {
    fn new(url: &str, overlay: &str, folder: &TempDir) -> Self {
        let checkout = folder.path().join("checkout");
        run(Command::new("git")
            .args(["clone", "--quiet", "--depth", "1", url])
            .arg(&checkout));
        Self {
            overlay: checkout.join(overlay),
            checkout,
        }
    }

    /// Sets the tag, and commits that.
    fn edit(&self, tag: &str) {
        let set = format!("{ENTRY}=*:{tag}");
        let mut kustomize = Command::new(tests::tools::program("kustomize"));
        run(kustomize
            .args(["edit", "set", "image", &set])
            .current_dir(&self.overlay));
        self.git(&["commit", "--quiet", "--all", "-m", tag]);
    }

    fn git(&self, arguments: &[&str]) {
        run(&mut self.command(arguments));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"])
            .args(arguments);
        git.current_dir(&self.checkout).stdin(Stdio::null());
        git
    }
}

/// Returns the tag that an overlay sets.
fn tag(text: &str) -> String {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("newTag: "))
        .unwrap();
    line.split(' ').next().unwrap().to_owned()
}

fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn median(times: usize, mut before: impl FnMut(), mut what: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..times)
        .map(|_| {
            before();
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .collect();
    all.sort();
    all[all.len() / 2]
}

fn line(title: &str, ours: Duration, theirs: Duration) {
    let (ours, theirs) = (ours.as_secs_f64() * 1e3, theirs.as_secs_f64() * 1e3);
    println!(
        "{title:<44} {ours:>9.1} ms {theirs:>9.1} ms {:>8.3}",
        ours / theirs
    );
}

fn numbers(title: &str, ours: usize, theirs: usize) {
    println!(
        "{title:<44} {ours:>9}    {theirs:>9}    {:>8.3}",
        ours as f64 / theirs as f64
    );
}
