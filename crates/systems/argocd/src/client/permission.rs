//! The permission that a request needs, and the policy line that grants it.

use crate::id::ApplicationId;

/// The permission that a request needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequiredPermission {
    pub(crate) resource: &'static str,
    pub(crate) action: &'static str,
}

/// Reads an application and everything of it except logs.
pub(crate) const GET: RequiredPermission = RequiredPermission {
    resource: "applications",
    action: "get",
};

/// What Argo CD says it denied: `permission denied: applications, get, default/dex, sub: ci, iat: …`
/// (argo-cd, `util/rbac/rbac.go`, `EnforceErr`).
#[derive(Debug, Default, PartialEq, Eq)]
struct DeniedRequest<'a> {
    /// `PROJECT/NAME`, or `PROJECT/NAMESPACE/NAME` in another namespace than Argo CD's.
    object: Option<&'a str>,
    /// `ci` for an account, `proj:PROJECT:ROLE` for a role of a project.
    subject: Option<&'a str>,
}

impl<'a> DeniedRequest<'a> {
    fn read(message: &'a str) -> Self {
        let Some(list) = message.strip_prefix("permission denied: ") else {
            return Self::default();
        };
        let words: Vec<&str> = list.split(", ").collect();
        let mut named = words.iter();
        Self {
            object: words.get(2).copied().filter(|word| word.contains('/')),
            subject: named.find_map(|word| word.strip_prefix("sub: ")),
        }
    }

    /// Returns project and role, if the token is one of a project's role.
    fn project_role(&self) -> Option<(&'a str, &'a str)> {
        self.subject?.strip_prefix("proj:")?.split_once(':')
    }
}

impl RequiredPermission {
    pub(super) fn verb(self) -> &'static str {
        match (self.resource, self.action) {
            ("logs", _) => "read the logs of",
            (_, "sync") => "sync",
            _ => "see",
        }
    }

    /// Returns where to add which line of a policy.
    pub(super) fn hint(self, app: &ApplicationId, message: &str) -> String {
        let denied = DeniedRequest::read(message);
        let object = match denied.object {
            Some(object) => object.to_owned(),
            None => object(app),
        };
        let line = |subject: &str| {
            let Self { resource, action } = self;
            format!("p, {subject}, {resource}, {action}, {object}, allow")
        };
        let Some((project, role)) = denied.project_role() else {
            return format!("add to `argocd-rbac-cm`: `{}`", line("role:ci"));
        };
        if !object.starts_with(&format!("{project}/")) {
            return format!(
                "the token is one of project {project}, whose roles see no application of another \
                 project: create a token of a role in the application's project"
            );
        }
        let line = line(&format!("proj:{project}:{role}"));
        format!("add to `spec.roles[{role}].policies` of AppProject {project}: `{line}`")
    }
}

fn object(app: &ApplicationId) -> String {
    let project = app.project.as_deref().unwrap_or("*");
    match &app.namespace {
        Some(namespace) => format!("{project}/{namespace}/{}", app.name),
        None => format!("{project}/{}", app.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(namespace: Option<&str>, message: &str) -> String {
        let app = ApplicationId {
            name: "dex".to_owned(),
            project: Some("shop".to_owned()),
            namespace: namespace.map(str::to_owned),
        };
        GET.hint(&app, message)
    }

    #[test]
    fn a_line_names_the_application_as_argocd_does() {
        let line = |object: &str| {
            format!("add to `argocd-rbac-cm`: `p, role:ci, applications, get, {object}, allow`")
        };
        assert_eq!(hint(None, "permission denied"), line("shop/dex"));
        assert_eq!(
            hint(Some("team"), "permission denied"),
            line("shop/team/dex")
        );
        let said = "permission denied: applications, get, shop/apps/dex, sub: ci, iat: 2026";
        assert_eq!(hint(None, said), line("shop/apps/dex"));
    }

    #[test]
    fn a_role_of_a_project_has_its_policies_there() {
        let said = |object: &str| {
            format!("permission denied: applications, get, {object}, sub: proj:shop:ci, iat: 2026")
        };
        assert_eq!(
            hint(None, &said("shop/dex")),
            "add to `spec.roles[ci].policies` of AppProject shop: \
             `p, proj:shop:ci, applications, get, shop/dex, allow`"
        );
        let elsewhere = hint(None, &said("default/dex"));
        assert!(
            elsewhere.contains("in the application's project"),
            "{elsewhere}"
        );
    }
}
