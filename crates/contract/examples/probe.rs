//! A step that does on request what a step can do, so that the contract is tested as a process.

use std::{process::ExitCode, time::Duration};

use contract::{
    Failure, Fault, Permission, Reason, Report, SecretVariable, Step, Subject, World, asking,
    world::Spawn,
};

struct ProbeStep;

const BAD: Reason = Reason::new("bad", Fault::Change, "the change is bad");
const OLD: Reason = Reason::new("old", Fault::Nobody, "something newer is there");
const LOST: Reason = Reason::new("lost", Fault::Environment, "others were faster");

#[derive(clap::Args)]
struct Args {
    /// Act to perform
    #[arg(long, default_value = "pass", help_heading = "Act")]
    act: Act,
    /// A text to report
    ///
    /// This paragraph is for readers of the code: a flag has one line of help.
    #[arg(long, default_value = "fine", help_heading = "Act")]
    text: String,
    /// Names to report
    #[arg(long, value_name = "NAME", help_heading = "Act")]
    name: Vec<String>,
    /// A flag
    #[arg(long, help_heading = "Act")]
    loud: bool,
    /// Address of a server that is never asked
    #[arg(long, value_name = "HOST", help_heading = "Connection")]
    argocd_server: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Act {
    Pass,
    Skip,
    Refuse,
    NotYet,
    Supersede,
    Mixed,
    Misuse,
    Fail,
    Deny,
    Contend,
    Wait,
    Panic,
    // Panics while a program runs that writes its number into the file `--text`.
    #[value(hide = true)]
    PanicWithProgram,
    Secret,
}

contract::facts! {
    /// The facts of the probe.
    pub struct Facts {
        /// The text as given.
        pub text: Option<String>,
        /// The names as given.
        pub names: Vec<String>,
        /// Whether the flag was set.
        pub loud: bool,
    }
}

impl Step for ProbeStep {
    const NAME: &'static str = "probe";
    const SENTENCE: &'static str = "Do on request what a step can do";
    const TIMEOUT: &'static str = "0";
    const REASONS: &'static [Reason] = &[BAD, OLD, LOST];
    const PERMISSIONS: &'static [Permission] = &[];
    const SECRETS: &'static [SecretVariable] = &[SecretVariable {
        name: "RUNBOOK_PROBE_TOKEN",
        conventional: Some("PROBE_TOKEN"),
        meaning: "a token",
        default: None,
    }];
    const EXAMPLE: &'static str = "";
    const EXAMPLES: &'static [&'static str] = &[
        "# Report a text\nprobe --text fine",
        "# Refuse, but exit with 0\nprobe --act refuse --accept refused",
    ];
    type Args = Args;
    type Facts = Facts;

    async fn run(args: Args, world: &World) -> Result<Report, Failure> {
        let facts = Facts {
            text: Some(args.text.clone()),
            names: args.name,
            loud: args.loud,
        };
        world.learn(&facts);
        let text = args.text;
        match args.act {
            Act::Pass => Ok(Report::passed(&text).with_facts(&facts).with_value(&text)),
            Act::Skip => Ok(Report::unchanged(&text).with_facts(&facts)),
            Act::Refuse => Ok(Report::refused(BAD, &text)
                .with_facts(&facts)
                .with_value(&text)
                .hinted("do this")),
            Act::NotYet => Ok(Report::not_yet(LOST, &text).with_facts(&facts)),
            Act::Supersede => Ok(Report::superseded(OLD, &text).with_facts(&facts)),
            Act::Mixed => Ok(mixed().with_facts(&facts)),
            Act::Wait => wait(world).await,
            Act::Panic => panic!("{text}"),
            Act::PanicWithProgram => panic_with_program(world, &text).await,
            Act::Secret => secret(world),
            Act::Misuse | Act::Fail | Act::Deny | Act::Contend => Err(failure(args.act, text)),
        }
    }
}

fn failure(act: Act, text: String) -> Failure {
    let error = anyhow::anyhow!(text);
    let failure = match act {
        Act::Misuse => Failure::usage(error),
        Act::Deny => Failure::denied(asking::PERMISSION_MISSING, error),
        Act::Contend => Failure::contended(LOST, error),
        _ => Failure::unavailable(asking::UNREACHABLE, error),
    };
    failure.context("could not probe").hinted("do that")
}

fn mixed() -> Report {
    let subjects = vec![
        Subject::new(
            "stage",
            contract::Verdict::Superseded,
            Some(OLD),
            "newer is there",
        ),
        Subject::refused("prod", BAD, "bad"),
    ];
    Report::about(subjects).unwrap_or_else(|| Report::passed("nothing"))
}

async fn wait(world: &World) -> Result<Report, Failure> {
    world.waiting_for("a thing that never comes");
    tokio::time::sleep(Duration::from_secs(600)).await;
    Ok(Report::passed("it came"))
}

/// Panics as soon as a program that runs has written a file.
async fn panic_with_program(world: &World, file: &str) -> Result<Report, Failure> {
    let script = format!("sleep 600 & echo $! > {file}.new; mv {file}.new {file}; wait");
    let run = world.spawn(Spawn::new("sh").args(["-c", &script]));
    let panics = async {
        while !std::path::Path::new(file).exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("while a program runs");
    };
    tokio::select! {
        _ = run => Ok(Report::passed("the program ended")),
        () = panics => Ok(Report::passed("no panic")),
    }
}

/// Puts the secret into every place that takes a text.
fn secret(world: &World) -> Result<Report, Failure> {
    let Some(secret) = world.secret("RUNBOOK_PROBE_TOKEN", None)? else {
        return Err(Failure::denied(
            asking::NO_CREDENTIALS,
            anyhow::anyhow!("no token"),
        ));
    };
    let text = format!("the token is {}", secret.expose());
    world.waiting_for(&text);
    world.notice(&text);
    tracing::debug!("{text}");
    let facts = Facts {
        text: Some(text.clone()),
        names: vec![text.clone()],
        loud: false,
    };
    let subject = Subject::refused(&text, BAD, &text).with_fact("token", text.clone());
    let mut report = Report::about(vec![subject]).unwrap_or_else(|| Report::passed("nothing"));
    report = report
        .with_facts(&facts)
        .with_value(&text)
        .with_detail(&text)
        .hinted(&text);
    Ok(report)
}

fn main() -> ExitCode {
    contract::main::<ProbeStep>()
}
