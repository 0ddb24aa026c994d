#!/usr/bin/env bash
# Golden questions on a fresh sample company: accuracy by route, unproven claims, latency; then ingest and search side by
# side with stock LlamaIndex and Haystack. $1 is the tower command. With --full also every document of the corpora, a
# hundred thousand and a million passages, and what the runtimes lose: hours, and 10 GB of disk under bench/.
set -euo pipefail
cd "$(dirname "$0")/.."
tower=$1
python="$(dirname "$tower")/python"
home=bench/home
"$tower" demo --home "$home" >/dev/null
"$tower" eval --home "$home" "$home/sample/golden.jsonl" --json | tee bench/golden.json
echo "written: bench/golden.json" >&2
"$python" scripts/bench_start.py "$home" "$tower" >&2
if [ "${2:-}" = --full ]; then
  "$python" scripts/bench_vectors.py "$home" 0 >&2
  "$python" scripts/bench_scale.py bench/scale-100k --points 100000 --stock --write >&2
  "$python" scripts/bench_scale.py bench/scale-1m --points 1000000 --write >&2
  for base in . ..; do
    if [ -d "$base/shared/evals/retrieval" ]; then
      "$python" scripts/eval_retrieval.py "$base"/shared/evals/retrieval/{scifact,cranfield} --runtimes >&2
    fi
  done
else
  "$python" scripts/bench_vectors.py "$home" 60 >&2
  "$python" scripts/bench_scale.py bench/scale-40k --points 40000 --stock --write >&2
fi
echo "written: docs/benchmarks.md" >&2
