#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The launcher in a made-up tree with made-up tools: no network, no root, nothing built.
set -uo pipefail
unset CARAT_PRESET CARAT_JOBS CXX
source=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
check() { # check NAME TEXT PATTERN
  if grep -qE -- "$3" <<<"$2"; then echo "ok: $1"; else
    echo "FAILED: $1: expected /$3/ in:"; sed 's/^/    /' <<<"$2"
    failures=$((failures + 1))
  fi
}
absent() { if [ -e "$2" ]; then echo "FAILED: $1: $2 is there"; failures=$((failures + 1)); else echo "ok: $1"; fi; }

tree=$work/tree bin=$work/bin log=$work/calls
mkdir -p "$tree/cmake" "$bin"
for folder in base config kernels models scoring data stages pipeline cli tests; do mkdir "$tree/$folder"; done
cp "$source/carat" "$tree/"
touch "$tree"/{CMakeLists.txt,CMakePresets.json,requirements.txt,requirements-cuda.txt} "$tree/cmake/a.cmake"
tool() { printf '#!/bin/bash\necho "%s $*" >>%q\n%s\n' "$1" "$log" "$2" >"$bin/$1"; chmod +x "$bin/$1"; }
tool dpkg-query 'echo installed'
tool apt-get 'exit 0'
tool sudo 'exit 1'
tool id 'echo 1000'
tool nvcc 'exit 1'
tool cmake 'mkdir -p "'"$tree"'/build/${CARAT_PRESET:-cpu}"; touch "'"$tree"'/build/${CARAT_PRESET:-cpu}/build.ninja"'
tool ninja 'mkdir -p "'"$tree"'/build/${CARAT_PRESET:-cpu}/bin"; printf "#!/bin/bash\necho program \"\$@\"\n" >"'"$tree"'/build/${CARAT_PRESET:-cpu}/bin/carat"; chmod +x "'"$tree"'/build/${CARAT_PRESET:-cpu}/bin/carat"'
# The launcher prefers /usr/bin/python3; make it take ours.
sed -i 's#\[ -x /usr/bin/python3 \]#[ -n "" ]#' "$tree/carat"
tool python3 'mkdir -p "$3/bin"; printf "#!/bin/bash\necho venv-python \"\$@\" >>'"$log"'; [ ! -e '"$work"'/pip-fails ] || { echo no route; exit 7; }\n" >"$3/bin/python"; chmod +x "$3/bin/python"'
run() { (cd "$work" && PATH=$bin:$PATH "$@" 2>&1 </dev/null); }

printf '#!/bin/bash\n[ "$4" = ninja-build ] || [ "$3" = ninja-build ] && exit 1\necho installed\n' >"$bin/dpkg-query"
out=$(run "$tree/carat" run x.yaml)
check "without root the apt line is printed" "$out" 'as root run: apt-get install -y --no-install-recommends ninja-build$'
absent "and nothing was made" "$tree/.venv"
tool dpkg-query 'echo installed'

touch "$work/pip-fails"
out=$(run "$tree/carat" run x.yaml)
check "a failed step names the command" "$out" 'failed: .*/.venv/bin/python -m pip install .*--require-hashes'
check "and the end of its output" "$out" '^    no route'
check "and how to go on" "$out" 'run the same ./carat command again'
absent "a failed step has no stamp" "$tree/.carat/stamps/python"
rm "$work/pip-fails"

touch "$tree/.venv/left-behind"
out=$(run "$tree/carat" run x.yaml)
check "the next call goes on and runs the program" "$out" '^program run x.yaml'
absent "with a fresh environment" "$tree/.venv/left-behind"

: >"$log"
start=$(date +%s%N)
out=$(run "$tree/carat" run 'a file.yaml' --set 'x=1 2')
took=$((($(date +%s%N) - start) / 1000000))
check "arguments arrive whole" "$out" '^program run a file.yaml --set x=1 2$'
check "nothing is done twice" "$(wc -l <"$log")" '^0$'
if [ $took -lt 500 ]; then echo "ok: with nothing to do it took $took ms"; else echo "FAILED: $took ms with nothing to do"; failures=$((failures + 1)); fi

sleep 0.01
touch "$tree/base/new.cpp"
run "$tree/carat" help >/dev/null
check "a new source file is built" "$(cat "$log")" '^ninja -C .*/build/cpu -j [0-9]+$'
: >"$log"
out=$(CARAT_PRESET=debug CARAT_JOBS=7 CXX=my++ run "$tree/carat" help)
check "CARAT_PRESET and CXX are honoured" "$(cat "$log")" '^cmake --preset debug -DCMAKE_CXX_COMPILER=my\+\+$'
check "CARAT_JOBS is honoured" "$(cat "$log")" '^ninja -C .*/build/debug -j 7$'
ln -s "$tree/carat" "$work/link"
check "it works through a link" "$(run "$work/link" models)" '^program models$'

[ $failures = 0 ] && echo "launcher: all good"
exit $failures
