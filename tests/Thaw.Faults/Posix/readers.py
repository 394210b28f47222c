"""Readers of one file, each a process of its own.

readers.py held COUNT FILE SHA256 DIR     opens, reads a little, waits for DIR/go, reads the rest
readers.py mapped COUNT FILE SHA256 DIR   maps, closes the descriptor, sums again and again until DIR/go is there
Each writes DIR/NUMBER once it is at work. Ends with 0 if every byte of every reader was right.
"""
import ctypes
import hashlib
import mmap
import os
import sys
import time

mode, count, path, want, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]


def at_work(number):
    open(os.path.join(folder, str(number)), "w").close()


def is_over():
    return os.path.exists(os.path.join(folder, "go"))


def held(number):
    total = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        total.update(file.read(1000))
        at_work(number)
        while not is_over():
            time.sleep(0.02)
        while piece := file.read(1 << 20):
            total.update(piece)
    return total.hexdigest() == want


def mapped(number):
    # By hand: Python's own mapping keeps a copy of the descriptor.
    map_file = ctypes.CDLL(None, use_errno=True).mmap
    map_file.restype = ctypes.c_void_p
    map_file.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        address = map_file(None, size, mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno(), 0)
    view = memoryview((ctypes.c_ubyte * size).from_address(address))
    at_work(number)
    last = False
    while True:
        if hashlib.sha256(view).hexdigest() != want:
            return False
        if last:
            return True
        last = is_over()


children = []
for number in range(count):
    child = os.fork()
    if child == 0:
        good = False
        try:
            good = {"held": held, "mapped": mapped}[mode](number)
        finally:
            os._exit(0 if good else 1)
    children.append(child)
bad = sum(os.waitpid(child, 0)[1] != 0 for child in children)
print(f"{bad} of {count} readers read wrong bytes or failed")
sys.exit(bad != 0)
