//! The flags about pods that several steps have.

use std::time::Duration;

use contract::{Digest, Reference, parse_timeout};

use crate::{
    GracePeriods,
    image::{Alias, ImageMatcher},
};

/// The flags of the steps that judge pods; they flatten it into their `Args`.
#[derive(Debug, Clone, clap::Args)]
pub struct PodFlags {
    /// Registry host in the pods that stands for another one: `mirror.example=ghcr.io`; repeat it
    #[arg(
        long = "alias",
        value_name = "HOST=HOST",
        value_delimiter = ',',
        help_heading = "Image"
    )]
    aliases: Vec<Alias>,
    /// Accept a workload that has no pods now, such as one that is scaled to zero
    #[arg(long, help_heading = "Checks")]
    allow_zero: bool,
    /// Restarts of a container that count as a crash loop; `0` turns the check off
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = "Checks")]
    max_restarts: u32,
    /// How long a pod may wait for a node, its volumes and its network
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "60s",
        value_parser = parse_timeout,
        help_heading = "Checks"
    )]
    schedule_grace: Duration,
    /// How long pulling the image may fail for a transient cause
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "90s",
        value_parser = parse_timeout,
        help_heading = "Checks"
    )]
    pull_grace: Duration,
    /// How long a Secret, ConfigMap or another setting may be missing [default: 60s for a Secret,
    /// else 10s]
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_timeout,
        help_heading = "Checks"
    )]
    config_grace: Option<Duration>,
}

impl PodFlags {
    /// Returns for how long conditions that may pass are tolerated.
    pub fn grace(&self) -> GracePeriods {
        let default = GracePeriods::default();
        GracePeriods {
            pull: self.pull_grace,
            schedule: self.schedule_grace,
            config: self.config_grace.unwrap_or(default.config),
            secret: self.config_grace.unwrap_or(default.secret),
            max_restarts: self.max_restarts,
        }
    }

    /// Returns whether a workload may have no pods.
    pub fn allows_zero(&self) -> bool {
        self.allow_zero
    }

    /// Returns the matcher of an image: it knows the aliases.
    pub fn matcher(&self, image: Reference, digests: Vec<Digest>) -> ImageMatcher {
        ImageMatcher::new(image, digests, self.aliases.clone())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct TestArgs {
        #[command(flatten)]
        pods: PodFlags,
    }

    fn parse(flags: &[&str]) -> PodFlags {
        let all = ["test"].iter().chain(flags);
        TestArgs::try_parse_from(all).unwrap().pods
    }

    #[test]
    fn the_defaults_are_those_of_the_rules() {
        let flags = parse(&[]);
        assert_eq!(flags.grace(), GracePeriods::default());
        assert!(!flags.allows_zero());
    }

    #[test]
    fn one_flag_sets_the_grace_of_all_settings() {
        let grace = parse(&["--config-grace", "25s", "--max-restarts", "5"]).grace();
        let expected = Duration::from_secs(25);
        assert_eq!((grace.config, grace.secret), (expected, expected));
        assert_eq!(grace.max_restarts, 5);
    }

    #[test]
    fn the_matcher_knows_the_aliases() {
        let flags = parse(&["--alias", "mirror.example=ghcr.io"]);
        let matcher = flags.matcher("ghcr.io/acme/app:v2".parse().unwrap(), Vec::new());
        assert!(matcher.is_named("mirror.example/acme/app:v2"));
    }
}
