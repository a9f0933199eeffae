//! The files of a new step, from the folder `template`.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};

/// The purpose of the step in the template.
pub(super) const SENTENCE: &str = "Check that a file exists";

/// The files of the template by their path in the step's folder.
const FILES: [(&str, &str); 9] = [
    (
        "Cargo.toml",
        include_str!("../../template/Cargo.template.toml"),
    ),
    ("src/lib.rs", include_str!("../../template/src/lib.rs")),
    ("src/main.rs", include_str!("../../template/src/main.rs")),
    (
        "src/request.rs",
        include_str!("../../template/src/request.rs"),
    ),
    (
        "src/reasons.rs",
        include_str!("../../template/src/reasons.rs"),
    ),
    (
        "src/observe.rs",
        include_str!("../../template/src/observe.rs"),
    ),
    ("src/judge.rs", include_str!("../../template/src/judge.rs")),
    (
        "src/report.rs",
        include_str!("../../template/src/report.rs"),
    ),
    ("tests/cli.rs", include_str!("../../template/tests/cli.rs")),
];

/// The spellings of a step's name.
#[derive(Debug)]
pub(super) struct StepNames {
    /// `check-sample`
    pub(super) package: String,
    /// `check_sample`
    pub(super) library: String,
    /// `CheckSample`
    pub(super) type_name: String,
}

impl StepNames {
    /// Checks a name.
    pub(super) fn new(name: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = name.split('-').collect();
        ensure!(
            words.iter().all(|word| is_word(word)),
            "invalid name `{name}`: use lowercase words with hyphens, such as `check-image`"
        );
        Ok(Self {
            package: name.to_owned(),
            library: words.join("_"),
            type_name: words.into_iter().map(capitalized).collect(),
        })
    }
}

fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// Writes the files of the template under the names of the step.
pub(super) fn write(folder: &Path, names: &StepNames, sentence: &str) -> anyhow::Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        let text = text
            .replace(SENTENCE, sentence)
            .replace("check-sample", &names.package)
            .replace("check_sample", &names.library)
            .replace("CheckSample", &names.type_name);
        fs::create_dir_all(path.parent().unwrap_or(folder))
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("could not write `{}`", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::StepNames;

    #[test]
    fn a_name_has_three_spellings() {
        let names = StepNames::new("verify-oci-v2").unwrap();
        assert_eq!(names.library, "verify_oci_v2");
        assert_eq!(names.type_name, "VerifyOciV2");
    }

    #[test]
    fn a_name_is_kebab_case() {
        for name in [
            "",
            "Check-image",
            "check_image",
            "check--image",
            "-check",
            "check-2",
        ] {
            assert!(StepNames::new(name).is_err(), "{name}");
        }
    }
}
