//! Saying what is waited for: once per change, one line a minute, a live line on a terminal.

use std::{cell::RefCell, convert::Infallible, io::Write, time::Duration};

use tokio::time::Instant;

use crate::reporters::{github, plain};

/// What was waited for, since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Time since the start of the run.
    pub at: Duration,
    /// A noun phrase ("the tag to appear").
    pub text: String,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nothing; for tests and inner runs.
    Silent,
    /// Lines, as into a pipe or a file.
    Lines,
    /// Lines that a runner cannot take for commands; secrets are masked.
    Runner,
    /// One live line.
    Live,
}

/// The run's progress on standard error.
pub(crate) struct Progress {
    started: Instant,
    style: Style,
    state: RefCell<State>,
}

struct State {
    sink: Box<dyn Write>,
    moments: Vec<Moment>,
    last_line: Instant,
    bar: Option<indicatif::ProgressBar>,
}

impl Progress {
    pub(crate) fn new(style: Style, sink: Box<dyn Write>) -> Self {
        let started = Instant::now();
        let state = State {
            sink,
            moments: Vec::new(),
            last_line: started,
            bar: None,
        };
        Self {
            started,
            style,
            state: RefCell::new(state),
        }
    }

    pub(crate) fn silent() -> Self {
        Self::new(Style::Silent, Box::new(std::io::sink()))
    }

    /// Says what is waited for now.
    pub(crate) fn update(&self, text: String) {
        let mut state = self.state.borrow_mut();
        if state.moments.last().is_some_and(|last| last.text == text) {
            return;
        }
        state.moments.push(Moment {
            at: self.started.elapsed(),
            text,
        });
        self.show(&mut state);
    }

    /// Masks a secret on a runner, before anything else can print it.
    pub(crate) fn mask(&self, secret: &str) {
        if self.style == Style::Runner {
            let _ = writeln!(
                self.state.borrow_mut().sink,
                "::add-mask::{}",
                github::escape_data(secret)
            );
        }
    }

    /// Never ends: repeats the last line every minute, and keeps the live line alive.
    pub(crate) async fn keep_going(&self) -> Infallible {
        let pause = if self.style == Style::Live {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(1)
        };
        loop {
            tokio::time::sleep(pause).await;
            let mut state = self.state.borrow_mut();
            if let Some(bar) = &state.bar {
                bar.tick();
            }
            let minute = state.last_line.elapsed() >= Duration::from_secs(60);
            if minute && self.style != Style::Live && !state.moments.is_empty() {
                self.show(&mut state);
            }
        }
    }

    /// Removes the live line and returns what was waited for.
    pub(crate) fn finish(&self) -> Vec<Moment> {
        let mut state = self.state.borrow_mut();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        state.moments.clone()
    }

    fn show(&self, state: &mut State) {
        state.last_line = Instant::now();
        let Some(moment) = state.moments.last() else {
            return;
        };
        let seconds = self.started.elapsed().as_secs();
        // A write can fail when a runner is cancelled; the run goes on.
        let _ = match self.style {
            Style::Silent => Ok(()),
            Style::Lines => {
                writeln!(
                    state.sink,
                    "[{seconds:>4} s] waiting for {}",
                    plain::one_line(&moment.text)
                )
            }
            Style::Runner => {
                writeln!(
                    state.sink,
                    "[{seconds:>4} s] waiting for {}",
                    github::harmless(&moment.text)
                )
            }
            Style::Live => {
                let text = format!("waiting for {}", plain::one_line(&moment.text));
                state.bar.get_or_insert_with(live_line).set_message(text);
                Ok(())
            }
        };
    }
}

fn live_line() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new_spinner();
    if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} [{elapsed}] {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Rc<RefCell<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_comes_once_per_change_and_once_a_minute() {
        let page = Page::default();
        let progress = Progress::new(Style::Lines, Box::new(page.clone()));
        let story = async {
            progress.update("a".to_owned());
            progress.update("a".to_owned());
            tokio::time::sleep(Duration::from_secs(30)).await;
            progress.update("b".to_owned());
            tokio::time::sleep(Duration::from_secs(130)).await;
        };
        tokio::select! { never = progress.keep_going() => match never {}, () = story => {} }
        insta::assert_snapshot!(page.text(), @r"
        [   0 s] waiting for a
        [  30 s] waiting for b
        [  90 s] waiting for b
        [ 150 s] waiting for b
        ");
        assert_eq!(progress.finish().len(), 2);
    }

    #[test]
    fn a_mask_is_a_command_only_on_a_runner() {
        for (style, expected) in [(Style::Runner, "::add-mask::50%25\n"), (Style::Lines, "")] {
            let page = Page::default();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap();
            runtime.block_on(async { Progress::new(style, Box::new(page.clone())).mask("50%") });
            assert_eq!(page.text(), expected);
        }
    }
}
