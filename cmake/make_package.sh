#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make_package.sh SOURCE BUILD VERSION COMPILER: assembles the relocatable folder and packs it.
set -euo pipefail
source=$1 build=$2 version=$3 compiler=$4
name=carat-$version-x86_64
folder=$build/$name
limit=$((40 * 1024 * 1024))

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/tests-bin" "$folder/lib" "$folder/tests"
cp "$build/bin/carat" "$build/bin/carat-engine" "$folder/bin/"
[ ! -e "$build/bin/libcarat_cuda_graph.so" ] || cp "$build/bin/libcarat_cuda_graph.so" "$folder/bin/"
cp "$build"/tests/*_test "$folder/tests-bin/"
cp "$build/bench/gpu_check" "$folder/tests-bin/"
# The first reads the source tree; the others stand in for a GPU, on machines that compile.
rm -f "$folder"/tests-bin/layering_test "$folder"/tests-bin/*_emulation_test
cp -r "$source/recipes" "$source/oplists" "$source/docs" "$folder/"
cp -r "$source/tests/recipes" "$source/tests/golden" "$folder/tests/"
cp -r "$source/results" "$folder/"
find "$folder/results" -name '*.safetensors' -delete  # to train on from, not to test
for library in libstdc++.so.6 libgcc_s.so.1 libhwy.so.1; do
  cp -L "$("$compiler" -print-file-name=$library)" "$folder/lib/"
done
strip "$folder"/bin/* "$folder"/tests-bin/*

cat >"$folder/env.sh" <<'INNER'
# Source this, then call bin/carat. TORCH_LIB names PyTorch's lib folder where `python3 -c "import torch"` does not.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
torch=${TORCH_LIB:-$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')} || return 1
export LD_LIBRARY_PATH=$here/lib:$torch:$torch/../../nvidia/cu13/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CARAT_SOURCE_DIR=$here CARAT_BINARY_DIR=$here
INNER
cat >"$folder/run-tests" <<'INNER'
#!/usr/bin/env bash
# Runs every packaged test; one closing line.
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/env.sh" || exit 1
failed=0 count=0
for test in "$here"/tests-bin/*_test; do
  count=$((count + 1))
  "$test" --gtest_brief=1 || { failed=$((failed + 1)); echo "FAILED: $test"; }
done
echo "$((count - failed)) of $count test programs passed"
[ $failed = 0 ]
INNER
cat >"$folder/gpu-check" <<'INNER'
#!/usr/bin/env bash
# gpu-check [--dry-run] [--out FILE]: the CUDA kernels on this machine's GPU: right, and how fast? A JSON report.
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/env.sh" || exit 1
exec "$here/tests-bin/gpu_check" "$@"
INNER
chmod +x "$folder/run-tests" "$folder/gpu-check"
# The test programs share most of their code, which gzip's window is too small to see.
tar -C "$build" -cf - "$name" | python3 -c 'import lzma, shutil, sys
with lzma.open(sys.stdout.buffer, "wb", filters=[{"id": lzma.FILTER_LZMA2, "preset": 3, "dict_size": 1 << 26}]) as out:
    shutil.copyfileobj(sys.stdin.buffer, out, 1 << 20)' >"$build/$name.tar.xz"
size=$(stat -c %s "$build/$name.tar.xz")
echo "$build/$name.tar.xz: $size bytes"
if [ "$size" -gt $limit ]; then
  echo "the package is larger than $limit bytes" >&2
  exit 1
fi
