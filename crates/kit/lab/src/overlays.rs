//! Overlays in the manner of real ones: a block of comments, aligned remarks, an image to be
//! replaced.
//!
//! ```
//! use lab::overlays::SampleOverlay;
//!
//! let overlay = SampleOverlay::prod("sha-9b04d52a").image("example/app");
//! let text = overlay.new_name("registry.test/example/app").text();
//! assert!(text.contains("newTag: sha-9b04d52a    # The same build that ran in stage"));
//! ```

/// The text of an overlay for development, of the image `example/dex`.
#[must_use]
pub fn dev(tag: &str) -> String {
    SampleOverlay::dev(tag).text()
}

/// The text of an overlay for tests, of the image `example/dex`.
#[must_use]
pub fn stage(tag: &str) -> String {
    SampleOverlay::stage(tag).text()
}

/// The text of an overlay for users, of the image `example/dex`.
#[must_use]
pub fn prod(tag: &str) -> String {
    SampleOverlay::prod(tag).text()
}

/// One overlay, to be adjusted.
#[must_use = "take its text"]
#[derive(Clone, Debug)]
pub struct SampleOverlay {
    environment: &'static str,
    header: &'static [&'static str],
    replicas: (u32, &'static str),
    tag: (String, &'static str),
    name: String,
    new_name: String,
}

impl SampleOverlay {
    /// Describes development.
    pub fn dev(tag: &str) -> Self {
        let header = &[
            "DEV overlay — few resources, much logging.",
            "Argo CD applies it to dex-dev.",
        ];
        let replicas = (2, "Two pods, so that rolling updates are tried here");
        Self::new(
            "dev",
            header,
            replicas,
            (tag.to_owned(), "Pinned to one build"),
        )
    }

    /// Describes the rehearsal.
    pub fn stage(tag: &str) -> Self {
        let header = &[
            "STAGE overlay — like production, for the last tests.",
            "Same resources as prod.",
        ];
        let replicas = (2, "The least that prod may have");
        Self::new(
            "stage",
            header,
            replicas,
            (tag.to_owned(), "Goes to prod once it has proven itself"),
        )
    }

    /// Describes production.
    pub fn prod(tag: &str) -> Self {
        let header = &[
            "PROD overlay — what users see.",
            "3 replicas, warnings only, higher limits.",
            "Only builds that ran in stage come here.",
        ];
        let replicas = (3, "More, for the traffic of users");
        Self::new(
            "prod",
            header,
            replicas,
            (tag.to_owned(), "The same build that ran in stage"),
        )
    }

    /// Sets the name that the base has for the image (`example/dex`), and the new name to go with
    /// it.
    pub fn image(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self.new_name = format!("registry.example/{name}");
        self
    }

    /// Sets the name that the image gets instead (`registry.example/example/dex`).
    pub fn new_name(mut self, new_name: &str) -> Self {
        new_name.clone_into(&mut self.new_name);
        self
    }

    /// Returns the path at which such an overlay stands in its repository.
    #[must_use]
    pub fn path(&self) -> String {
        format!(
            "infra/argocd/overlays/{}/kustomization.yaml",
            self.environment
        )
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            environment,
            replicas,
            tag,
            name,
            new_name,
            ..
        } = self;
        let header = self
            .header
            .iter()
            .map(|line| format!("# {line}\n"))
            .collect::<String>();
        let resources = remark("  - ../../base", "Everything from the base");
        let count = remark(&format!("    count: {}", replicas.0), replicas.1);
        let new_tag = remark(&format!("    newTag: {}", tag.0), tag.1);
        let patch = remark(
            "  - path: deployment.yaml",
            "Settings and limits of this environment",
        );
        format!(
            "{RULER}{header}{RULER}\
             apiVersion: kustomize.config.k8s.io/v1beta1\n\
             kind: Kustomization\n\n\
             namespace: dex-{environment}\n\n\
             resources:\n{resources}\n\
             replicas:\n  - name: dex\n{count}\n\
             images:\n  - name: {name}\n    newName: {new_name}\n{new_tag}\n\
             patches:\n{patch}"
        )
    }

    fn new(
        environment: &'static str,
        header: &'static [&'static str],
        replicas: (u32, &'static str),
        tag: (String, &'static str),
    ) -> Self {
        let new = Self {
            environment,
            header,
            replicas,
            tag,
            name: String::new(),
            new_name: String::new(),
        };
        new.image("example/dex")
    }
}

const RULER: &str = "# ---------------------------------------------------------------\n";

/// Returns a line with a remark that starts in column 29 where there is room for it.
fn remark(line: &str, remark: &str) -> String {
    format!("{line:<24}    # {remark}\n")
}
