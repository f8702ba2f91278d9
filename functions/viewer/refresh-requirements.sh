#!/bin/sh
# Pins requirements.in into requirements.txt: every package with its hashes, for Python 3.10 to 3.12 in one file.
# Run it to take newer versions; read the diff, then run the viewer's tests on each Python before committing.
set -eu
cd "$(dirname "$0")"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" install --quiet uv
# No index in the output: whoever installs says where from. --upgrade: or uv keeps the versions that are there.
"$tools/bin/uv" pip compile requirements.in --output-file requirements.txt --upgrade --universal --python-version 3.10 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet
echo "requirements.txt: $(grep -c '^[a-z]' requirements.txt) pins"
