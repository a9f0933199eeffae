//! The log of act, JSON line by JSON line, as steps with results.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// Everything about one run of a workflow.
#[derive(Debug, Clone, Default)]
pub struct WorkflowRun {
    /// The steps in the order in which they began; one inside a composite action is `bump/run`.
    pub steps: Vec<WorkflowStep>,
    /// The results of the jobs by their identifiers.
    pub jobs: BTreeMap<String, String>,
    /// The log that people read, line by line.
    pub log: Vec<String>,
}

/// One step of one job.
#[derive(Debug, Clone, Default)]
pub struct WorkflowStep {
    /// Job and step: `deploy/bump`, and `deploy/bump/run` within the action.
    pub id: String,
    /// `success`, `failure`, `skipped`.
    pub result: String,
    /// The exit status, where it was not 0.
    pub exit: Option<i32>,
    /// The outputs.
    pub outputs: BTreeMap<String, String>,
    /// The annotations.
    pub annotations: Vec<Annotation>,
    /// The summary, in Markdown.
    pub summary: String,
    /// The printed lines, without commands for the runner.
    pub printed: Vec<String>,
    /// The masked values, each with the number of lines that were printed before its mask.
    pub masks: Vec<(String, usize)>,
}

/// An annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// `error`, `warning`, `notice`.
    pub kind: String,
    /// The title.
    pub title: String,
    /// The text.
    pub text: String,
}

impl WorkflowRun {
    /// Reads the log of act.
    ///
    /// # Panics
    ///
    /// If the log shows no run: it is not JSON, a job was skipped for its label, or there is no
    /// job.
    pub(super) fn read(act: &lab::ProgramRun) -> Self {
        let mut run = Self::default();
        for line in act.stdout.lines() {
            let record: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("`{line}`: {error}\n{act}"));
            run.add(&record);
        }
        assert!(
            !act.stdout.contains("Skipping unsupported platform"),
            "act skipped a job for its label; see `LABELS`\n{act}"
        );
        assert!(!run.jobs.is_empty(), "act ran nothing\n{act}");
        run
    }

    /// Returns the result of a job.
    ///
    /// # Panics
    ///
    /// If it has no result.
    #[must_use]
    pub fn job(&self, id: &str) -> &str {
        self.jobs
            .get(id)
            .unwrap_or_else(|| panic!("no result of job `{id}`\n{self}"))
    }

    /// Returns a step: `deploy/bump`, or `deploy/bump/run` within an action.
    ///
    /// # Panics
    ///
    /// If it never began.
    #[must_use]
    pub fn step(&self, id: &str) -> &WorkflowStep {
        self.steps
            .iter()
            .find(|step| step.id == id)
            .unwrap_or_else(|| panic!("no step `{id}`\n{self}"))
    }

    /// Returns the result of a step; one that never began was skipped.
    #[must_use]
    pub fn result(&self, id: &str) -> &str {
        self.steps
            .iter()
            .find(|step| step.id == id)
            .map_or("skipped", |step| &step.result)
    }

    fn add(&mut self, record: &Value) {
        let text = |key: &str| record[key].as_str().unwrap_or_default();
        self.log.push(text("msg").trim_end().to_owned());
        if let Some(result) = record["jobResult"].as_str() {
            self.jobs
                .insert(text("jobID").to_owned(), result.to_owned());
        }
        // Set-up and clean-up have no identifier, and a second stage would overwrite the first.
        if text("stage") == "Main" && record["stepID"].is_array() {
            self.step_of(record).add(record);
        }
    }

    fn step_of(&mut self, record: &Value) -> &mut WorkflowStep {
        let parts = record["stepID"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let job = record["jobID"].as_str().unwrap_or_default();
        let id = [job].into_iter().chain(parts).collect::<Vec<_>>().join("/");
        let place = self
            .steps
            .iter()
            .position(|step| step.id == id)
            .unwrap_or_else(|| {
                self.steps.push(WorkflowStep {
                    id,
                    ..WorkflowStep::default()
                });
                self.steps.len() - 1
            });
        &mut self.steps[place]
    }
}

impl WorkflowStep {
    /// Adds one record. A composite action reports outputs and summary of its inner step two more
    /// times, with the same values, so the last record may win.
    fn add(&mut self, record: &Value) {
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        match text("command").as_str() {
            "set-output" => drop(self.outputs.insert(text("name"), text("arg"))),
            "summary" => self.summary = text("content"),
            "add-mask" => self.masks.push((text("arg"), self.printed.len())),
            kind @ ("error" | "warning" | "notice") => {
                let title = record["kvPairs"]["title"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                self.annotations.push(Annotation {
                    kind: kind.to_owned(),
                    title,
                    text: text("arg"),
                });
            }
            _ if record["raw_output"] == true => self
                .printed
                .push(text("msg").trim_end_matches(['\r', '\n']).to_owned()),
            _ => self.finish(record),
        }
    }

    fn finish(&mut self, record: &Value) {
        if let Some(result) = record["stepResult"].as_str() {
            result.clone_into(&mut self.result);
        }
        let status = record["msg"]
            .as_str()
            .and_then(|text| text.strip_prefix("exit status "));
        if let Some(status) = status.and_then(|status| status.trim().parse().ok()) {
            self.exit = Some(status);
        }
    }
}

impl Display for WorkflowRun {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "jobs: {:?}\n{}", self.jobs, self.log.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> WorkflowRun {
        WorkflowRun::read(&lab::ProgramRun {
            code: 0,
            stdout: lines.join("\n"),
            stderr: String::new(),
            elapsed: std::time::Duration::ZERO,
            max_rss_kib: None,
        })
    }

    const JOB: &str = r#"{"jobID":"one","jobResult":"success","msg":"Job succeeded"}"#;

    #[test]
    fn a_step_has_result_exit_status_and_outputs() {
        let run = read(&[
            r#"{"jobID":"one","stage":"Main","stepID":["x","run"],"msg":"said\n","raw_output":true}"#,
            r#"{"jobID":"one","stage":"Main","stepID":["x","run"],"command":"set-output","name":"diff","arg":"a\nb"}"#,
            r#"{"jobID":"one","stage":"Main","stepID":["x","run"],"msg":"exit status 22"}"#,
            r#"{"jobID":"one","stage":"Main","stepID":["x","run"],"stepResult":"failure","msg":""}"#,
            r#"{"jobID":"one","stage":"Post","stepID":["x","run"],"stepResult":"success","msg":""}"#,
            JOB,
        ]);
        let step = run.step("one/x/run");
        assert_eq!(
            (step.result.as_str(), step.exit, run.job("one")),
            ("failure", Some(22), "success")
        );
        assert_eq!(
            (step.outputs["diff"].as_str(), step.printed.as_slice()),
            ("a\nb", &["said".to_owned()][..])
        );
    }

    #[test]
    fn a_mask_counts_the_lines_before_it() {
        let run = read(&[
            r#"{"jobID":"one","stage":"Main","stepID":["x"],"msg":"said\n","raw_output":true}"#,
            r#"{"jobID":"one","stage":"Main","stepID":["x"],"command":"add-mask","arg":"secret","msg":"***"}"#,
            JOB,
        ]);
        assert_eq!(run.step("one/x").masks, [("secret".to_owned(), 1)]);
    }

    #[test]
    #[should_panic(expected = "act skipped a job")]
    fn a_skipped_label_is_no_success() {
        read(&[
            r#"{"jobID":"one","msg":"Skipping unsupported platform -- Try running with `-P x=...`"}"#,
            JOB,
        ]);
    }

    #[test]
    #[should_panic(expected = "act ran nothing")]
    fn a_run_without_a_job_is_no_success() {
        read(&[r#"{"msg":"Couldn't get a valid docker connection","level":"warning"}"#]);
    }

    #[test]
    #[should_panic(expected = "no result of job `two`")]
    fn a_job_without_a_result_is_no_success() {
        let _ = read(&[JOB]).job("two");
    }
}
