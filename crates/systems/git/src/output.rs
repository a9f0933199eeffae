//! git's output, made safe to keep: without secrets, and of a bounded size.

use contract::{Redactor, world::Output};

/// The most lines of git's messages that are kept, from the start and from the end.
const LINES: usize = 100;

/// The most characters of a line that are kept.
const LINE: usize = 500;

/// Redacts git's messages and cuts them: a remote may send any amount of them.
pub(crate) fn tidied(mut output: Output, redactor: &Redactor) -> Output {
    output.stderr = cut(&redactor.apply(&String::from_utf8_lossy(&output.stderr))).into_bytes();
    output
}

fn cut(text: &str) -> String {
    // Progress overwrites its line.
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let (start, end) = if lines.len() > 2 * LINES {
        (&lines[..LINES], &lines[lines.len() - LINES..])
    } else {
        (&lines[..], &[][..])
    };
    let kept = start.iter().chain(end).map(|line| shortened(line));
    kept.collect::<Vec<_>>().join("\n")
}

/// Returns the beginning of a line from outside.
pub(crate) fn shortened(line: &str) -> String {
    line.chars().take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidy(stderr: &str, redactor: &Redactor) -> String {
        let output = Output {
            code: Some(1),
            stdout: Vec::new(),
            stderr: stderr.as_bytes().to_vec(),
        };
        String::from_utf8(tidied(output, redactor).stderr).unwrap()
    }

    #[test]
    fn long_messages_keep_their_start_and_their_end() {
        let many: String = (0..1_000_000)
            .map(|line| format!("remote: {line}\n"))
            .collect();
        let kept = tidy(&many, &Redactor::default());
        assert!(kept.len() < 4000 && kept.contains("remote: 0\n") && kept.contains(" 999999\n"));
        let long = tidy(&"x".repeat(1 << 20), &Redactor::default());
        assert_eq!(long.len(), LINE);
        let progress = tidy("a: 1%\ra: 2%\nb\n", &Redactor::default());
        assert_eq!(progress, "a: 1%\na: 2%\nb\n");
    }

    #[test]
    fn messages_are_redacted_before_they_are_cut() {
        let redactor = Redactor::default();
        redactor.add("a-secret-of-many-characters");
        let line = format!("{}a-secret-of-many-characters", "x".repeat(LINE - 10));
        assert!(tidy(&line, &redactor).ends_with("x***"));
    }
}
