//! Outages: requests that fail for a while although the application is known.

use std::{collections::BTreeMap, time::Duration};

use contract::Failure;

/// How long requests may fail: Argo CD may restart while the step waits.
const OUTAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// What cannot be read at times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OutageSubject {
    State,
    /// The pods, and the rendered manifests.
    Pods,
}

impl OutageSubject {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::State => "cannot be read",
            Self::Pods => "has pods that cannot be read",
        }
    }
}

/// The start and the last failure of each outage.
#[derive(Debug, Default)]
pub(super) struct Outages(BTreeMap<OutageSubject, (Duration, Failure)>);

impl Outages {
    /// Takes in a failure.
    ///
    /// # Errors
    /// The failure itself, once the outage has lasted too long.
    pub(super) fn failed(
        &mut self,
        subject: OutageSubject,
        failure: Failure,
        now: Duration,
    ) -> Result<(), Failure> {
        let since = self.0.get(&subject).map_or(now, |(since, _)| *since);
        if now.saturating_sub(since) >= OUTAGE_TIMEOUT {
            return Err(failure);
        }
        self.0.insert(subject, (since, failure));
        Ok(())
    }

    pub(super) fn ended(&mut self, subject: OutageSubject) {
        self.0.remove(&subject);
    }

    /// Takes out the last failure of an outage that has not ended, if any.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.0.pop_first().map(|(_, (_, failure))| failure)
    }
}

#[cfg(test)]
mod tests {
    use contract::asking;

    use super::*;

    fn failure() -> Failure {
        Failure::unavailable(asking::UNREACHABLE, anyhow::anyhow!("connection refused"))
    }

    #[test]
    fn an_outage_is_tolerated_for_a_minute() {
        let (mut outages, subject) = (Outages::default(), OutageSubject::State);
        let mut fails = |at| {
            outages
                .failed(subject, failure(), Duration::from_secs(at))
                .is_err()
        };
        assert!(!fails(10) && !fails(69));
        assert!(fails(70));
        outages.ended(subject);
        assert!(outages.take_failure().is_none());
    }
}
