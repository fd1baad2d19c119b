#!/bin/sh
# Prints the path of a uv that works, fetching one from PyPI into FOLDER where there is none.
#
# Usage: bootstrap_uv.sh FOLDER VERSION
#   FOLDER   private folder for uv, e.g. .uv
#   VERSION  the version to fetch; a uv on PATH must be at least MINIMUM below
#
# A uv on PATH is asked before it is trusted: pyenv's shim for it exists under every Python version
# but works under the one that installed it only.
set -eu

MINIMUM="0.8"  # reads this lock file's format
folder=$1
version=$2

works() {  # works UV: it answers, and is not older than MINIMUM
    answer=$("$1" --version 2>/dev/null) || return 1
    found=$(printf '%s\n' "$answer" | sed -n 's/^uv \([0-9][0-9.]*\).*/\1/p')
    [ -n "$found" ] || return 1
    [ "$(printf '%s\n%s\n' "$MINIMUM" "$found" | sort -V | head -n 1)" = "$MINIMUM" ]
}

for candidate in "$folder/bin/uv" "$folder/site/bin/uv" uv; do
    if works "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done

python=$("$(dirname "$0")/working_python.sh")
echo "fetching uv $version from PyPI into $folder" >&2
rm -rf "$folder"
if "$python" -m venv "$folder" >/dev/null 2>&1; then
    "$folder/bin/python" -m pip install --quiet --no-input "uv==$version" >&2
    uv="$folder/bin/uv"
elif rm -rf "$folder" && "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip install --quiet --no-input --target "$folder/site" "uv==$version" >&2
    uv="$folder/site/bin/uv"
else
    echo "bootstrap_uv: $python has neither venv nor pip, and no uv is on PATH;" \
        "install one of them (Debian: apt-get install python3-venv)" >&2
    exit 1
fi

works "$uv" || { echo "bootstrap_uv: the uv fetched into $folder does not start" >&2; exit 1; }
printf '%s\n' "$uv"
