//! The message of the commit: one line and a reason for people, trailers for programs.

use branch::Trailers;
use contract::{Commit, Reference};
use overlay::environment;

use crate::{
    plan::{Plan, Restored, Target},
    request::Request,
};

/// Returns the whole message.
pub(crate) fn text(request: &Request, plan: &Plan) -> String {
    let reason = request.reason.iter().map(|reason| format!("\n\n{reason}"));
    let body: String = [title(request, plan)].into_iter().chain(reason).collect();
    let trailers = trailers(request, plan);
    // A paragraph of their own: a reason that looks like trailers must not become some.
    format!("{body}\n\n{trailers}")
}

fn title(request: &Request, plan: &Plan) -> String {
    let environments = plan
        .restored()
        .map(|(part, _)| environment(&part.path))
        .collect::<Vec<_>>()
        .join(",");
    let steps = plan
        .restored()
        .map(|(_, restored)| format!("{} -> {}", restored.bad.version(), restored.good.version()));
    let steps = unique(steps).join(", ");
    format!(
        "rollback({environments}): {} {steps}",
        request.entry.names[0]
    )
}

fn trailers(request: &Request, plan: &Plan) -> Trailers {
    let restored: Vec<&Restored> = plan.restored().map(|(_, restored)| restored).collect();
    let images = |target: fn(&Restored) -> &Target| -> Vec<Reference> {
        unique(
            restored
                .iter()
                .filter_map(|restored| target(restored).image.clone()),
        )
    };
    Trailers {
        source: source(&restored),
        images: images(|restored| &restored.good),
        rollback_of: images(|restored| &restored.bad),
        restores: restores(plan),
        run: request.run.clone(),
    }
}

/// Returns the commits whose values are there again.
pub(crate) fn restores(plan: &Plan) -> Vec<Commit> {
    unique(
        plan.restored()
            .filter_map(|(_, restored)| Some(restored.good.value.as_ref()?.commit.clone())),
    )
}

/// Returns the source of what is restored, if all of it has the same one.
fn source(restored: &[&Restored]) -> Option<Commit> {
    let sources = restored
        .iter()
        .map(|restored| restored.good.value.as_ref()?.trailers.source.clone());
    match &unique(sources)[..] {
        [source] => source.clone(),
        _ => None,
    }
}

/// Returns each item once, in their order.
pub(crate) fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut unique = Vec::new();
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}
