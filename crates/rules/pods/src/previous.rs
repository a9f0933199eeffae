//! The template before the change: what a failure has in common with it is not the change's fault.

use crate::{
    ADMISSION, CLUSTER_POLICY, CONFIG_ERROR, SETTINGS_MISSING, Unrecoverable, image::ImageMatcher,
};

/// The template that a workload had before the present one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PreviousTemplate {
    /// Nothing is known of it.
    #[default]
    Unknown,
    /// The workload is new, and had none.
    None,
    /// It is known.
    Known {
        /// The words in which a node or the API server says that an object is missing, for each
        /// object that the template names.
        complaints: Vec<String>,
        /// Whether the present one differs from it in nothing but images.
        has_same_shape: bool,
    },
}

impl PreviousTemplate {
    /// Returns whether the change brought what a message complains about.
    fn lacks(&self, message: &str) -> bool {
        match self {
            Self::Unknown => false,
            Self::None => true,
            Self::Known {
                complaints,
                has_same_shape,
            } => {
                let mut complaints = complaints.iter();
                !has_same_shape && !complaints.any(|complaint| message.contains(complaint))
            }
        }
    }
}

impl Unrecoverable {
    /// Returns the failure with the fault that the previous template proves. An object that is
    /// missing, and a policy, blame the change only if the change brought what they complain about:
    /// the previous template names no such object, or a policy names the image.
    #[must_use]
    pub fn proven(self, previous: &PreviousTemplate, image: &ImageMatcher) -> Self {
        let is_new = previous.lacks(&self.text);
        let reason = match self.reason {
            SETTINGS_MISSING if is_new => CONFIG_ERROR,
            CLUSTER_POLICY if is_new || image.is_named_in(&self.text) => ADMISSION,
            reason => reason,
        };
        Self { reason, ..self }
    }
}

#[cfg(test)]
mod tests {
    use contract::Reason;

    use super::*;

    fn known(complaint: &str, has_same_shape: bool) -> PreviousTemplate {
        PreviousTemplate::Known {
            complaints: vec![complaint.to_owned()],
            has_same_shape,
        }
    }

    fn proven(reason: Reason, text: &str, previous: &PreviousTemplate) -> Reason {
        let image = "ghcr.io/data-literate/dex:v2".parse().unwrap();
        let image = ImageMatcher::new(image, Vec::new(), Vec::new());
        let failure = Unrecoverable::of_pod(reason, text.to_owned());
        failure.proven(previous, &image).reason
    }

    #[test]
    fn a_missing_object_of_before_blames_no_change() {
        let text = "container dex: CreateContainerConfigError: secret \"db\" not found";
        let reason = |previous: &PreviousTemplate| proven(SETTINGS_MISSING, text, previous);
        assert_eq!(reason(&PreviousTemplate::Unknown), SETTINGS_MISSING);
        assert_eq!(reason(&PreviousTemplate::None), CONFIG_ERROR);
        let named = "secret \"db\" not found";
        assert_eq!(reason(&known(named, false)), SETTINGS_MISSING);
        assert_eq!(
            reason(&known("secret \"other\" not found", false)),
            CONFIG_ERROR
        );
        let same = known("secret \"other\" not found", true);
        assert_eq!(reason(&same), SETTINGS_MISSING, "only the image changed");
    }

    #[test]
    fn a_policy_blames_what_the_change_brought() {
        let security = "pods cannot be created: pods \"dex-5\" is forbidden: violates PodSecurity";
        let reason =
            |text: &str, previous: &PreviousTemplate| proven(CLUSTER_POLICY, text, previous);
        assert_eq!(reason(security, &PreviousTemplate::Unknown), CLUSTER_POLICY);
        assert_eq!(reason(security, &PreviousTemplate::None), ADMISSION);
        assert_eq!(reason(security, &known("unrelated", true)), CLUSTER_POLICY);
        assert_eq!(reason(security, &known("unrelated", false)), ADMISSION);
        let of_image = "admission webhook \"v\" denied the request: no signature of \
                        ghcr.io/data-literate/dex:v2, see the policy";
        assert_eq!(reason(of_image, &known("unrelated", true)), ADMISSION);
        let of_other = of_image.replace("dex:v2", "other:v2");
        assert_eq!(reason(&of_other, &known("unrelated", true)), CLUSTER_POLICY);
    }

    #[test]
    fn other_failures_are_not_touched() {
        let reason = proven(crate::CRASH_LOOP, "crashed", &PreviousTemplate::Unknown);
        assert_eq!(reason, crate::CRASH_LOOP);
    }
}
