#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a PyTorch checkpoint's tensors as safetensors, which carat import reads.

    tools/pth_to_safetensors.py MODEL.pth MODEL.safetensors [--key KEY] [--drop-counters] [--prefix PREFIX]

Needs Python 3 with torch; the file is written here, without the safetensors package. Only tensors are loaded
(weights_only): a checkpoint that holds other objects is refused, as loading it would execute them.
A state dict may lie under state_dict, model, net, model_state_dict or params (or --key); "module." in front of every
name, as DataParallel writes it, is taken off. Types are kept. Views of one storage are written as tensors of their own.
"""
import argparse
import json
import pickle
import struct
import sys

import torch

TYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
NESTS = ("state_dict", "model", "net", "model_state_dict", "params")


def state_dict_of(loaded, key):
    """The mapping from names to tensors inside whatever was saved."""
    if key:
        if not isinstance(loaded, dict) or key not in loaded:
            found = sorted(map(str, loaded)) if isinstance(loaded, dict) else type(loaded).__name__
            raise ValueError(f"expected a key '{key}', found {found}")
        loaded = loaded[key]
    while isinstance(loaded, dict) and not any(isinstance(v, torch.Tensor) for v in loaded.values()):
        nested = [name for name in NESTS if isinstance(loaded.get(name), dict)]
        if not nested:
            break
        loaded = loaded[nested[0]]
    if not isinstance(loaded, dict):
        raise ValueError(f"expected a state dict, found {type(loaded).__name__}; save model.state_dict()")
    tensors = {name: value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise ValueError(f"expected tensors, found the keys {sorted(map(str, loaded))[:10]}; --key names the one to take")
    skipped = [name for name in loaded if name not in tensors]
    if skipped:
        print(f"passed over, no tensors: {', '.join(map(str, skipped))}", file=sys.stderr)
    return tensors


def without_prefix(tensors, prefix):
    if prefix and all(name.startswith(prefix) for name in tensors):
        return {name[len(prefix):]: value for name, value in tensors.items()}
    return tensors


def to_bytes(tensor):
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def write_safetensors(path, tensors):
    header, data = {}, []
    offset = 0
    for name, tensor in sorted(tensors.items()):
        if tensor.dtype not in TYPES:
            raise ValueError(f"tensor '{name}': no type in safetensors for {tensor.dtype}")
        content = to_bytes(tensor)
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(content)]}
        data.append(content)
        offset += len(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("safetensors")
    parser.add_argument("--key", default="", help="where the state dict lies in the checkpoint")
    parser.add_argument("--prefix", default="module.", help="taken off when every name has it")
    parser.add_argument("--drop-counters", action="store_true", help="leave NAME.num_batches_tracked out")
    options = parser.parse_args()
    try:
        loaded = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
        tensors = without_prefix(state_dict_of(loaded, options.key), options.prefix)
        if options.drop_counters:
            tensors = {n: t for n, t in tensors.items() if not n.endswith(".num_batches_tracked")}
        write_safetensors(options.safetensors, tensors)
    except pickle.UnpicklingError:
        sys.exit(f"pth_to_safetensors: {options.checkpoint}: expected nothing but tensors; save model.state_dict()")
    except Exception as error:  # noqa: BLE001: whatever it is, one line
        sys.exit(f"pth_to_safetensors: {options.checkpoint}: {str(error).splitlines()[0]}")
    print(f"{len(tensors)} tensors, {sum(t.numel() for t in tensors.values()):,} values: {options.safetensors}")


if __name__ == "__main__":
    main()
