"""A model in the safetensors format: a length, a JSON header and the bytes of tensors.

tensors.py make FILE MIB SEED    writes one, equal for equal seeds
tensors.py read FILE SEED        maps it, reads the header, then every tensor in a random order: name and SHA-256
"""
import hashlib
import json
import mmap
import random
import struct
import sys

TENSOR = (3 << 20) + 4096
mode, path, *numbers = sys.argv[1:]
if mode == "make":
    mebibytes, seed = map(int, numbers)
    count = (mebibytes << 20) // TENSOR
    header = json.dumps({
        f"layers.{index}.weight": {
            "dtype": "BF16", "shape": [TENSOR // 2], "data_offsets": [index * TENSOR, (index + 1) * TENSOR]}
        for index in range(count)}).encode()
    header += b" " * (-len(header) % 8)
    source = random.Random(seed)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for _ in range(count):
            file.write(source.randbytes(TENSOR))
else:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        length, = struct.unpack("<Q", view[:8])
        tensors = list(json.loads(view[8:8 + length]).items())
        random.Random(int(numbers[0])).shuffle(tensors)
        for name, tensor in tensors:
            begin, end = (8 + length + offset for offset in tensor["data_offsets"])
            print(name, hashlib.sha256(view[begin:end]).hexdigest())
