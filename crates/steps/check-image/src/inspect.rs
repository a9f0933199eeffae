//! Looking at what is there: is it an image, is it the right one, is it whole?

use contract::{Digest, Failure, Reason, Reference, Report, Subject, World};
use futures_util::future::try_join_all;
use registry::{Answer, Child, Kind, Manifest, Platform, Repository};

use crate::{Args, DANGLING_INDEX, Facts, NOT_AN_IMAGE, PLATFORM_MISSING, TAG_MOVED};

/// One runnable image: of an index, or the only one.
struct Runnable {
    platform: Option<Platform>,
    manifest: Digest,
    config: Option<Digest>,
    /// Why it cannot run, if it cannot.
    broken: Option<(Reason, String)>,
}

/// Judges the manifest that was found.
pub(crate) async fn image(
    args: &Args,
    manifest: Manifest,
    repository: &Repository<'_>,
    mut facts: Facts,
    world: &World,
) -> Result<Report, Failure> {
    if let Some(wanted) = args
        .image
        .digest()
        .filter(|wanted| **wanted != manifest.digest)
    {
        return Ok(moved(args, wanted, &manifest.digest).with_facts(&facts));
    }
    let digest = manifest.digest.clone();
    let pinned = args.image.pinned(digest.clone()).to_string();
    facts.digest = Some(digest.to_string());
    world.learn(&facts);
    let images = match manifest.kind {
        Kind::Index(children) => children_of(args.shallow, children, repository).await?,
        Kind::Image(config) => {
            let is_shallow = args.shallow && args.platforms.is_empty();
            vec![only_one(is_shallow, digest.clone(), config, repository).await?]
        }
        Kind::Schema1 => {
            return Ok(not_an_image(args, "a legacy schema1 manifest").with_facts(&facts));
        }
        Kind::Artifact(kind) => {
            return Ok(not_an_image(args, &format!("`{kind}`")).with_facts(&facts));
        }
    };
    facts.platforms = Some(
        images
            .iter()
            .filter_map(|image| image.platform.as_ref())
            .map(ToString::to_string)
            .collect(),
    );
    facts.digests = Some(digests(&digest, &images));
    let report = judge(args, &images, &digest);
    // Only a good image is passed on: an output that is there is used.
    facts.image = report.verdict.is_good().then_some(pinned.clone());
    Ok(report.with_facts(&facts).with_value(pinned))
}

/// Returns the platforms of an image, all of them; `None` when it is not there, or one cannot be told.
pub(crate) async fn platforms(
    image: &Reference,
    repository: &Repository<'_>,
) -> Result<Option<Vec<Platform>>, Failure> {
    let Answer::Found(manifest) = repository.manifest(image.selector()).await? else {
        return Ok(None);
    };
    let images = match manifest.kind {
        Kind::Index(children) => children_of(true, children, repository).await?,
        Kind::Image(config) => vec![only_one(false, manifest.digest, config, repository).await?],
        Kind::Schema1 | Kind::Artifact(_) => return Ok(None),
    };
    Ok(images.into_iter().map(|image| image.platform).collect())
}

/// Reads what an index names, all at once: an index whose images were deleted still answers 200.
async fn children_of(
    is_shallow: bool,
    children: Vec<Child>,
    repository: &Repository<'_>,
) -> Result<Vec<Runnable>, Failure> {
    try_join_all(children.into_iter().map(|child| async move {
        let mut image = Runnable {
            platform: child.platform,
            manifest: child.digest,
            config: None,
            broken: None,
        };
        // A platform that the index leaves out is in the configuration; it is never assumed.
        if !is_shallow || image.platform.is_none() {
            look_into(&mut image, repository).await?;
        }
        Ok(image)
    }))
    .await
}

async fn look_into(image: &mut Runnable, repository: &Repository<'_>) -> Result<(), Failure> {
    match repository.manifest(image.manifest.as_str()).await? {
        Answer::Found(manifest) => match manifest.kind {
            Kind::Image(config) => {
                if image.platform.is_none() {
                    read_platform(image, &config, repository).await?;
                }
                image.config = Some(config);
            }
            _ => {
                image.broken = Some((
                    NOT_AN_IMAGE,
                    "the index names something that is no image".to_owned(),
                ))
            }
        },
        Answer::Absent(_) => {
            image.broken = Some((
                DANGLING_INDEX,
                format!("the index names {}, which is not there", image.manifest),
            ));
        }
    }
    Ok(())
}

async fn read_platform(
    image: &mut Runnable,
    config: &Digest,
    repository: &Repository<'_>,
) -> Result<(), Failure> {
    match repository.config(config).await? {
        Some(config) => {
            image.platform = config.platform();
            if image.platform.is_none() {
                image.broken = Some((
                    NOT_AN_IMAGE,
                    "its configuration names no platform, as a signature's".to_owned(),
                ));
            }
        }
        None => {
            image.broken = Some((
                DANGLING_INDEX,
                format!("its configuration {config} is not there"),
            ))
        }
    }
    Ok(())
}

/// A single manifest does not say its platform; its configuration does.
async fn only_one(
    is_shallow: bool,
    digest: Digest,
    config: Digest,
    repository: &Repository<'_>,
) -> Result<Runnable, Failure> {
    let mut image = Runnable {
        platform: None,
        manifest: digest,
        config: Some(config.clone()),
        broken: None,
    };
    if !is_shallow {
        read_platform(&mut image, &config, repository).await?;
    }
    Ok(image)
}

fn digests(index: &Digest, images: &[Runnable]) -> Vec<String> {
    let mut digests = vec![index.to_string()];
    for image in images {
        for digest in [Some(&image.manifest), image.config.as_ref()]
            .into_iter()
            .flatten()
        {
            if !digests.contains(&digest.to_string()) {
                digests.push(digest.to_string());
            }
        }
    }
    digests
}

/// One subject for each required platform; without any, one for each that is there.
fn judge(args: &Args, images: &[Runnable], digest: &Digest) -> Report {
    let has = list(images);
    let required: Vec<Subject> = args
        .platforms
        .iter()
        .map(|platform| required(platform, images, &has))
        .collect();
    let subjects = if required.is_empty() {
        images.iter().map(subject).collect()
    } else {
        required
    };
    let Some(mut report) = Report::about(subjects) else {
        return not_an_image(args, "an index that names no image");
    };
    if report.verdict.is_good() {
        let platforms = if has.is_empty() {
            String::new()
        } else {
            format!(" for {has}")
        };
        report.summary = format!("{} is there{platforms}, {}", args.image, digest.short());
        return report;
    }
    report.summary = format!("{}: {}", args.image, report.summary);
    let hint = if report.reason == Some(PLATFORM_MISSING) {
        "build it for this platform as well (`platforms:` of docker/build-push-action), or leave it out of `--platform`"
    } else {
        "push the image again; a clean-up of untagged versions deletes what an index needs"
    };
    report.hinted(hint)
}

fn required(platform: &Platform, images: &[Runnable], has: &str) -> Subject {
    match images
        .iter()
        .find(|image| image.platform.as_ref() == Some(platform))
    {
        Some(image) => subject(image),
        None => {
            let has = if has.is_empty() { "none" } else { has };
            let summary = format!("missing platform {platform} (has {has})");
            Subject::refused(platform.to_string(), PLATFORM_MISSING, summary)
        }
    }
}

fn subject(image: &Runnable) -> Subject {
    let name = image
        .platform
        .as_ref()
        .map_or_else(|| image.manifest.short().to_owned(), ToString::to_string);
    let subject = match &image.broken {
        Some((reason, why)) => Subject::refused(name, *reason, why.clone()),
        None => Subject::passed(name, image.manifest.short()),
    };
    subject.with_fact("digest", image.manifest.to_string())
}

fn list(images: &[Runnable]) -> String {
    let platforms = images.iter().filter_map(|image| image.platform.as_ref());
    platforms
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn moved(args: &Args, wanted: &Digest, found: &Digest) -> Report {
    let tag = args
        .image
        .tag()
        .map(|tag| format!("tag {tag} now points to"))
        .unwrap_or_default();
    Report::refused(TAG_MOVED, format!("{tag} {}, not to {}, in {}", found.short(), wanted.short(), args.image.name()))
        .hinted(format!("somebody pushed the tag again; deploy what it means now as `{}`, or the old image by `@{wanted}` alone", args.image.pinned(found.clone())))
}

fn not_an_image(args: &Args, what: &str) -> Report {
    Report::refused(
        NOT_AN_IMAGE,
        format!("{} is not a runnable container image: {what}", args.image),
    )
    .hinted(
        "check the repository and the tag: charts and signatures are often kept beside the image",
    )
}
