use super::*;

#[track_caller]
fn all_same(addresses: &[&str]) {
    for one in addresses {
        for other in addresses {
            assert!(is_same_repository(one, other), "{one} {other}");
        }
    }
}

#[test]
fn every_spelling_of_github_is_one_repository() {
    let addresses = [
        "https://github.com/Data-Literate/DEX.git",
        "https://github.com/data-literate/dex/",
        "https://github.com/data-literate/dex.git/",
        "https://x-access-token:t@github.com/data-literate/dex",
        "https://www.github.com:443/data-literate/dex",
        "http://github.com/data-literate/dex",
        "git@github.com:data-literate/dex.git",
        "git@github.com:/data-literate/dex.git",
        "org-1234@github.com:data-literate/dex.git",
        "github.com:data-literate/dex",
        "github.com/data-literate/dex",
        "ssh://git@github.com/data-literate/dex",
        "ssh://git@github.com:22/data-literate/dex.git",
        "ssh://git@ssh.github.com:443/data-literate/dex.git",
        "git+ssh://git@github.com/data-literate/dex.git",
        "git://github.com/data-literate/dex.git",
    ];
    all_same(&addresses);
    for found in addresses {
        assert!(is_same_repository("data-literate/dex", found), "{found}");
        assert!(
            is_same_repository("Data-Literate/dex.git", found),
            "{found}"
        );
    }
}

#[test]
fn subgroups_belong_to_the_name() {
    let addresses = [
        "https://gitlab.com/group/sub/dex.git",
        "git@gitlab.com:group/sub/dex.git",
        "ssh://git@gitlab.com:22/group/sub/dex",
        "ssh://git@altssh.gitlab.com:443/group/sub/dex.git",
    ];
    all_same(&addresses);
    for found in addresses {
        assert!(is_same_repository("group/sub/dex", found), "{found}");
        assert!(!is_same_repository("sub/dex", found), "{found}");
        assert!(!is_same_repository("group/dex", found), "{found}");
    }
    all_same(&[
        "https://gitlab.example.org:8443/group/dex",
        "ssh://git@gitlab.example.org:2222/group/dex.git",
    ]);
}

#[test]
fn every_spelling_of_azure_devops_is_one_repository() {
    all_same(&[
        "https://dev.azure.com/acme/My%20Project/_git/dex",
        "https://acme@dev.azure.com/acme/My Project/_git/dex",
        "https://acme.visualstudio.com/My%20Project/_git/dex",
        "https://acme.visualstudio.com/DefaultCollection/My%20Project/_git/dex",
        "git@ssh.dev.azure.com:v3/acme/My%20Project/dex",
        "acme@vs-ssh.visualstudio.com:v3/acme/My%20Project/dex",
        "ssh://git@ssh.dev.azure.com:22/v3/acme/My%20Project/dex",
    ]);
    all_same(&[
        "https://dev.azure.com/acme/_git/dex",
        "https://dev.azure.com/acme/dex/_git/dex",
        "git@ssh.dev.azure.com:v3/acme/dex/dex",
    ]);
}

#[test]
fn every_spelling_of_bitbucket_is_one_repository() {
    all_same(&[
        "https://user@bitbucket.org/acme/dex.git",
        "git@bitbucket.org:acme/dex.git",
        "ssh://git@altssh.bitbucket.org:443/acme/dex.git",
    ]);
    all_same(&[
        "https://bitbucket.example.org/scm/ACME/dex.git",
        "ssh://git@bitbucket.example.org:7999/acme/dex.git",
    ]);
}

#[test]
fn paths_of_this_machine_are_repositories() {
    all_same(&["file:///srv/remote.git", "/srv/remote.git", "/srv/remote"]);
    assert!(!is_same_repository(
        "srv/remote",
        "https://example.org/x/srv/remote"
    ));
}

#[test]
fn other_repositories_are_others() {
    for (one, other) in [
        (
            "data-literate/dex",
            "https://github.com/evil-data-literate/dex",
        ),
        ("a/b", "https://github.com/a/bc"),
        ("https://github.com/a/b", "https://example.org/a/b"),
        (
            "https://git.example.org:3000/a/b",
            "https://git.example.org:4000/a/b",
        ),
        ("git@github.com:a/b.git", "git@gitlab.com:a/b.git"),
        (
            "https://dev.azure.com/acme/p/_git/one",
            "https://dev.azure.com/acme/p/_git/two",
        ),
    ] {
        assert!(!is_same_repository(one, other), "{one} {other}");
    }
}
