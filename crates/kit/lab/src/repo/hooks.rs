//! The hook at the remote, which counts, holds and refuses pushes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Counts the push; lets a race be run while git waits; refuses if there is a reason to.
///
/// One push at a time can be raced: the others wait for it.
const PRE_RECEIVE: &str = r#"#!/bin/sh
lab="$PWD/lab"
input=$(cat)
printf '%s\nend\n' "$input" >> "$lab/pushes"
while [ -e "$lab/racing" ]; do
    if mkdir "$lab/asked" 2> /dev/null; then
        while [ -e "$lab/asked" ] && [ -e "$lab/racing" ]; do sleep 0.01; done
        break
    fi
    sleep 0.01
done
if [ -e "$lab/reasons" ]; then
    cat "$lab/reasons" >&2
    exit 1
fi
while read -r _ _ ref; do
    if [ -e "$lab/protected/$ref" ]; then
        cat "$lab/protected/$ref" >&2
        exit 1
    fi
done <<END
$input
END
"#;

pub(super) fn install(repository: &Path) {
    fs::create_dir(repository.join("lab")).expect("a temporary folder");
    let hook = repository.join("hooks/pre-receive");
    fs::create_dir_all(repository.join("hooks")).expect("a temporary folder");
    fs::write(&hook, PRE_RECEIVE).expect("a temporary folder");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755))
        .expect("a file in a temporary folder");
}
