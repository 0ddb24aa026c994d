#!/usr/bin/env bash
# Build the virtual environment given as $1 from requirements.lock. Run by `make setup`; safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}

usable() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if ! { [ -x "$venv/bin/python" ] && usable "$venv/bin/python"; }; then
  python=""
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if usable "$candidate"; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then
    echo "make setup: no Python 3.11 or newer with the venv and ensurepip modules was found." >&2
    echo "Looked for: ${PYTHON:-} python3 python3.13 python3.12 python3.11 /usr/bin/python3." >&2
    echo "Install one (on Debian: python3 and python3-venv), or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
  fi
  echo "Creating $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv"
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
echo "Installing the locked dependencies (the first time takes a few minutes)"
"$venv/bin/python" -m pip install --quiet --requirement requirements.lock
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
"$venv/bin/tower" --version
