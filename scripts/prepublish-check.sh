#!/bin/sh
# The launch runbook's name for `make prepublish`; arguments are passed on, as in
#   ./scripts/prepublish-check.sh --only configuration
set -eu
cd "$(dirname "$0")/.."
exec make --no-print-directory prepublish ARGS="$*"
