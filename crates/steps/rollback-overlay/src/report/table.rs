//! The images that an overlay had, as a table for people.

use std::time::{Duration, SystemTime};

use branch::{ImageValue, ImageValues};
use contract::Reference;

use crate::{
    judge::{OverlayJudgement, OverlayOutcome},
    observe::FileObservation,
};

/// The maximum number of images to show of each overlay.
const MAX_ROWS: usize = 20;

/// Returns the table of one overlay, newest first; `None` if it had no image.
pub(super) fn text(overlay: &OverlayJudgement) -> Option<String> {
    let file = overlay.file()?;
    let values = &file.values;
    if values.list.is_empty() {
        return None;
    }
    let rows: Vec<[String; 4]> = values
        .list
        .iter()
        .take(MAX_ROWS)
        .enumerate()
        .map(|(at, value)| cells(overlay, file, at, value))
        .collect();
    let width = rows
        .iter()
        .map(|row| row[2].len())
        .max()
        .unwrap_or_default();
    let table: String = rows.iter().map(|row| line(row, width)).collect();
    let more = values.list.len().saturating_sub(MAX_ROWS);
    let rest = match (more, values.is_whole) {
        (0, true) => String::new(),
        (0, false) => "    and older ones\n".to_owned(),
        _ => format!("    and {more} more\n"),
    };
    let path = overlay.path();
    Some(format!("images of `{path}`, newest first:\n{table}{rest}"))
}

fn line([commit, date, image, remark]: &[String; 4], width: usize) -> String {
    let line = format!("    {commit}  {date}  {image:<width$}  {remark}");
    format!("{}\n", line.trim_end())
}

fn cells(
    overlay: &OverlayJudgement,
    file: &FileObservation,
    at: usize,
    value: &ImageValue,
) -> [String; 4] {
    let mut remarks = Vec::new();
    if at == 0 {
        remarks.push("deployed".to_owned());
    }
    if is_verified(file, value) {
        remarks.push("verified".to_owned());
    }
    remarks.extend(mark(&file.values, value));
    if let OverlayOutcome::Restore(restoration) = &overlay.outcome {
        if is_set_by(restoration.bad.value.as_ref(), value) {
            remarks.push("bad".to_owned());
        }
        if is_set_by(restoration.good.value.as_ref(), value) {
            remarks.push("to be restored".to_owned());
        }
    }
    [
        value.commit.short().to_owned(),
        date(value.date),
        image(&file.values, value),
        remarks.join(", "),
    ]
}

/// Returns whether the same commit set both values.
fn is_set_by(other: Option<&ImageValue>, value: &ImageValue) -> bool {
    other.is_some_and(|other| other.commit == value.commit)
}

/// Returns the image with a short digest.
fn image(values: &ImageValues, value: &ImageValue) -> String {
    let name = value.image.split('@').next().unwrap_or_default();
    match values.reference(value).as_ref().and_then(Reference::digest) {
        Some(digest) => format!("{name}@{}", digest.short()),
        None => name.to_owned(),
    }
}

fn is_verified(file: &FileObservation, value: &ImageValue) -> bool {
    let known = file.deployments.as_ref().zip(file.values.reference(value));
    known.is_some_and(|(deployments, image)| deployments.is_good(&image))
}

fn mark(values: &ImageValues, value: &ImageValue) -> Option<String> {
    let mark = values.bad(&values.reference(value)?)?;
    Some(format!("called bad by {}", mark.by.short()))
}

/// Returns a day. The author of a commit writes its date, so it may be one that no calendar has.
fn date(seconds: i64) -> String {
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(seconds).unwrap_or_default().min(LAST);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_date_of_a_commit_is_too_far_away() {
        for (seconds, day) in [
            (i64::MIN, "1970-01-01"),
            (0, "1970-01-01"),
            (1_764_460_800, "2025-11-30"),
            (253_402_300_799, "9999-12-31"),
            (253_402_300_800, "9999-12-31"),
            (i64::MAX, "9999-12-31"),
        ] {
            assert_eq!(date(seconds), day, "{seconds}");
        }
    }
}
