#!/bin/sh
# Make .venv and install what a requirements file pins: once per content of the file, so a second start costs nothing.
# Use: deploy/environment.sh requirements.txt
set -eu
cd "$(dirname "$0")/.."

refuse() { printf '%s\n' "$1" >&2; exit 1; }

# The first Python that is new enough; a pyenv shim may exist and still not run, hence the trial.
find_python() {
    for python in ${PYTHON:-python3.11 python3 python3.12 python3.13}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "no Python")
    refuse "Python 3.11 or newer is needed and $found was found; install one (Debian: sudo apt-get install python3.11 python3.11-venv) or name it with PYTHON=/path/to/python3.11."
}

make_venv() {
    python=$(find_python)
    # Debian ships venv without ensurepip and fails half-way; asking first says so in one sentence.
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        refuse "The venv module of $python is missing; install it with: sudo apt-get install $(package_of "$python")."
    printf 'Making .venv with %s\n' "$("$python" --version)"
    "$python" -m venv --clear .venv
}

package_of() { "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'; }

wanted=$1
stamp=.venv/.installed-$(printf %s "$wanted" | tr / -)
# Each includes the one before it: deploy/requirements-web.txt, requirements.txt, tests/requirements.txt.
content=$(cat deploy/requirements-*.txt requirements.txt "$wanted" 2>/dev/null | cksum)

.venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv
[ "$(cat "$stamp" 2>/dev/null)" = "$content" ] && exit 0
printf 'Installing what %s pins: some 2 GB and a few minutes the first time\n' "$wanted"
.venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --requirement "$wanted" ||
    refuse "The packages that $wanted pins could not be installed; pip's last lines say why, and running this again goes on from here."
printf '%s' "$content" >"$stamp"
