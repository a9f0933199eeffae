//! The output as a runner parses it, with its own rules.

use super::*;
use crate::{
    Reason, Redactor, Report, Subject, Verdict,
    reporters::{json, plain},
    run_context::RunContext,
    run_end::RunEnd,
    text::is_invisible,
    timeline::Moment,
};

const BAD: Reason = Reason::new("image-pull", Fault::Change, "bad");

fn finished(report: Report) -> FinalReport {
    let context = RunContext::of_step("verify-pods");
    FinalReport::new(RunEnd::Reported(report), context, &Redactor::default())
}

fn written(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
    let mut sink = Vec::new();
    write(&mut sink).unwrap();
    String::from_utf8(sink).unwrap()
}

/// Parses the output file as the runner does (`FileCommandManager.cs`, `EnvFileKeyValuePairs`).
fn read_outputs(text: &str) -> Vec<(String, String)> {
    let mut lines = text.lines();
    let mut pairs = Vec::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").expect("a heredoc");
        assert!(!name.contains('='));
        let value: Vec<&str> = lines
            .by_ref()
            .take_while(|line| *line != delimiter)
            .collect();
        pairs.push((name.to_owned(), value.join("\n")));
    }
    pairs
}

/// Recognizes a command in a log line as the runner does (`ActionCommand.cs`, `TryParse` and
/// `TryParseV2`).
fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

#[test]
fn an_output_cannot_end_its_heredoc() {
    let mut report = Report::passed("fine");
    report.facts.insert(
        "text".to_owned(),
        Value::from("a=b\nEOF\nname<<x\n::error::y"),
    );
    report
        .facts
        .insert("list".to_owned(), serde_json::json!(["a", "b"]));
    report
        .facts
        .insert("objects".to_owned(), serde_json::json!([{"name": "prod"}]));
    let report = finished(report);
    let pairs = read_outputs(&written(|sink| outputs(sink, &report, "ghadelimiter_1")));
    let find = |name: &str| pairs.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!(find("text"), "a=b\nEOF\nname<<x\n::error::y");
    assert_eq!(
        (find("list"), find("objects")),
        ("a,b".to_owned(), r#"[{"name":"prod"}]"#.to_owned())
    );
    assert_eq!(
        (find("verdict"), find("exit"), find("reason")),
        ("passed".to_owned(), "0".to_owned(), String::new())
    );
}

#[test]
fn an_output_with_the_delimiter_is_refused() {
    let report = finished(Report::passed("ghadelimiter_1"));
    assert!(outputs(&mut Vec::new(), &report, "ghadelimiter_1").is_err());
}

#[test]
fn text_from_outside_never_becomes_a_command() {
    let report = hostile();
    let log = written(|sink| log(sink, &finished(report.clone())));
    let commands: Vec<&str> = log.lines().filter(|line| is_command(line)).collect();
    assert!(
        commands
            .iter()
            .all(|line| line.starts_with("::error title=verify-pods")
                || line.starts_with("::notice ")),
        "{commands:?}"
    );
    assert!(!log.contains(|c| c != '\n' && is_invisible(c)));
}

#[test]
fn no_format_prints_a_command_on_a_runner() {
    let report = finished(hostile());
    let words = written(|sink| plain::words(sink, &report, true, true));
    let document = written(|sink| json::document(sink, &report));
    for line in words.lines().chain(document.lines()) {
        assert!(!is_command(line), "{line}");
    }
}

#[test]
fn a_summary_hides_no_character() {
    let summary = written(|sink| summary(sink, &finished(hostile())));
    assert!(summary.contains("\\u{202e}"), "{summary}");
    assert!(!summary.contains(|c| c != '\n' && is_invisible(c)));
}

fn hostile() -> Report {
    let evil = "x\n::error::pwned\n##[set-env name=PATH]y\n  ::add-mask::z\u{1b}[31m\u{202e}\n\
                \u{200b}::stop-commands::x";
    let mut report = Report::refused(BAD, evil).hinted(evil).with_detail(evil);
    report.notices.push(evil.to_owned());
    report.subjects = vec![
        Subject::refused(evil, BAD, evil),
        Subject::refused("b", BAD, evil),
    ];
    report
}

#[test]
fn the_annotation_is_escaped_and_holds_the_hint() {
    let report = Report::refused(BAD, "50% of\npods").hinted("do: this, now");
    let log = written(|sink| log(sink, &finished(report.clone())));
    insta::assert_snapshot!(log.lines().last().unwrap(), @r"
    ::error title=verify-pods%3A refused%2C image-pull::50%25 of%0Apods%0Ahint: do: this, now
    ");
}

#[test]
fn annotations_are_limited_and_the_summary_is_complete() {
    let subjects: Vec<Subject> = (0..25)
        .map(|n| Subject::refused(format!("app-{n}"), BAD, "bad"))
        .collect();
    let report = finished(Report::about(subjects).unwrap());
    let log = written(|sink| log(sink, &report));
    assert_eq!(
        log.lines()
            .filter(|line| line.starts_with("::error"))
            .count(),
        10
    );
    assert!(log.contains("(and 15 more)"));
    let summary = written(|sink| summary(sink, &report));
    assert!((0..25).all(|n| summary.contains(&format!("`app-{n}`"))));
}

#[test]
fn an_accepted_verdict_is_a_warning() {
    let context = RunContext {
        accept: vec![Verdict::Refused],
        ..RunContext::default()
    };
    let report = FinalReport::new(
        RunEnd::Reported(Report::refused(BAD, "no")),
        context,
        &Redactor::default(),
    );
    assert!(written(|sink| log(sink, &report)).contains("::warning "));
}

#[test]
fn a_summary_stays_below_one_mebibyte() {
    let diff = "+ a line of a diff\n".repeat(200_000);
    let summary = written(|sink| summary(sink, &finished(Report::passed("x").with_detail(&diff))));
    assert!(summary.len() < 1_000_000, "{}", summary.len());
    assert!(summary.contains("The rest was left out"));
}

#[test]
fn a_cell_cannot_leave_its_table() {
    let evil = "a | b ``` [x](https://evil.example) <img src=x> @someone\n| c |";
    let mut report = Report::passed(evil);
    report.facts.insert("image".to_owned(), Value::from("a|b"));
    report.subjects = vec![Subject::passed(evil, evil)];
    let summary = written(|sink| summary(sink, &finished(report.clone())));
    let rows: Vec<&str> = summary
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    let bars = |row: &str| row.replace("\\|", "").matches('|').count();
    assert!(
        rows.iter()
            .all(|row| bars(row) == bars(rows[0]) || bars(row) == 3),
        "{rows:?}"
    );
    assert!(
        summary.contains(
            "````a \\| b ``` [x](https://evil.example) <img src=x> @someone \\| c \\|````"
        )
    );
}

#[test]
fn a_step_that_waited_has_a_timeline() {
    let moments = vec![Moment {
        at: std::time::Duration::from_secs(3),
        text: "the tag: `x`; 3 times".to_owned(),
    }];
    let context = RunContext {
        timeline: moments,
        elapsed_ms: 9000,
        ..RunContext::default()
    };
    let report = FinalReport::new(
        RunEnd::Reported(Report::passed("fine")),
        context,
        &Redactor::default(),
    );
    let summary = written(|sink| summary(sink, &report));
    assert!(
        summary.contains("timeline\n  3 s : the tag   x   3 times\n  9 s : passed\n"),
        "{summary}"
    );
}
