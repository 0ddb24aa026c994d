#!/usr/bin/env bash
# Golden questions on a fresh sample company: accuracy by route, unproven claims, latency; then the vector search side
# by side with stock LlamaIndex. $1 is the tower command.
set -euo pipefail
cd "$(dirname "$0")/.."
tower=$1
home=bench/home
"$tower" demo --home "$home" >/dev/null
"$tower" eval --home "$home" "$home/sample/golden.jsonl" --json | tee bench/golden.json
echo "written: bench/golden.json" >&2
"$(dirname "$tower")/python" scripts/bench_vectors.py "$home" >&2
echo "written: docs/benchmarks.md" >&2
