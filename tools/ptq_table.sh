#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ptq_table.sh RECIPE OUT.csv [CARAT OPTIONS...]: test accuracy after the recipe's quantize stage, without any training, at
# weights of 8, 6, 5, 4 bits by activations of 8, 6, 4 bits, with a zero point wherever values may be negative (always), around
# swish and hard-swish (functions) and never. Rows that OUT.csv has are not measured again. Needs about ten minutes on two
# cores for a network of CIFAR-100. CARAT: the program, ./carat without.
set -euo pipefail
recipe=$1 out=$2
shift 2
carat=${CARAT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../carat}
[ -s "$out" ] || echo "weight_bits,activation_bits,shift,correct,of" >"$out"
for weights in 8 6 5 4; do
  for activations in 8 6 4; do
    for shift in always functions never; do
      row=$weights,$activations,$shift
      grep -q "^$row," "$out" && continue
      found=$("$carat" run "$recipe" "$@" --set stages.quantize.weights.bits=$weights \
        --set stages.quantize.activations.bits=$activations --set stages.quantize.activations.shift=$shift |
        sed -n 's/.*: accuracy \([0-9]*\)\/\([0-9]*\),.*/\1,\2/p' | tail -n 1)
      echo "$row,${found:?no accuracy in what carat printed}" | tee -a "$out"
    done
  done
done
