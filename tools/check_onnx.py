#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs an exported model in ONNX Runtime and compares it with what the program computed.

    carat export MODEL --onnx MODEL.onnx [--float]
    carat codes MODEL --data NAME --limit N --output CODES.bin
    tools/check_onnx.py MODEL.onnx CODES.bin [--tolerance 1e-4] [--batch N] [--golden FILE]

CODES.bin.json says what lies where in CODES.bin: the images, the codes after every quantizer, the logits.
The model is executed on those images three times: as it is, at ONNX Runtime's default optimization level; then with
the codes of every quantizer as further outputs, at the default level and without any optimization. Reported are codes
that differ, predictions that differ, and the largest difference of a logit over the largest logit.
Exit 1: a prediction differs, or logits by more than the tolerance, or codes of a model that was not exported with --float.
--golden writes size and CRC-32 of the model's file and the logits of the first three images, with 9 digits, which name
the float32 exactly: tests/golden/onnx/.
Needs Python 3 with onnx, onnxruntime and numpy; versions are printed.
"""
import argparse
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

GOLDEN_IMAGES = 3
DEFAULT = ort.SessionOptions().graph_optimization_level
NONE = ort.GraphOptimizationLevel.ORT_DISABLE_ALL


class Codes:
    """The records that `carat codes` wrote."""

    def __init__(self, path):
        self.index = json.loads(Path(path + ".json").read_text())
        shape = (self.index["images"], self.index["record_bytes"])
        self.bytes = np.memmap(path, np.uint8, "r", shape=shape)
        self.quantizers = self.index["parts"][1:-1]

    def part(self, part, begin, end):
        size = int(np.prod(part["shape"])) * np.dtype(part["type"]).itemsize
        raw = np.ascontiguousarray(self.bytes[begin:end, part["offset"]:part["offset"] + size])
        return raw.view(part["type"]).reshape(end - begin, *part["shape"])

    def images(self, begin, end):
        return self.part(self.index["parts"][0], begin, end)

    def logits(self, begin, end):
        return self.part(self.index["parts"][-1], begin, end).reshape(end - begin, -1)


def with_outputs(model, quantizers):
    """The model with the codes of these layers as outputs, what QuantizeLinear gives or else the layer's own value; the
    layers that it has; and whether it quantizes at all."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    types = {node.name: onnx.helper.get_node_attr_value(node, "output_dtype")
             for node in model.graph.node if node.op_type == "QuantizeLinear"}
    values = {node.name for node in model.graph.node}
    found = [part for part in quantizers if part["layer"] in values]
    for part in found:
        name = part["layer"] + "/codes"
        name, kind = (name, types[name]) if name in types else (part["layer"], onnx.TensorProto.FLOAT)
        changed.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, ["N", *part["shape"]]))
    return changed, found, len(types) > 0


def session(model, level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def count_codes(model, level, codes, batch, wanted, found):
    """Codes that differ, by layer, with the logits compared on the way."""
    running = session(model, level)
    differing = {part["layer"]: 0 for part in found}
    total = 0
    largest = 0.0
    for begin in range(0, codes.index["images"], batch):
        end = min(begin + batch, codes.index["images"])
        logits, *results = running.run(None, {wanted: codes.images(begin, end)})
        largest = max(largest, float(np.abs(logits - codes.logits(begin, end)).max()))
        for part, result in zip(found, results):
            expected = codes.part(part, begin, end)
            if result.dtype not in (expected.dtype, np.float32):
                raise SystemExit(f"{part['layer']}: expected codes of type {expected.dtype}, got {result.dtype}")
            differing[part["layer"]] += int(np.count_nonzero(result != expected))
            total += expected.size
    return differing, total, largest


def write_golden(args, logits):
    data = Path(args.model).read_bytes()
    lines = [f"# onnx {onnx.__version__}, onnxruntime {ort.__version__}", f"bytes {len(data)} crc32 {zlib.crc32(data)}"]
    lines += [" ".join(f"{value:.9g}" for value in row) for row in logits]
    Path(args.golden).write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("codes")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--golden")
    args = parser.parse_args()
    print(f"onnx {onnx.__version__}, onnxruntime {ort.__version__}")
    model = onnx.load(args.model)
    onnx.checker.check_model(model, full_check=True)
    codes = Codes(args.codes)
    images = codes.index["images"]
    wanted = model.graph.input[0].name

    plain = session(model, DEFAULT)
    logits = np.concatenate([
        plain.run(None, {wanted: codes.images(begin, min(begin + args.batch, images))})[0]
        for begin in range(0, images, args.batch)
    ])
    expected = codes.logits(0, images)
    share = float(np.abs(logits - expected).max() / np.abs(expected).max())
    wrong = int(np.count_nonzero(logits.argmax(1) != expected.argmax(1)))
    equal = int(np.count_nonzero(logits == expected))
    print(f"{images} images: {wrong} predictions differ; {equal} of {expected.size} logits are equal, "
          f"the largest difference is {share:.3g} of the largest logit")
    failed = wrong > 0 or not share <= args.tolerance

    changed, found, quantizes = with_outputs(model, codes.quantizers)
    for level in (DEFAULT, NONE) if found else ():
        differing, total, largest = count_codes(changed, level, codes, args.batch, wanted, found)
        print(f"{level.name}: {sum(differing.values())} of {total} codes of {len(found)} quantizers differ; "
              f"logits by at most {largest:.3g}")
        for layer, count in differing.items():
            if count > 0:
                print(f"  {layer}: {count}")
                failed = failed or quantizes
    if args.golden:
        write_golden(args, logits[:GOLDEN_IMAGES])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
