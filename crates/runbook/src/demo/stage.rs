//! The output of the demo: each command, its output, its exit code and its time.

use std::{
    cell::RefCell,
    ffi::OsString,
    io::{self, Write},
    rc::Rc,
};

use anstream::println;
use contract::{Invocation, Step, Vars, Verdict};

use super::{images::TAG, world::DemoWorld};

/// Prints the story, and counts the verdicts that differ from it.
pub(crate) struct Stage {
    vars: Vars,
    colour: bool,
    commands: usize,
    surprises: usize,
    interrupted: bool,
}

impl Stage {
    pub(crate) fn new(
        invocation: Invocation,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let (vars, colour) = (vars(&invocation.vars, variables), invocation.colour);
        Self {
            vars,
            colour,
            commands: 0,
            surprises: 0,
            interrupted: false,
        }
    }

    pub(crate) fn title(&self, text: &str) {
        println!("{text}\n");
    }

    pub(crate) fn chapter(&self, title: &str) {
        if !self.interrupted {
            println!("== {title}\n");
        }
    }

    pub(crate) fn say(&self, text: &str) {
        if !self.interrupted {
            println!("{text}\n");
        }
    }

    /// Prints a text indented, and otherwise as it is.
    pub(crate) fn quote(&self, text: &str) {
        if !self.interrupted && !text.is_empty() {
            text.lines().for_each(|line| println!("    {line}"));
            println!();
        }
    }

    /// Runs a step, prints the command and its output, and returns its standard output.
    pub(crate) async fn run<S: Step>(
        &mut self,
        arguments: &[impl AsRef<str>],
        expected: Verdict,
    ) -> String {
        if self.interrupted {
            return String::new();
        }
        let (out, err) = (CapturedOutput::default(), CapturedOutput::default());
        let words = std::iter::once(S::NAME).chain(arguments.iter().map(AsRef::as_ref));
        println!("  $ {}", words.clone().collect::<Vec<_>>().join(" "));
        let finished = contract::execute::<S>(Invocation {
            arguments: words.map(OsString::from).collect(),
            vars: self.vars.clone(),
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            terminal: false,
            colour: self.colour,
        });
        let finished = finished.await;
        self.commands += 1;
        self.quote(&err.text());
        let value = out.text();
        self.quote(&value);
        if let Some(document) = finished.report {
            println!(
                "    exit code {} after {} ms{}",
                finished.exit,
                document.elapsed_ms,
                requests(document.requests)
            );
            self.compare(document.verdict, expected);
        }
        println!();
        value.trim().to_owned()
    }

    fn compare(&mut self, verdict: Verdict, expected: Verdict) {
        self.interrupted |= verdict == Verdict::Interrupted;
        if verdict != expected && !self.interrupted {
            self.surprises += 1;
            println!("    This was not expected: the verdict should have been {expected}.");
        }
    }

    /// Keeps the systems running until Ctrl-C, so that the user can try the steps.
    pub(crate) async fn keep(&mut self, world: &DemoWorld) {
        if self.interrupted {
            return;
        }
        self.chapter("Your turn");
        self.say("The systems run until you press Ctrl-C. In another shell:");
        self.quote(&world.exports());
        self.quote(&format!(
            "export RUNBOOK_IMAGE={}\nexport RUNBOOK_REMOTE={}",
            world.image(TAG),
            world.remote()
        ));
        let _ = tokio::signal::ctrl_c().await;
    }

    /// Prints the result and returns the exit code.
    pub(crate) fn end(&self) -> u8 {
        if self.interrupted {
            return Verdict::Interrupted.exit();
        }
        if self.surprises == 0 {
            println!(
                "{} commands, every verdict as expected; nothing was left behind.",
                self.commands
            );
            return 0;
        }
        println!(
            "{} of {} commands did not give the expected verdict.",
            self.surprises, self.commands
        );
        Verdict::Contradicted.exit()
    }
}

fn requests(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => ", 1 HTTP request".to_owned(),
        many => format!(", {many} HTTP requests"),
    }
}

/// Returns the variables of the demo's commands. Of this shell's variables it keeps only those that
/// programs need to run: flags that a user or a runner has set would change the story.
fn vars(all: &Vars, further: impl IntoIterator<Item = (&'static str, String)>) -> Vars {
    let kept = ["PATH", "HOME", "TMPDIR"]
        .into_iter()
        .filter_map(|name| Some((name, all.get(name)?.to_owned())));
    kept.chain(further).collect()
}

/// An output that is kept in memory.
#[derive(Clone, Default)]
struct CapturedOutput(Rc<RefCell<Vec<u8>>>);

impl CapturedOutput {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for CapturedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
