//! What is said: while it is waited for, and in the end.

use std::{collections::BTreeSet, time::Duration};

use contract::{Report, Subject, Verdict};
use pods::{NO_PODS, image::digest_of};

use super::{Case, Run, name_of};
use crate::{
    Facts, PodFact, diagnose,
    judge::{History, Sick, Standing, kept_by, too_short},
};

/// How often the same reasons are said with other numbers.
const SAYING: Duration = Duration::from_secs(3);

impl Run<'_> {
    /// Says what is waited for: at once when it is something else, now and then while only numbers change.
    pub(super) fn say(&mut self, cases: &[Case]) {
        self.world.learn_subjects(
            &cases
                .iter()
                .map(|case| self.subject(case))
                .collect::<Vec<_>>(),
        );
        self.world.learn(&self.facts(cases));
        let ((about, text), now) = (self.awaited(cases), self.now());
        if self
            .said
            .as_ref()
            .is_some_and(|(at, said)| *said == about && now < *at + SAYING)
        {
            return;
        }
        self.said = Some((now, about));
        self.world.waiting_for(text);
    }

    /// Returns what is waited for: the reasons, and in words.
    fn awaited(&self, cases: &[Case]) -> (Vec<String>, String) {
        let (mut reasons, mut words) = (Vec::new(), Vec::new());
        for case in cases {
            if let Standing::NotYet(reason, text) = &case.standing {
                reasons.push(format!("{} {}", name_of(case), reason.word));
                words.push(format!("{}: {text}", name_of(case)));
            }
        }
        let text = match words.is_empty() {
            true => format!("all pods to stay ready for {} s", self.args.soak.as_secs()),
            false => format!("the pods: {}", words.join("; ")),
        };
        (reasons, text)
    }

    pub(super) async fn report(&self, cases: &[Case]) -> Report {
        let subjects = cases.iter().map(|case| self.subject(case)).collect();
        // At least one namespace is required, and each has a case.
        let Some(mut report) = Report::about(subjects) else {
            return Report::refused(NO_PODS, "no namespace was given");
        };
        if cases.len() == 1 || report.verdict != Verdict::Passed {
            let worst = cases
                .iter()
                .find(|case| self.subject(case).summary == report.summary);
            let name = worst.map(name_of).unwrap_or_default();
            report.summary = format!("{name}: {}", report.summary);
        } else {
            report.summary = format!(
                "all pods of {} workloads run {} and are ready",
                cases.len(),
                self.args.image
            );
        }
        if report.verdict == Verdict::Passed && self.world.deadline().waits() {
            report
                .summary
                .push_str(&format!(", for {} s", self.args.soak.as_secs()));
        }
        if self.demand.ignore_terminating {
            let going = cases
                .iter()
                .flat_map(|case| &case.pods)
                .filter(|pod| pod.is_terminating());
            going.for_each(|pod| {
                self.world
                    .notice(format!("{} is still terminating{}", pod.name, kept_by(pod)));
            });
        }
        let report = report.with_facts(&self.facts(cases));
        diagnose::explain(report, cases, &self.demand, self.cluster, self.world).await
    }

    fn subject(&self, case: &Case) -> Subject {
        let name = name_of(case);
        match &case.standing {
            Standing::Doomed(Sick { pod, doom }) => {
                let pod = pod
                    .as_ref()
                    .map(|pod| format!("{pod}, "))
                    .unwrap_or_default();
                Subject::refused(name, doom.reason, format!("{pod}{}", doom.text))
            }
            Standing::NotYet(reason, text) => {
                Subject::new(name, Verdict::NotYet, Some(*reason), text.clone())
            }
            Standing::Good(text) if self.is_soaked(case) => Subject::passed(name, text.clone()),
            Standing::Good(_) => {
                let key = format!("{}/{}", case.namespace, case.title);
                let empty = History::default();
                let history = self.histories.get(&key).unwrap_or(&empty);
                let soaked = case.soaked.unwrap_or_default();
                let (reason, text) = too_short(history, soaked, self.args.soak);
                Subject::new(name, Verdict::NotYet, Some(reason), text)
            }
        }
    }

    fn facts(&self, cases: &[Case]) -> Facts {
        let wanted = &self.demand.wanted;
        let all = cases.iter().flat_map(|case| &case.pods);
        let pods: Vec<PodFact> = all
            .filter(|pod| !pod.has_ended() && !pod.is_terminating())
            .map(|pod| {
                let ours = pod
                    .all_containers()
                    .find(|it| wanted.is_of_repository(&it.image));
                PodFact {
                    namespace: pod.namespace.clone(),
                    name: pod.name.clone(),
                    node: pod.node.clone(),
                    digest: ours
                        .and_then(|it| digest_of(&it.image_id))
                        .map(|digest| digest.to_string()),
                    ready: pod.is_ready(),
                }
            })
            .collect();
        let digests: BTreeSet<String> = pods.iter().filter_map(|pod| pod.digest.clone()).collect();
        Facts {
            digests: Some(digests.into_iter().collect()),
            pods: Some(pods),
            waited: Some(self.now().as_secs()),
        }
    }
}
