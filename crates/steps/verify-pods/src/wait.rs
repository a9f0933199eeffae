//! Watching until all is good for long enough, something is doomed, or time is up.

mod report;
mod suspects;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contract::{Failure, Report, World};
use kubernetes::{Cluster, Kind, Scope, View, Watch};
use pods::{
    GracePeriods, NO_PODS, NOT_READY, Pod, PodHistory, Rollout, UNSCHEDULABLE, Unrecoverable,
    image::ImageMatcher, warning,
};

use crate::{
    Args, Terminating,
    convert::{self, Members},
    judge::{Demand, History, Sick, Standing},
};

/// How often it is looked at again although nothing was heard: graces and the soak go by.
const TICK: Duration = Duration::from_secs(1);
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
        let learnt = tokio::select! {
            changed = watch.changed() => changed?,
            () = world.sleep(TICK) => false,
        };
        let over = world.deadline().is_over();
        let complete = watch.views().all(|(_, view)| view.is_complete());
        if !complete {
            world.waiting_for(format!("`{}` to answer", cluster.server()));
            // Who does not wait puts the question once, and that has its own time.
            if over && (world.deadline().waits() || run.now() >= world.deadline().exchange()) {
                return Err(watch
                    .into_interruption()
                    .unwrap_or_else(|| no_answer(cluster)));
            }
            continue;
        }
        let interruption = watch.interruption();
        // GracePeriods do not go by while nobody knows how it is.
        if let Some(why) = interruption.as_ref().filter(|_| !learnt) {
            world.waiting_for(format!("`{}` to answer: {why}", cluster.server()));
            if over {
                return Err(watch
                    .into_interruption()
                    .unwrap_or_else(|| no_answer(cluster)));
            }
            continue;
        }
        let mut cases = run.look(&watch);
        run.ask_events(&mut cases).await;
        let doomed = cases
            .iter()
            .any(|case| matches!(case.standing, Standing::Doomed(_)));
        let seen = interruption.is_none();
        if doomed || (seen && (over || cases.iter().all(|case| run.is_soaked(case)))) {
            return Ok(run.report(&cases).await);
        }
        if over {
            return Err(watch
                .into_interruption()
                .unwrap_or_else(|| no_answer(cluster)));
        }
        run.say(&cases);
    }
}

fn no_answer(cluster: &Cluster<'_>) -> Failure {
    let text = format!("`{}` did not answer before the deadline", cluster.server());
    Failure::unavailable(contract::asking::TIMED_OUT, anyhow::anyhow!(text))
}

fn scopes(args: &Args) -> Vec<Scope> {
    let named: BTreeSet<Kind> = args
        .workloads
        .iter()
        .map(|it| convert::api_kind(it.kind))
        .collect();
    let kinds: Vec<Kind> = if named.is_empty() {
        Kind::ALL.to_vec()
    } else {
        named.into_iter().collect()
    };
    let mut seen = BTreeSet::new();
    let once = args
        .namespaces
        .iter()
        .filter(|namespace| seen.insert(namespace.as_str()));
    once.map(|namespace| Scope {
        namespace: namespace.clone(),
        kinds: kinds.clone(),
    })
    .collect()
}

impl<'a> Run<'a> {
    fn new(args: &'a Args, cluster: &'a Cluster<'a>, world: &'a World) -> Self {
        let graces = GracePeriods {
            pull: args.pull_grace,
            schedule: args.schedule_grace,
            max_restarts: args.max_restarts,
            ..GracePeriods::default()
        };
        let demand = Demand {
            wanted: ImageMatcher::new(
                args.image.clone(),
                args.digests.clone(),
                args.aliases.clone(),
            ),
            graces,
            allow_zero: args.allow_zero,
            ignore_terminating: args.terminating == Terminating::Ignore,
            log_lines: args.log_lines.limit(world.is_public()),
        };
        let (histories, absent) = (BTreeMap::new(), BTreeMap::new());
        let (asked, scaling, warned) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self {
            args,
            cluster,
            world,
            demand,
            histories,
            absent,
            asked,
            scaling,
            warned,
            said: None,
        }
    }

    fn now(&self) -> Duration {
        self.world.deadline().elapsed()
    }

    /// Returns whether it was good for long enough; who does not wait asks for the moment only.
    fn is_soaked(&self, case: &Case) -> bool {
        let waits = self.world.deadline().waits();
        case.soaked
            .is_some_and(|soaked| soaked >= self.args.soak || !waits)
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
                    let text = format!(
                        "no container of its template is of {}",
                        self.args.image.name()
                    );
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
            objects
                .values()
                .map(|object| convert::rollout(*kind, object))
                .collect::<Vec<_>>()
        };
        let all = view.workloads.iter().flat_map(of_kind);
        let named = |it: &Rollout| {
            self.args
                .workloads
                .iter()
                .any(|name| name.kind == it.kind && name.name == it.name)
        };
        all.filter(|it| {
            if self.args.workloads.is_empty() {
                self.is_ours(it)
            } else {
                named(it)
            }
        })
        .collect()
    }

    fn is_ours(&self, rollout: &Rollout) -> bool {
        rollout
            .images
            .iter()
            .any(|image| self.demand.wanted.is_of_repository(image))
    }

    /// What is missing: its title, and in words.
    fn absent_of(&self, found: &[Rollout], members: &Members) -> Vec<(String, String)> {
        if self.args.workloads.is_empty() {
            let nobody = found
                .is_empty()
                .then(|| (String::new(), self.nobody(members)));
            return nobody.into_iter().collect();
        }
        let titles = self.args.workloads.iter().map(ToString::to_string);
        let missing = titles.filter(|title| found.iter().all(|it| it.title() != *title));
        missing
            .map(|title| (title.clone(), format!("there is no {title}")))
            .collect()
    }

    fn nobody(&self, members: &Members) -> String {
        let image = self.args.image.name();
        let ours = |pod: &&Pod| {
            pod.all_containers()
                .any(|it| self.demand.wanted.is_of_repository(&it.image))
        };
        match members
            .strangers
            .iter()
            .filter(|pod| !pod.has_ended())
            .find(ours)
        {
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
        let unscheduled = |name: &String| {
            let pod = pods.iter().find(|pod| pod.name == *name)?;
            history.of(pod).map(PodHistory::unscheduled)
        };
        if let Standing::Doomed(Sick {
            pod: Some(pod),
            doom,
        }) = &standing
            && doom.reason == UNSCHEDULABLE
            && self.scaling.contains(pod)
            && unscheduled(pod) < Some(self.demand.graces.schedule * SCALING_GRACES)
        {
            standing = waits_for_a_node(pod);
        }
        let warnings = pods
            .iter()
            .filter_map(|pod| Some((pod, warning(pod, history.of(pod)?)?)));
        for (pod, text) in warnings.filter(|(pod, _)| !pod.outdated && self.demand.is_new(pod)) {
            let trouble = text.replacen(&pod.name, &rollout.title(), 1);
            if self.warned.insert(trouble) {
                self.world.notice(text);
            }
        }
        let soaked = history.stands(&standing);
        Case {
            namespace: namespace.to_owned(),
            title: rollout.title(),
            pods,
            standing,
            soaked,
        }
    }

    /// A workload may still be on its way, but not for ever; one that was there and is deleted is rarely
    /// made anew.
    fn nothing(&mut self, namespace: &str, title: String, text: String) -> Case {
        let (key, now) = (format!("{namespace}/{title}"), self.now());
        let gone = self.histories.contains_key(&key);
        let grace = if gone {
            self.demand.graces.config
        } else {
            self.args.schedule_grace
        };
        let text = if gone {
            format!("{text} any more: it was there before")
        } else {
            text
        };
        let since = *self.absent.entry(key).or_insert(now);
        let standing = if now.saturating_sub(since) < grace && self.world.deadline().waits() {
            Standing::NotYet(NO_PODS, text)
        } else {
            Standing::Doomed(no_pods(text))
        };
        Case {
            namespace: namespace.to_owned(),
            title,
            pods: Vec::new(),
            standing,
            soaked: None,
        }
    }
}

pub(crate) fn name_of(case: &Case) -> String {
    if case.title.is_empty() {
        case.namespace.clone()
    } else {
        format!("{}/{}", case.namespace, case.title)
    }
}

fn no_pods(text: String) -> Sick {
    Sick {
        pod: None,
        doom: Unrecoverable {
            reason: NO_PODS,
            container: None,
            text,
        },
    }
}

fn waits_for_a_node(pod: &str) -> Standing {
    Standing::NotYet(
        NOT_READY,
        format!("{pod} waits for a node that is being made"),
    )
}
