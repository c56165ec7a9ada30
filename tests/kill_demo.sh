#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills the demo with -9 at ten random moments, each time followed by the same command, and compares the packed file and
# the sheet with an undisturbed run. Usage: tests/kill_demo.sh [RECIPE] [SECONDS between kills, at most]
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
recipe=${1:-recipes/demo.yaml} most=${2:-40}
name=$(basename "$recipe" .yaml)
./carat setup
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { exec ./build/"${CARAT_PRESET:-cpu}"/bin/carat-engine run "$recipe" --device cpu --runs "$1" --checkpoint-seconds 5; }

(run "$work/whole") >"$work/whole.log"
for kill in 1 2 3 4 5 6 7 8 9 10; do
  (run "$work/killed") >>"$work/killed.log" &
  sleep "$((2 + RANDOM % most))"
  if kill -9 $! 2>/dev/null; then echo "killed $kill: $(tail -n 1 "$work/killed.log")"; else echo "$kill: had ended"; fi
  wait $! 2>/dev/null || true
done
(run "$work/killed") >>"$work/killed.log"
for file in score_sheet.json score_sheet.md stages/07-pack/model.carat; do
  cmp "$work/whole/$name/$file" "$work/killed/$name/$file"
done
echo "the same bytes after ten kills: $(sha256sum <"$work/whole/$name/stages/07-pack/model.carat" | cut -c1-16)"
