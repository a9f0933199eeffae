//! The number of a pod's log lines to show.

/// The flag of the steps that show logs of pods; they flatten it into their `Args`.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct LogLines {
    /// Largest number of lines of a pod's log to show [default: 25; 0 in a public repository]
    #[arg(long, value_name = "N", help_heading = "Output")]
    log_lines: Option<usize>,
}

impl LogLines {
    /// Returns the largest number of lines to show. Without the flag a public repository shows
    /// none: everybody can read the output of its workflows.
    pub fn limit(self, repository_is_public: bool) -> usize {
        self.log_lines
            .unwrap_or(if repository_is_public { 0 } else { 25 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_repository_shows_logs_only_on_request() {
        let with = |log_lines| LogLines { log_lines };
        assert_eq!(with(None).limit(true), 0);
        assert_eq!(with(None).limit(false), 25);
        assert_eq!(with(Some(5)).limit(true), 5);
    }
}
