//! Watches the workloads until the judgement is final or the deadline passes.

use std::{collections::BTreeSet, time::Duration};

use contract::{Failure, World};
use kubernetes::{Cluster, ClusterWatch, ControllerKind, WatchScope};

use super::{Observation, convert, events::Inquirer, progress::WaitProgress};
use crate::{
    Request,
    judge::{self, Judgement},
};

/// How often to judge again without an event: grace periods and the soak go on.
const JUDGE_INTERVAL: Duration = Duration::from_secs(1);

/// Watches until the judgement is final, and returns the last observation with its judgement.
pub(super) async fn until_final(
    request: &Request,
    cluster: &Cluster<'_>,
    world: &World,
) -> Result<(Observation, Judgement), Failure> {
    let mut watch = ClusterWatch::start(cluster, &scopes(request));
    let mut observer = Observer {
        request,
        world,
        observation: Observation::default(),
        progress: WaitProgress::default(),
        inquirer: Inquirer::new(cluster, world),
    };
    loop {
        let has_news = tokio::select! {
            changed = watch.changed() => changed?,
            () = world.sleep(JUDGE_INTERVAL) => false,
        };
        let is_over = world.deadline().is_over();
        let interruption = watch.interruption();
        if let Some(silence) = silence(&watch, interruption.as_deref(), has_news) {
            world.waiting_for(format!("`{}` to answer{silence}", cluster.server()));
            if is_over && !has_time_for_lists(&watch, world) {
                return Err(no_answer(watch, cluster));
            }
            continue;
        }
        let judgement = observer.judge(&watch).await;
        let is_answered = interruption.is_none();
        if judgement.has_failed() || (is_answered && (is_over || judgement.is_verified())) {
            return Ok((observer.observation, judgement));
        }
        if is_over {
            return Err(no_answer(watch, cluster));
        }
        observer.progress.tell(request, &judgement, world);
    }
}

/// Returns why there is nothing to judge, if so: the lists are incomplete, or a watch is
/// interrupted and reported nothing. Grace periods do not go on while the state is unknown.
fn silence(watch: &ClusterWatch<'_>, interruption: Option<&str>, has_news: bool) -> Option<String> {
    if !is_complete(watch) {
        return Some(String::new());
    }
    let why = interruption.filter(|_| !has_news)?;
    Some(format!(": {why}"))
}

fn is_complete(watch: &ClusterWatch<'_>) -> bool {
    watch.views().all(|(_, view)| view.is_complete())
}

/// Returns whether the first lists may still come after the deadline: with `--timeout 0` the step
/// asks once, and that request has a time limit of its own.
fn has_time_for_lists(watch: &ClusterWatch<'_>, world: &World) -> bool {
    let deadline = world.deadline();
    !is_complete(watch) && !deadline.waits() && deadline.elapsed() < deadline.exchange()
}

fn no_answer(watch: ClusterWatch<'_>, cluster: &Cluster<'_>) -> Failure {
    watch.into_interruption().unwrap_or_else(|| {
        let text = format!("`{}` did not answer before the deadline", cluster.server());
        Failure::unavailable(contract::asking::TIMED_OUT, anyhow::anyhow!(text))
    })
}

fn scopes(request: &Request) -> Vec<WatchScope> {
    let named: BTreeSet<ControllerKind> = request
        .workloads
        .iter()
        .map(|name| convert::controller_kind(&name.kind))
        .collect();
    let kinds: Vec<ControllerKind> = if named.is_empty() {
        ControllerKind::ALL.to_vec()
    } else {
        named.into_iter().collect()
    };
    let scope = |namespace: &String| WatchScope {
        namespace: namespace.clone(),
        kinds: kinds.clone(),
    };
    request.namespaces.iter().map(scope).collect()
}

/// What lasts from one judgement to the next.
struct Observer<'a> {
    request: &'a Request,
    world: &'a World,
    observation: Observation,
    progress: WaitProgress,
    inquirer: Inquirer<'a>,
}

impl Observer<'_> {
    /// Judges the current state, again if the answers to its questions may change the judgement.
    async fn judge(&mut self, watch: &ClusterWatch<'_>) -> Judgement {
        let namespaces = watch
            .views()
            .map(|(name, view)| convert::namespace(name, view, self.request))
            .collect();
        let now = self.world.deadline().elapsed();
        self.observation.update(self.request, namespaces, now);
        let judgement = judge::judge(self.request, &self.observation);
        self.progress.warn(&judgement, self.world);
        self.remember(&judgement);
        if self.inquirer.ask(&judgement, &mut self.observation).await {
            return judge::judge(self.request, &self.observation);
        }
        judgement
    }

    /// Remembers which workloads are good at this moment.
    fn remember(&mut self, judgement: &Judgement) {
        for workload in &judgement.workloads {
            if let Some(history) = self.observation.histories.get_mut(&workload.key()) {
                history.remember(workload.status.is_good());
            }
        }
    }
}
