//! The message of the commit: one line and a reason for people, trailers for programs.

use branch::{NamedImage, Trailers};
use contract::{Commit, Reference};
use overlay::{environment, unique};

use crate::{judge::Judgement, request::Request};

/// Returns the whole message.
pub(crate) fn text(request: &Request, judgement: &Judgement) -> String {
    let title = title(request, judgement);
    let body = match &request.reason {
        Some(reason) => format!("{title}\n\n{reason}"),
        None => title,
    };
    let trailers = trailers(request, judgement);
    // A reason that looks like trailers must not become some.
    trailers.below(&body)
}

fn title(request: &Request, judgement: &Judgement) -> String {
    let environments: Vec<&str> = judgement
        .restored()
        .map(|(path, _)| environment(path))
        .collect();
    let versions = judgement.restored().map(|(_, restoration)| {
        let (bad, good) = (&restoration.bad, &restoration.good);
        format!("{} -> {}", bad.version(), good.version())
    });
    format!(
        "rollback({}): {} {}",
        environments.join(","),
        request.entry.names[0],
        unique(versions).join(", ")
    )
}

fn trailers(request: &Request, judgement: &Judgement) -> Trailers {
    Trailers {
        source: source(judgement),
        images: images(judgement),
        rollback_of: undone(judgement),
        restores: restores(judgement),
        run: request.run.clone(),
        ..Trailers::default()
    }
}

fn images(judgement: &Judgement) -> Vec<Reference> {
    let restored = judgement.restored();
    unique(restored.filter_map(|(_, restoration)| restoration.good.image.clone()))
}

/// Returns the bad images, also without a version: these lines make the commit a rollback.
fn undone(judgement: &Judgement) -> Vec<NamedImage> {
    let restored = judgement.restored();
    unique(restored.filter_map(|(_, restoration)| restoration.bad.to_named()))
}

/// Returns the commits whose values are restored.
pub(crate) fn restores(judgement: &Judgement) -> Vec<Commit> {
    let values = judgement
        .restored()
        .filter_map(|(_, restoration)| restoration.good.value.as_ref());
    unique(values.map(|value| value.commit.clone()))
}

/// Returns the source of the restored images, if all of them have the same one.
fn source(judgement: &Judgement) -> Option<Commit> {
    let sources = judgement
        .restored()
        .map(|(_, restoration)| restoration.good.value.as_ref()?.trailers.source.clone());
    match &unique(sources)[..] {
        [source] => source.clone(),
        _ => None,
    }
}
