//! The loop against a branch in memory: scripted races, lost answers and refusals.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use branch::{
    Branch, BranchError, BranchName, CommitRequest, FileContent, PushResult, Rejection,
    RejectionKind, Snapshot, TreeEntry,
};
use contract::{Commit, Failure, Verdict, World, asking};
use remote::{Decision, Problem, WriteOutcome, update};

const FILE: &str = "count";

/// The scripted result of a push.
enum PushEvent {
    Lands,
    /// Another writer adds 100 first.
    Moves,
    Declined,
    /// It lands, and the answer is lost.
    LandsUnheard,
    /// It does not land, and the answer is lost.
    Vanishes,
    Fails,
}

struct MemoryBranch {
    name: BranchName,
    commits: RefCell<Vec<String>>,
    script: RefCell<VecDeque<PushEvent>>,
    pushes: Cell<usize>,
    unreachable: Cell<usize>,
    /// After the first push a read takes this long, and then fails.
    slow: Cell<Duration>,
}

impl MemoryBranch {
    fn new(script: impl IntoIterator<Item = PushEvent>) -> Self {
        Self {
            name: "main".parse().unwrap(),
            commits: RefCell::new(vec!["0".to_owned()]),
            script: RefCell::new(script.into_iter().collect()),
            pushes: Cell::new(0),
            unreachable: Cell::new(0),
            slow: Cell::default(),
        }
    }

    fn content(&self) -> String {
        self.commits.borrow().last().unwrap().clone()
    }

    fn commit_of(&self, index: usize) -> Commit {
        format!("{index:040x}").parse().unwrap()
    }

    fn tip(&self) -> Commit {
        self.commit_of(self.commits.borrow().len())
    }

    fn add(&self, content: String) -> Commit {
        self.commits.borrow_mut().push(content);
        self.tip()
    }
}

fn gone() -> Failure {
    Failure::unavailable(asking::UNREACHABLE, anyhow::anyhow!("the connection broke"))
}

impl Branch for MemoryBranch {
    fn name(&self) -> &BranchName {
        &self.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        if self.unreachable.get() > 0 {
            self.unreachable.set(self.unreachable.get() - 1);
            return Err(gone().into());
        }
        if self.pushes.get() > 0 && !self.slow.get().is_zero() {
            tokio::time::sleep(self.slow.get()).await;
            return Err(
                Failure::unavailable(asking::TIMED_OUT, anyhow::anyhow!("too slow")).into(),
            );
        }
        let file = TreeEntry::File {
            content: self.content().into_bytes(),
            executable: false,
        };
        let entries = BTreeMap::from([(paths[0].clone(), file)]);
        Ok(Snapshot {
            tip: self.tip(),
            entries,
        })
    }

    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        assert_eq!(onto.tip, self.tip(), "the loop pushed onto an old tip");
        self.pushes.set(self.pushes.get() + 1);
        let content = String::from_utf8(request.files[0].content.clone()).unwrap();
        let next = self
            .script
            .borrow_mut()
            .pop_front()
            .unwrap_or(PushEvent::Lands);
        Ok(match next {
            PushEvent::Lands => PushResult::Landed {
                commit: self.add(content),
                said: Vec::new(),
            },
            PushEvent::Moves => {
                let other = self.content().parse::<u32>().unwrap() + 100;
                self.add(other.to_string());
                PushResult::Moved
            }
            PushEvent::Declined => PushResult::Rejected(Rejection {
                kind: RejectionKind::Declined,
                word: "pre-receive hook declined".to_owned(),
                lines: vec!["no".to_owned()],
            }),
            PushEvent::LandsUnheard => {
                let commit = self.add(content);
                self.add("1000".to_owned());
                PushResult::Uncertain {
                    commit,
                    failure: gone(),
                }
            }
            PushEvent::Vanishes => PushResult::Uncertain {
                commit: "f".repeat(40).parse().unwrap(),
                failure: gone(),
            },
            PushEvent::Fails => return Err(gone().into()),
        })
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        let count = self.commits.borrow().len();
        Ok((1..=count).any(|index| self.commit_of(index) == *commit))
    }
}

/// Adds one to the number in the file, unless it is `enough` already.
async fn add_one(
    world: &World,
    memory: &MemoryBranch,
    enough: u32,
) -> Result<WriteOutcome<String>, Failure> {
    update(
        world,
        memory,
        "memory",
        &[FILE.to_owned()],
        async |snapshot: &Snapshot| {
            let TreeEntry::File { content, .. } = &snapshot.entries[FILE] else {
                unreachable!()
            };
            let count: u32 = String::from_utf8_lossy(content).parse().unwrap();
            if count >= enough {
                return Ok(Decision::Nothing);
            }
            let files = vec![FileContent {
                path: FILE.to_owned(),
                content: (count + 1).to_string().into_bytes(),
            }];
            Ok(Decision::Write(CommitRequest {
                files,
                message: "add one".to_owned(),
            }))
        },
    )
    .await
}

fn world(seconds: u64) -> World {
    World::for_tests(Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_decided_again() {
    let memory = MemoryBranch::new([PushEvent::Moves, PushEvent::Moves]);
    let outcome = add_one(&world(60), &memory, 1000).await.unwrap();
    assert!(matches!(outcome, WriteOutcome::Landed(_)));
    assert_eq!((memory.content().as_str(), memory.pushes.get()), ("201", 3));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_nothing_left_is_unchanged() {
    let memory = MemoryBranch::new([PushEvent::Moves]);
    let outcome = add_one(&world(60), &memory, 100).await.unwrap();
    assert!(matches!(outcome, WriteOutcome::Unchanged(tip) if tip == memory.tip()));
    assert_eq!((memory.content().as_str(), memory.pushes.get()), ("100", 1));
}

#[tokio::test(start_paused = true)]
async fn the_number_of_lost_races_is_not_limited() {
    let memory = MemoryBranch::new((0..100).map(|_| PushEvent::Moves));
    add_one(&world(600), &memory, u32::MAX).await.unwrap();
    assert_eq!(memory.pushes.get(), 101);
}

#[tokio::test(start_paused = true)]
async fn permanent_contention_ends_at_the_deadline() {
    let memory = MemoryBranch::new((0..10_000).map(|_| PushEvent::Moves));
    let failure = add_one(&world(5), &memory, u32::MAX).await.unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason.word),
        (Verdict::Contended, "contended")
    );
    assert!(memory.pushes.get() > 3, "{}", memory.pushes.get());
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_the_deadline_ends_is_contention() {
    for (is_raced, verdict) in [(true, Verdict::Contended), (false, Verdict::Unavailable)] {
        let memory = MemoryBranch::new([PushEvent::Moves]);
        let world = world(5);
        let decided = Cell::new(0);
        let decide = async |_: &Snapshot| -> Result<Decision<()>, Failure> {
            decided.set(decided.get() + 1);
            if is_raced && decided.get() == 1 {
                let file = FileContent {
                    path: FILE.to_owned(),
                    content: b"1".to_vec(),
                };
                return Ok(Decision::Write(CommitRequest {
                    files: vec![file],
                    message: String::new(),
                }));
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
            let error = anyhow::anyhow!("git did not finish");
            Err(Failure::unavailable(asking::TIMED_OUT, error))
        };
        let paths = [FILE.to_owned()];
        let failure = update(&world, &memory, "memory", &paths, decide).await;
        assert_eq!(failure.unwrap_err().verdict, verdict, "{is_raced}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_there_is_one_attempt() {
    let memory = MemoryBranch::new([PushEvent::Moves]);
    let failure = add_one(&world(0), &memory, u32::MAX).await.unwrap_err();
    assert_eq!(
        (failure.verdict, memory.pushes.get()),
        (Verdict::Contended, 1)
    );
    add_one(&world(0), &memory, u32::MAX).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_is_found() {
    let memory = MemoryBranch::new([PushEvent::LandsUnheard]);
    let outcome = add_one(&world(60), &memory, 1000).await.unwrap();
    assert!(matches!(outcome, WriteOutcome::Landed(commit) if commit == memory.commit_of(2)));
    assert_eq!(memory.pushes.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_commit_is_made_again() {
    let memory = MemoryBranch::new([PushEvent::Vanishes, PushEvent::Fails]);
    let outcome = add_one(&world(60), &memory, 1000).await.unwrap();
    assert!(matches!(outcome, WriteOutcome::Landed(_)));
    assert_eq!((memory.content().as_str(), memory.pushes.get()), ("1", 3));
}

#[tokio::test(start_paused = true)]
async fn a_declined_commit_is_not_retried() {
    let memory = MemoryBranch::new([PushEvent::Declined]);
    let outcome = add_one(&world(60), &memory, 1000).await.unwrap();
    assert!(
        matches!(outcome, WriteOutcome::Failed(Problem::Declined(Rejection { lines, .. })) if lines == ["no"])
    );
    assert_eq!(memory.pushes.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_a_transient_error_passes() {
    for (failures, lands) in [(3, true), (4, false)] {
        let memory = MemoryBranch::new([]);
        memory.unreachable.set(failures);
        let result = add_one(&world(60), &memory, 1000).await;
        assert_eq!(result.is_ok(), lands, "{failures}");
        if let Err(failure) = result {
            assert_eq!(failure.reason, asking::UNREACHABLE);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_always_lost_is_an_outage() {
    let memory = MemoryBranch::new((0..100).map(|_| PushEvent::Vanishes));
    let failure = add_one(&world(600), &memory, 1000).await.unwrap_err();
    assert_eq!(
        (failure.reason, memory.pushes.get()),
        (asking::UNREACHABLE, 4)
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_read_after_a_race_is_contention() {
    for (then, kind) in [
        (PushEvent::Moves, Verdict::Contended),
        (PushEvent::Vanishes, Verdict::Unavailable),
    ] {
        let memory = MemoryBranch::new([then]);
        memory.slow.set(Duration::from_secs(30));
        let failure = add_one(&world(10), &memory, 1000).await.unwrap_err();
        assert_eq!(failure.verdict, kind, "{}", failure.summary());
    }
}
