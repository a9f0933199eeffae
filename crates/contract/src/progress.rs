//! Shows what a run waits for: a line for each change, a line a minute, a live line on a terminal.

use std::{cell::RefCell, convert::Infallible, io::Write, time::Duration};

use tokio::time::Instant;

use crate::{
    text::{escape_data, harmless, one_line},
    timeline::Moment,
};

/// Without a change, the last line is repeated after this time.
const REPEAT_INTERVAL: Duration = Duration::from_secs(60);

/// After so many changes, only the repetitions are shown: a server decides how often its words
/// change.
const MAX_MOMENTS: usize = 1000;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgressStyle {
    /// Nothing, for tests and replays.
    Silent,
    /// Lines, for a pipe or a file; a runner takes none for a command.
    Lines,
    /// Lines for a runner, which is also told what to mask: it does not show that line, but any
    /// other reader would.
    Runner,
    /// One live line.
    Live,
}

/// The progress of a run, on standard error.
pub(crate) struct RunProgress {
    started: Instant,
    style: ProgressStyle,
    state: RefCell<ProgressState>,
}

struct ProgressState {
    sink: Box<dyn Write>,
    moments: Vec<Moment>,
    last_line: Instant,
    bar: Option<indicatif::ProgressBar>,
}

impl RunProgress {
    pub(crate) fn new(style: ProgressStyle, sink: Box<dyn Write>) -> Self {
        let started = Instant::now();
        let state = ProgressState {
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
        Self::new(ProgressStyle::Silent, Box::new(std::io::sink()))
    }

    /// Shows what the run waits for now.
    pub(crate) fn update(&self, text: String) {
        let mut state = self.state.borrow_mut();
        if state.moments.last().is_some_and(|last| last.text == text) {
            return;
        }
        let moment = Moment {
            at: self.started.elapsed(),
            text,
        };
        let has_room = state.moments.len() < MAX_MOMENTS;
        if !has_room {
            state.moments.pop();
        }
        state.moments.push(moment);
        if has_room || self.style == ProgressStyle::Live {
            self.show(&mut state);
        }
    }

    /// Masks a secret on a runner, before anything else can print it.
    pub(crate) fn mask(&self, secret: &str) {
        if self.style == ProgressStyle::Runner {
            let _ = writeln!(
                self.state.borrow_mut().sink,
                "::add-mask::{}",
                escape_data(secret)
            );
        }
    }

    /// Repeats the last line every minute and keeps the live line moving; never ends.
    pub(crate) async fn keep_going(&self) -> Infallible {
        let pause = if self.style == ProgressStyle::Live {
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
            let due = state.last_line.elapsed() >= REPEAT_INTERVAL;
            if due && self.style != ProgressStyle::Live && !state.moments.is_empty() {
                self.show(&mut state);
            }
        }
    }

    /// Removes the live line and returns what the run waited for.
    pub(crate) fn finish(&self) -> Vec<Moment> {
        let mut state = self.state.borrow_mut();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        state.moments.clone()
    }

    fn show(&self, state: &mut ProgressState) {
        state.last_line = Instant::now();
        let Some(moment) = state.moments.last() else {
            return;
        };
        let seconds = self.started.elapsed().as_secs();
        // A write fails on a cancelled runner; the run continues.
        let _ = match self.style {
            ProgressStyle::Silent => Ok(()),
            ProgressStyle::Lines | ProgressStyle::Runner => {
                let text = harmless(&moment.text);
                writeln!(state.sink, "[{seconds:>4} s] waiting for {text}")
            }
            ProgressStyle::Live => {
                let text = format!("waiting for {}", one_line(&moment.text));
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
    struct Screen(Rc<RefCell<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_and_each_minute_gives_one_line() {
        let screen = Screen::default();
        let progress = RunProgress::new(ProgressStyle::Lines, Box::new(screen.clone()));
        let story = async {
            progress.update("a".to_owned());
            progress.update("a".to_owned());
            tokio::time::sleep(Duration::from_secs(30)).await;
            progress.update("b".to_owned());
            tokio::time::sleep(Duration::from_secs(130)).await;
        };
        tokio::select! { never = progress.keep_going() => match never {}, () = story => {} }
        insta::assert_snapshot!(screen.text(), @r"
        [   0 s] waiting for a
        [  30 s] waiting for b
        [  90 s] waiting for b
        [ 150 s] waiting for b
        ");
        assert_eq!(progress.finish().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn words_that_change_for_ever_fill_no_log() {
        let screen = Screen::default();
        let progress = RunProgress::new(ProgressStyle::Lines, Box::new(screen.clone()));
        let story = async {
            for number in 0..10 * MAX_MOMENTS {
                progress.update(number.to_string());
            }
            tokio::time::sleep(Duration::from_secs(90)).await;
        };
        tokio::select! { never = progress.keep_going() => match never {}, () = story => {} }
        assert_eq!(screen.text().lines().count(), MAX_MOMENTS + 1);
        let last = format!("waiting for {}\n", 10 * MAX_MOMENTS - 1);
        assert!(screen.text().ends_with(&last));
        assert_eq!(progress.finish().len(), MAX_MOMENTS);
    }

    #[test]
    fn only_a_runner_gets_a_mask() {
        for (style, expected) in [
            (ProgressStyle::Runner, "::add-mask::50%25\n"),
            (ProgressStyle::Lines, ""),
        ] {
            let screen = Screen::default();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap();
            runtime
                .block_on(async { RunProgress::new(style, Box::new(screen.clone())).mask("50%") });
            assert_eq!(screen.text(), expected);
        }
    }
}
