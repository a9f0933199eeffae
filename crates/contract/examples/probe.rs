//! A step that does on request what a step can do: the contract is tested through it, as a process.

use std::{process::ExitCode, time::Duration};

use contract::{
    Failure, Fault, Permission, Reason, Report, SecretVariable, Step, Subject, World, asking,
};

struct Probe;

const BAD: Reason = Reason::new("bad", Fault::Change, "the change is bad");

#[derive(clap::Args)]
struct Args {
    /// What to do
    #[arg(long, default_value = "pass")]
    act: Act,
    /// A text to report
    #[arg(long, default_value = "fine")]
    text: String,
    /// Names to report
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// A flag
    #[arg(long)]
    loud: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Act {
    Pass,
    Refuse,
    Mixed,
    Fail,
    Wait,
    Panic,
    Secret,
}

contract::facts! {
    /// What the probe knows.
    pub struct Facts {
        /// The text as given.
        pub text: Option<String>,
        /// The names as given.
        pub names: Vec<String>,
        /// Whether the flag was set.
        pub loud: bool,
    }
}

impl Step for Probe {
    const NAME: &'static str = "probe";
    const SENTENCE: &'static str = "Do on request what a step can do";
    const TIMEOUT: &'static str = "0";
    const REASONS: &'static [Reason] = &[BAD];
    const PERMISSIONS: &'static [Permission] = &[];
    const SECRETS: &'static [SecretVariable] = &[SecretVariable {
        name: "RUNBOOK_PROBE_TOKEN",
        conventional: None,
        meaning: "a token",
        default: None,
    }];
    const EXAMPLE: &'static str = "";
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
            Act::Refuse => Ok(Report::refused(BAD, &text)
                .with_facts(&facts)
                .with_value(&text)
                .hinted("do this")),
            Act::Mixed => Ok(mixed().with_facts(&facts)),
            Act::Fail => Err(
                Failure::unavailable(asking::UNREACHABLE, anyhow::anyhow!(text)).hinted("do that"),
            ),
            Act::Wait => wait(world).await,
            Act::Panic => panic!("{text}"),
            Act::Secret => secret(world),
        }
    }
}

fn mixed() -> Report {
    let old = Reason::new("old", Fault::Nobody, "something newer is there");
    let subjects = vec![
        Subject::new(
            "stage",
            contract::Verdict::Superseded,
            Some(old),
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

/// Puts the secret everywhere that a text can go.
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
    contract::main::<Probe>()
}
