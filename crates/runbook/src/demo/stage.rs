//! Where the demo is shown: what is typed, what came back, how long it took.

use std::{
    cell::RefCell,
    ffi::OsString,
    io::{self, Write},
    rc::Rc,
};

use anstream::println;
use contract::{Invocation, Step, Vars, Verdict};

use super::world::World;

/// Prints the story and counts what went otherwise.
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

    /// Shows a text as it is.
    pub(crate) fn quote(&self, text: &str) {
        if !self.interrupted && !text.is_empty() {
            text.lines().for_each(|line| println!("    {line}"));
            println!();
        }
    }

    /// Runs a step, shows the command and what came back, and returns the value for a pipe.
    pub(crate) async fn run<S: Step>(
        &mut self,
        arguments: &[impl AsRef<str>],
        expected: Verdict,
    ) -> String {
        if self.interrupted {
            return String::new();
        }
        let (out, err) = (Page::default(), Page::default());
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
            let requests = match document.requests {
                0 => String::new(),
                1 => ", 1 HTTP request".to_owned(),
                many => format!(", {many} HTTP requests"),
            };
            println!(
                "    exit code {} after {} ms{requests}",
                finished.exit, document.elapsed_ms
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
            println!("    This was not expected: it should have been {expected}.");
        }
    }

    /// Leaves the world up for somebody who wants to try the steps, until the keyboard says so.
    pub(crate) async fn keep(&mut self, world: &World) {
        if self.interrupted {
            return;
        }
        self.chapter("Your turn");
        self.say("The world stays up until Ctrl-C. In another shell:");
        self.quote(&world.exports());
        self.quote(&format!(
            "export RUNBOOK_IMAGE={}\nexport RUNBOOK_REMOTE={}",
            world.image(super::TAG),
            world.remote()
        ));
        let _ = tokio::signal::ctrl_c().await;
    }

    /// Says how it went and returns the exit code.
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

/// The demo's commands mean what they say, whatever the variables of this shell or runner are: only
/// what programs need to run is kept.
fn vars(all: &Vars, further: impl IntoIterator<Item = (&'static str, String)>) -> Vars {
    let kept = ["PATH", "HOME", "TMPDIR"]
        .into_iter()
        .filter_map(|name| Some((name, all.get(name)?.to_owned())));
    kept.chain(further).collect()
}

/// A sink that can be read.
#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
