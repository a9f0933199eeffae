#!/usr/bin/env bash
# Runs a step's binary, for every action beside this folder: `run.sh <step>`.
# Flags are not passed: the action sets the variables that the step reads.
set -euo pipefail

step=${1:?the name of a step}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

case "$(uname -s) $(uname -m)" in
  "Linux x86_64") target=x86_64-unknown-linux-gnu ;;
  "Linux aarch64" | "Linux arm64") target=aarch64-unknown-linux-gnu ;;
  *) target= ;;
esac

if [[ -n $target && -x $here/bin/$target/$step ]]; then
  binary=$here/bin/$target/$step
elif [[ -n ${RUNBOOK_BIN_DIR:-} && -x $RUNBOOK_BIN_DIR/$step ]]; then
  binary=$RUNBOOK_BIN_DIR/$step
elif ! binary=$(type -P "$step"); then
  echo "error: no binary of \`$step\` for $(uname -s) $(uname -m) in this action, in RUNBOOK_BIN_DIR or on PATH" >&2
  echo "hint: build it with \`cargo build --release -p $step\` and set RUNBOOK_BIN_DIR to the folder that it is in" >&2
  exit 2
fi
exec "$binary"
