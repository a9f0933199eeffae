//! The last step: synced and healthy, and now the pods.

use std::time::Duration;

use argocd::Refresh;
use contract::{Failure, Verdict};
use serde_json::Value;

use super::{About, Ending, Follow, Happened, Outcome};
use crate::{
    judge::{Wait, at},
    live::{self, Proof, Rendered},
    look::{Closer, Look},
    reasons::{IMAGE_NOT_LIVE, NEWER_IMAGE},
};

/// Between two looks at the pods.
const LOOKS: Duration = Duration::from_secs(2);
/// Before everything is rendered anew, which costs a server much.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pods of before go, and the tree follows the cluster, within so long.
const GRACE: Duration = Duration::from_secs(20);

/// What is known of the image.
#[derive(Debug, Default)]
pub(super) struct Proving {
    /// Since when everything else says yes.
    since: Option<Duration>,
    look: Option<Look>,
    looked_at: Option<Duration>,
    rendered: Option<Rendered>,
    rendering: bool,
    hard: Hard,
    /// What the pods run, once that is proven.
    pub(super) image: Option<String>,
}

/// The one refresh that forgets what was rendered before.
#[derive(Debug, Default, PartialEq, Eq)]
enum Hard {
    #[default]
    NotAsked,
    Asked,
    Done,
}

impl Proving {
    /// Not everything says yes any more: what was seen of the pods is of before.
    pub(super) fn restart(&mut self) {
        (self.since, self.look, self.looked_at, self.rendered) = (None, None, None, None);
    }

    /// Takes a look, unless it began before everything else said yes.
    pub(super) fn looked(&mut self, look: Look) {
        self.look = self.looked_at.map(|_| look);
    }

    /// Everything was rendered anew.
    pub(super) fn is_fresh(&mut self) {
        self.hard = Hard::Done;
        self.rendered = None;
    }
}

impl Follow<'_> {
    pub(super) fn deployed(&mut self) -> Option<Outcome> {
        let now = self.now();
        let lasts = now.saturating_sub(*self.proving.since.get_or_insert(now));
        let Some(image) = &self.wanted.image else {
            return Some(self.passed());
        };
        let Some(look) = self.proving.look.take() else {
            self.look_at_all(now);
            return None;
        };
        let said = match live::prove(image, &look) {
            Proof::Live(text) => {
                self.proving.image = Some(text);
                return Some(self.passed());
            }
            Proof::Starting(text) => return self.hold(text),
            Proof::Other(text) => text,
            Proof::Nobody => format!("no pod runs {}", image.reference().name()),
        };
        self.not_live(said, lasts)
    }

    /// With a digest each pod is asked for its own. The first look is at once.
    fn look_at_all(&mut self, now: Duration) {
        let early = self
            .proving
            .looked_at
            .is_some_and(|at| now.saturating_sub(at) < LOOKS);
        if early || self.pace.looking {
            return;
        }
        self.proving.looked_at = Some(now);
        let by_digest = self
            .wanted
            .image
            .as_ref()
            .is_some_and(pods::image::ImageMatcher::is_by_digest);
        self.look(if by_digest { Closer::All } else { Closer::Sick });
    }

    fn hold(&mut self, text: String) -> Option<Outcome> {
        let state = format!(
            "Synced and Healthy at {}, but {text}",
            at(self.wanted, &self.known)
        );
        self.wait(Wait {
            reason: IMAGE_NOT_LIVE,
            state,
            asks: Vec::new(),
        });
        None
    }

    /// Argo CD says yes and the pods say no: either the commit wants something else, or somebody is
    /// behind, or what was rendered is not what the commit says (argo-cd#26530).
    fn not_live(&mut self, said: String, lasts: Duration) -> Option<Outcome> {
        let state = format!(
            "is Synced and Healthy at {}, but {said}",
            at(self.wanted, &self.known)
        );
        match self.proving.rendered.clone() {
            None => {
                self.ask_what_was_rendered();
                self.hold(said)
            }
            Some(Rendered::Other(other)) if self.is_later() => {
                Some(Outcome::End(self.superseded(&other)))
            }
            Some(rendered)
                if self.proving.hard == Hard::Done
                    && (lasts >= GRACE || matches!(rendered, Rendered::Other(_))) =>
            {
                Some(Outcome::End(contradicted(state, &rendered)))
            }
            Some(_) => {
                if lasts >= PATIENCE {
                    self.refresh_hard();
                }
                self.hold(said)
            }
        }
    }

    /// Returns whether it is at a descendant of the commit.
    pub(super) fn is_later(&self) -> bool {
        self.known
            .revisions(self.wanted)
            .iter()
            .any(|it| it != self.wanted.commit.as_str())
    }

    pub(super) fn superseded(&self, other: &str) -> Ending {
        let state = format!(
            "is at {}, which deploys {other}",
            at(self.wanted, &self.known)
        );
        Ending::new(Verdict::Superseded, NEWER_IMAGE, state)
    }

    fn refresh_hard(&mut self) {
        if self.proving.hard == Hard::NotAsked {
            self.proving.hard = Hard::Asked;
            self.refresh_now(Refresh::Hard);
        }
    }

    fn ask_what_was_rendered(&mut self) {
        if !std::mem::replace(&mut self.proving.rendering, true) {
            let (argocd, app) = (self.argocd, self.app);
            self.job(async move { Happened::Rendered(argocd.rendered(app).await) });
        }
    }

    pub(super) fn rendered(
        &mut self,
        result: Result<Vec<Value>, Failure>,
    ) -> Result<bool, Failure> {
        self.proving.rendering = false;
        match (result, &self.wanted.image) {
            (Ok(objects), Some(image)) => {
                self.proving.rendered = Some(live::rendered(image, &objects))
            }
            (Ok(_), None) => {}
            (Err(failure), _) => self.stumble(About::Pods, failure)?,
        }
        Ok(true)
    }

    fn passed(&self) -> Outcome {
        Outcome::End(Ending::passed(format!(
            "deployed {}",
            at(self.wanted, &self.known)
        )))
    }
}

fn contradicted(state: String, rendered: &Rendered) -> Ending {
    let ending = Ending::new(Verdict::Contradicted, IMAGE_NOT_LIVE, state);
    match rendered {
        Rendered::Other(other) => ending.hinted(format!("the commit deploys {other}: is `--image` right?")),
        Rendered::Wanted => ending.hinted("the rendered manifests name the image: see what changes the pods, such as a webhook or another controller"),
        Rendered::Nothing => ending.hinted("nothing that the application renders names the image's repository: is `--image` right?"),
    }
}
