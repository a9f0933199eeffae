//! The images that an overlay had, as a table for people.

use std::time::{Duration, SystemTime};

use branch::{ImageValue as Value, ImageValues as Values};
use contract::Reference;

use crate::plan::{Part, Then};

/// How many images are shown of each overlay.
const SHOWN: usize = 20;

/// Returns the table of one overlay, newest first.
pub(crate) fn text(part: &Part) -> String {
    let values = &part.values;
    let rows: Vec<[String; 4]> = values
        .list
        .iter()
        .take(SHOWN)
        .enumerate()
        .map(|row| cells(part, row))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or_default()
    };
    let line = |[commit, date, image, remark]: &[String; 4]| {
        let line = format!(
            "    {commit}  {date}  {image:<width$}  {remark}",
            width = width(2)
        );
        format!("{}\n", line.trim_end())
    };
    let table: String = rows.iter().map(line).collect();
    let more = values.list.len().saturating_sub(SHOWN);
    let rest = match (more, values.is_whole) {
        (0, true) => String::new(),
        (0, false) => "    and older ones\n".to_owned(),
        _ => format!("    and {more} more\n"),
    };
    format!("images of `{}`, newest first:\n{table}{rest}", part.path)
}

fn cells(part: &Part, (at, value): (usize, &Value)) -> [String; 4] {
    let mut remarks = Vec::new();
    remarks.extend((at == 0).then(|| "deployed".to_owned()));
    remarks.extend(is_verified(part, value).then(|| "verified".to_owned()));
    remarks.extend(mark(&part.values, value));
    if let Then::Restored(restored) = &part.then {
        let is = |other: &Option<Value>| {
            other
                .as_ref()
                .is_some_and(|other| other.commit == value.commit)
        };
        remarks.extend(is(&restored.bad.value).then(|| "bad".to_owned()));
        remarks.extend(is(&restored.good.value).then(|| "to be restored".to_owned()));
    }
    [
        value.commit.short().to_owned(),
        date(value.date),
        image(&part.values, value),
        remarks.join(", "),
    ]
}

/// Returns the image with a short digest.
fn image(values: &Values, value: &Value) -> String {
    let name = value.image.split('@').next().unwrap_or_default();
    match values.reference(value).as_ref().and_then(Reference::digest) {
        Some(digest) => format!("{name}@{}", digest.short()),
        None => name.to_owned(),
    }
}

fn is_verified(part: &Part, value: &Value) -> bool {
    let known = part.known.as_ref().zip(part.values.reference(value));
    known.is_some_and(|(known, image)| known.is_good(&image))
}

fn mark(values: &Values, value: &Value) -> Option<String> {
    let mark = values.bad(&values.reference(value)?)?;
    Some(format!("called bad by {}", mark.by.short()))
}

fn date(seconds: i64) -> String {
    let since = Duration::from_secs(seconds.try_into().unwrap_or_default());
    let text = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string();
    text.chars().take(10).collect()
}
