#!/bin/sh
# Prints the first python3 (3.8 or later) that starts.
#
# Asking is needed: inside the checkout pyenv's python3 serves only the version that .python-version
# names, and fails where that version is not installed.
set -eu

for python in python3 /usr/bin/python3 /usr/local/bin/python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        command -v "$python"
        exit 0
    fi
done
echo "working_python: no python3 (3.8 or later) on PATH or in /usr/bin starts" >&2
exit 1
