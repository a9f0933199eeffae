//! Watching until all is good for long enough, something is doomed, or time is up.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contract::{Failure, Report, Subject, Verdict, World};
use kubernetes::{Cluster, Event, Kind, Scope, View, Watch};
use pods::{
    Doom, Graces, NO_PODS, NOT_READY, Pod, Rollout, UNSCHEDULABLE, failed_create, failed_mount,
    image::{Wanted, digest_of},
    warning,
};

use crate::{
    Args, Facts, PodFact, Terminating,
    convert::{self, Members},
    diagnose,
    judge::{Demand, History, Sick, Standing, kept_by, too_short},
};

/// How often it is looked at again although nothing was heard: graces and the soak go by.
const TICK: Duration = Duration::from_secs(1);
/// How often events are asked for while something is suspicious.
const EVENTS: Duration = Duration::from_secs(15);
/// How often the same reasons are said with other numbers.
const SAYING: Duration = Duration::from_secs(3);
/// What autoscalers say of a pod for which they make a node: the cluster's own, and Karpenter.
const SCALING: [&str; 2] = ["TriggeredScaleUp", "Nominated"];
/// How many schedule graces a node that is being made has.
const SCALING_GRACES: u32 = 5;

/// One workload, or the lack of one.
pub(crate) struct Case {
    pub(crate) namespace: String,
    /// `deployment/dex`; empty for the namespace itself.
    pub(crate) title: String,
    pub(crate) pods: Vec<Pod>,
    pub(crate) standing: Standing,
    soaked: Option<Duration>,
}

/// Everything that is known, from look to look.
struct Run<'a> {
    args: &'a Args,
    cluster: &'a Cluster<'a>,
    world: &'a World,
    demand: Demand,
    histories: BTreeMap<String, History>,
    /// Since when there is no such workload.
    absent: BTreeMap<String, Duration>,
    /// When events were asked for, by what they are about.
    asked: BTreeMap<String, Duration>,
    /// Pods for which nodes are being made.
    scaling: BTreeSet<String>,
    /// What was warned of: the same trouble of many pods is said once.
    warned: BTreeSet<String>,
    /// When it was said last what is waited for, and which reasons there were.
    said: Option<(Duration, Vec<String>)>,
}

/// Watches, and reports.
pub(crate) async fn until_verified(
    args: &Args,
    cluster: &Cluster<'_>,
    world: &World,
) -> Result<Report, Failure> {
    let mut watch = Watch::start(cluster, &scopes(args));
    let mut run = Run::new(args, cluster, world);
    loop {
        tokio::select! {
            changed = watch.changed() => changed?,
            () = world.sleep(TICK) => {}
        }
        let over = world.deadline().is_over();
        let complete = watch.views().all(|(_, view)| view.is_complete());
        if !complete {
            world.waiting_for(format!("`{}` to answer", cluster.server()));
            // Who does not wait puts the question once, and that has its own time.
            if over && (world.deadline().waits() || run.now() >= world.deadline().exchange()) {
                return Err(watch.into_interruption().unwrap_or_else(|| no_answer(cluster)));
            }
            continue;
        }
        let mut cases = run.look(&watch);
        run.ask_events(&mut cases).await;
        let interruption = watch.interruption();
        let soaked =
            |case: &Case| case.soaked.is_some_and(|soaked| soaked >= args.soak || !world.deadline().waits());
        let doomed = cases.iter().any(|case| matches!(case.standing, Standing::Doomed(_)));
        if doomed || (interruption.is_none() && cases.iter().all(soaked)) {
            return Ok(run.report(&cases).await);
        }
        if over {
            return match watch.into_interruption() {
                Some(failure) => Err(failure),
                None => Ok(run.report(&cases).await),
            };
        }
        run.say(&cases, interruption);
    }
}

fn no_answer(cluster: &Cluster<'_>) -> Failure {
    let text = format!("`{}` did not answer before the deadline", cluster.server());
    Failure::unavailable(contract::asking::TIMED_OUT, anyhow::anyhow!(text))
}

fn scopes(args: &Args) -> Vec<Scope> {
    let named: BTreeSet<Kind> = args.workloads.iter().map(|it| convert::api_kind(it.kind)).collect();
    let kinds: Vec<Kind> = if named.is_empty() { Kind::ALL.to_vec() } else { named.into_iter().collect() };
    let mut seen = BTreeSet::new();
    let once = args.namespaces.iter().filter(|namespace| seen.insert(namespace.as_str()));
    once.map(|namespace| Scope { namespace: namespace.clone(), kinds: kinds.clone() }).collect()
}

impl<'a> Run<'a> {
    fn new(args: &'a Args, cluster: &'a Cluster<'a>, world: &'a World) -> Self {
        let graces = Graces {
            pull: args.pull_grace,
            schedule: args.schedule_grace,
            max_restarts: args.max_restarts,
            ..Graces::default()
        };
        let demand = Demand {
            wanted: Wanted::new(args.image.clone(), args.digests.clone(), args.aliases.clone()),
            graces,
            allow_zero: args.allow_zero,
            ignore_terminating: args.terminating == Terminating::Ignore,
        };
        let (histories, absent) = (BTreeMap::new(), BTreeMap::new());
        let (asked, scaling, warned) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { args, cluster, world, demand, histories, absent, asked, scaling, warned, said: None }
    }

    fn now(&self) -> Duration {
        self.world.deadline().elapsed()
    }

    /// Judges everything that was heard.
    fn look(&mut self, watch: &Watch<'_>) -> Vec<Case> {
        let mut cases = Vec::new();
        for (namespace, view) in watch.views() {
            let (found, mut members) = (self.workloads(view), Members::sorted(view));
            for rollout in &found {
                cases.push(if self.is_ours(rollout) {
                    self.judge(namespace, rollout, members.take(rollout))
                } else {
                    let text = format!("no container of its template is of {}", self.args.image.name());
                    self.nothing(namespace, rollout.title(), text)
                });
            }
            for (title, text) in self.absent_of(&found, &members) {
                cases.push(self.nothing(namespace, title, text));
            }
        }
        cases
    }

    /// Those that are named, or all whose template has the image.
    fn workloads(&self, view: &View) -> Vec<Rollout> {
        let of_kind = |(kind, objects): (&Kind, &BTreeMap<_, _>)| {
            objects.values().map(|object| convert::rollout(*kind, object)).collect::<Vec<_>>()
        };
        let all = view.workloads.iter().flat_map(of_kind);
        let named = |it: &Rollout| {
            self.args.workloads.iter().any(|name| name.kind == it.kind && name.name == it.name)
        };
        all.filter(|it| if self.args.workloads.is_empty() { self.is_ours(it) } else { named(it) }).collect()
    }

    fn is_ours(&self, rollout: &Rollout) -> bool {
        rollout.images.iter().any(|image| self.demand.wanted.is_of_repository(image))
    }

    /// What is missing: its title, and in words.
    fn absent_of(&self, found: &[Rollout], members: &Members) -> Vec<(String, String)> {
        if self.args.workloads.is_empty() {
            let nobody = found.is_empty().then(|| (String::new(), self.nobody(members)));
            return nobody.into_iter().collect();
        }
        let titles = self.args.workloads.iter().map(ToString::to_string);
        let missing = titles.filter(|title| found.iter().all(|it| it.title() != *title));
        missing.map(|title| (title.clone(), format!("there is no {title}"))).collect()
    }

    fn nobody(&self, members: &Members) -> String {
        let image = self.args.image.name();
        let ours = |pod: &&Pod| pod.all_containers().any(|it| self.demand.wanted.is_of_repository(&it.image));
        match members.strangers.iter().filter(|pod| !pod.has_ended()).find(ours) {
            Some(pod) => format!(
                "no Deployment, StatefulSet or DaemonSet has {image}; {} belongs to none of them",
                pod.name
            ),
            None => format!("no pod runs {image}"),
        }
    }

    fn judge(&mut self, namespace: &str, rollout: &Rollout, pods: Vec<Pod>) -> Case {
        let (key, now) = (format!("{namespace}/{}", rollout.title()), self.now());
        self.absent.remove(&key);
        let history = self.histories.entry(key).or_default();
        history.observe(rollout, &pods, now);
        let mut standing = self.demand.judge(rollout, &pods, history);
        if let Standing::Doomed(Sick { pod: Some(pod), doom }) = &standing
            && doom.reason == UNSCHEDULABLE
            && self.scaling.contains(pod)
            && self.demand.graces.schedule * SCALING_GRACES > now
        {
            standing = waits_for_a_node(pod);
        }
        let warnings = pods.iter().filter_map(|pod| Some((pod, warning(pod, history.of(pod)?)?)));
        for (pod, text) in warnings.filter(|(pod, _)| !pod.outdated && self.demand.is_new(pod)) {
            let trouble = text.replacen(&pod.name, &rollout.title(), 1);
            if self.warned.insert(trouble) {
                self.world.notice(text);
            }
        }
        let soaked = history.stands(&standing);
        Case { namespace: namespace.to_owned(), title: rollout.title(), pods, standing, soaked }
    }

    /// A workload may still be on its way, but not for ever; one that was there and is deleted is rarely
    /// made anew.
    fn nothing(&mut self, namespace: &str, title: String, text: String) -> Case {
        let (key, now) = (format!("{namespace}/{title}"), self.now());
        let gone = self.histories.contains_key(&key);
        let grace = if gone { self.demand.graces.config } else { self.args.schedule_grace };
        let text = if gone { format!("{text} any more: it was there before") } else { text };
        let since = *self.absent.entry(key).or_insert(now);
        let standing = if now.saturating_sub(since) < grace && self.world.deadline().waits() {
            Standing::NotYet(NO_PODS, text)
        } else {
            Standing::Doomed(no_pods(text))
        };
        Case { namespace: namespace.to_owned(), title, pods: Vec::new(), standing, soaked: None }
    }

    /// Asks for what only events and the namespace itself tell, now and then.
    async fn ask_events(&mut self, cases: &mut [Case]) {
        for case in cases {
            let key = format!("{}/{}", case.namespace, case.title);
            let changed = match &case.standing {
                Standing::NotYet(NO_PODS, _) => self.ask_namespace(&case.namespace).await,
                Standing::NotYet(..) => self.ask_suspects(case, &key).await,
                Standing::Doomed(Sick { pod: Some(pod), doom }) if doom.reason == UNSCHEDULABLE => {
                    self.ask_autoscaler(&case.namespace, pod).await
                }
                _ => None,
            };
            if let Some(standing) = changed {
                case.standing = standing;
            }
        }
    }

    async fn ask_autoscaler(&mut self, namespace: &str, pod: &str) -> Option<Standing> {
        let events = self.events(namespace, pod).await;
        let scales = events.iter().any(|event| SCALING.contains(&event.reason.as_str()));
        (scales && self.scaling.insert(pod.to_owned())).then(|| waits_for_a_node(pod))
    }

    async fn ask_namespace(&mut self, namespace: &str) -> Option<Standing> {
        if self.asked.insert(format!("namespace {namespace}"), self.now()).is_some() {
            return None;
        }
        // Whoever may not ask is not told, and waits.
        let there = self.cluster.has_namespace(namespace).await.ok().flatten()?;
        (!there).then(|| Standing::Doomed(no_pods(format!("there is no namespace {namespace}"))))
    }

    /// Asks for the events of what takes suspiciously long.
    async fn ask_suspects(&mut self, case: &Case, key: &str) -> Option<Standing> {
        let stuck = self.stuck(case, key);
        let object = match &stuck {
            Some(pod) => pod.clone(),
            None if self.misses_pods(case, key) => case.title.split_once('/')?.1.to_owned(),
            None => return None,
        };
        let (now, about) = (self.now(), format!("{}/{object}", case.namespace));
        if self.asked.get(&about).is_some_and(|last| now.saturating_sub(*last) < EVENTS) {
            return None;
        }
        self.asked.insert(about, now);
        let events = self.events(&case.namespace, &object).await;
        let doom = if stuck.is_some() { mount_failed(&events) } else { create_failed(&events) };
        Some(Standing::Doomed(Sick { pod: stuck, doom: doom? }))
    }

    /// Returns a pod whose containers are not created within the schedule grace: volumes, or the network.
    fn stuck(&self, case: &Case, key: &str) -> Option<String> {
        let history = self.histories.get(key)?;
        let lasts = |pod: &Pod| history.of(pod).is_some_and(|it| it.creating() >= self.args.schedule_grace);
        let pod = case
            .pods
            .iter()
            .find(|pod| self.demand.is_new(pod) && !pod.outdated && !pod.is_terminating() && lasts(pod))?;
        Some(pod.name.clone())
    }

    /// A Deployment's condition tells why pods cannot be created; the others only tell it by events.
    fn misses_pods(&self, case: &Case, key: &str) -> bool {
        let lasts = |history: &History| history.missing() >= self.demand.graces.config;
        self.histories.get(key).is_some_and(lasts) && !case.title.starts_with("deployment/")
    }

    async fn events(&self, namespace: &str, object: &str) -> Vec<Event> {
        diagnose::events(self.cluster, self.world, namespace, object).await
    }

    /// Says what is waited for: at once when it is something else, now and then while only numbers change.
    fn say(&mut self, cases: &[Case], interruption: Option<String>) {
        self.world.learn_subjects(&cases.iter().map(|case| self.subject(case)).collect::<Vec<_>>());
        self.world.learn(&self.facts(cases));
        let ((about, text), now) = (self.awaited(cases, interruption), self.now());
        if self.said.as_ref().is_some_and(|(at, said)| *said == about && now < *at + SAYING) {
            return;
        }
        self.said = Some((now, about));
        self.world.waiting_for(text);
    }

    /// Returns what is waited for: the reasons, and in words.
    fn awaited(&self, cases: &[Case], interruption: Option<String>) -> (Vec<String>, String) {
        if let Some(why) = interruption {
            return (vec!["no answer".to_owned()], format!("`{}` to answer: {why}", self.cluster.server()));
        }
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

    async fn report(&self, cases: &[Case]) -> Report {
        let subjects = cases.iter().map(|case| self.subject(case)).collect();
        // At least one namespace is required, and each has a case.
        let Some(mut report) = Report::about(subjects) else {
            return Report::refused(NO_PODS, "no namespace was given");
        };
        if cases.len() == 1 || report.verdict != Verdict::Passed {
            let worst = cases.iter().find(|case| self.subject(case).summary == report.summary);
            let name = worst.map(name_of).unwrap_or_default();
            report.summary = format!("{name}: {}", report.summary);
        } else {
            report.summary =
                format!("all pods of {} workloads run {} and are ready", cases.len(), self.args.image);
        }
        if report.verdict == Verdict::Passed && self.world.deadline().waits() {
            report.summary.push_str(&format!(", for {} s", self.args.soak.as_secs()));
        }
        if self.demand.ignore_terminating {
            let going = cases.iter().flat_map(|case| &case.pods).filter(|pod| pod.is_terminating());
            going.for_each(|pod| {
                self.world.notice(format!("{} is still terminating{}", pod.name, kept_by(pod)));
            });
        }
        let report = report.with_facts(&self.facts(cases));
        diagnose::explain(report, cases, &self.demand, self.cluster, self.world).await
    }

    fn subject(&self, case: &Case) -> Subject {
        let name = name_of(case);
        let soaked = case.soaked.unwrap_or_default();
        match &case.standing {
            Standing::Doomed(Sick { pod, doom }) => {
                let pod = pod.as_ref().map(|pod| format!("{pod}, ")).unwrap_or_default();
                Subject::refused(name, doom.reason, format!("{pod}{}", doom.text))
            }
            Standing::NotYet(reason, text) => {
                Subject::new(name, Verdict::NotYet, Some(*reason), text.clone())
            }
            Standing::Good(text) if soaked >= self.args.soak || !self.world.deadline().waits() => {
                Subject::passed(name, text.clone())
            }
            Standing::Good(_) => {
                let key = format!("{}/{}", case.namespace, case.title);
                let empty = History::default();
                let history = self.histories.get(&key).unwrap_or(&empty);
                let (reason, text) = too_short(history, soaked, self.args.soak);
                Subject::new(name, Verdict::NotYet, Some(reason), text)
            }
        }
    }

    fn facts(&self, cases: &[Case]) -> Facts {
        let wanted = &self.demand.wanted;
        let all = cases.iter().flat_map(|case| &case.pods).filter(|pod| !pod.has_ended());
        let pods: Vec<PodFact> = all
            .map(|pod| {
                let ours = pod.all_containers().find(|it| wanted.is_of_repository(&it.image));
                PodFact {
                    namespace: pod.namespace.clone(),
                    name: pod.name.clone(),
                    node: pod.node.clone(),
                    digest: ours.and_then(|it| digest_of(&it.image_id)).map(|digest| digest.to_string()),
                    ready: pod.is_ready() && !pod.is_terminating(),
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

pub(crate) fn name_of(case: &Case) -> String {
    if case.title.is_empty() { case.namespace.clone() } else { format!("{}/{}", case.namespace, case.title) }
}

fn no_pods(text: String) -> Sick {
    Sick { pod: None, doom: Doom { reason: NO_PODS, container: None, text } }
}

fn waits_for_a_node(pod: &str) -> Standing {
    Standing::NotYet(NOT_READY, format!("{pod} waits for a node that is being made"))
}

fn mount_failed(events: &[Event]) -> Option<Doom> {
    events.iter().rev().find_map(|event| failed_mount(&event.reason, &event.message))
}

/// Events stay for an hour: one that was followed by a success is over.
fn create_failed(events: &[Event]) -> Option<Doom> {
    let last = events.iter().rev().find(|event| event.reason.ends_with("Create"))?;
    if last.reason == "FailedCreate" { failed_create(&last.message) } else { None }
}
