//! What an application itself changes of the manifests in git.

use serde::Deserialize;

use super::or_default;

/// Changes of a rendered kustomization (`spec.source.kustomize`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct KustomizeOverrides {
    /// Images that win over those of the kustomization: `name=new:tag` or `name:tag`.
    #[serde(deserialize_with = "or_default")]
    pub images: Vec<String>,
}

/// Changes of a chart's values (`spec.source.helm`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct HelmOverrides {
    /// Values that win over those of the value files.
    #[serde(deserialize_with = "or_default")]
    pub parameters: Vec<HelmParameter>,
}

/// One value of a chart.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct HelmParameter {
    /// Its name, such as `image.tag`.
    pub name: String,
    /// Its value.
    pub value: String,
}
