"""Readers of one file, each a process of its own.

readers.py held COUNT FILE WANT DIR     opens, reads a little, waits for DIR/go, reads the rest
readers.py mapped COUNT FILE WANT DIR   maps, closes the descriptor, compares again and again until DIR/go is there
WANT has the right bytes. Each writes DIR/NUMBER once it is at work. Ends with 0 if every byte of every reader was
right, but for the block whose number DIR/damaged has, from when that file is there until DIR/repaired is; who sees it
wrong writes DIR/seen-NUMBER. A reader that is not told to go on within five minutes fails: whoever started it is gone.
"""
import ctypes
import mmap
import os
import sys
import time

BLOCK_BYTES = 256 << 10
STARTED = time.monotonic()
PATIENCE_SECONDS = 300
mode, count, path, want, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]


def at_work(number):
    open(os.path.join(folder, str(number)), "w").close()


def has(name):
    return os.path.exists(os.path.join(folder, name))


def is_over():
    if time.monotonic() - STARTED > PATIENCE_SECONDS:
        raise TimeoutError(f"{folder}/go did not come")
    return has("go")


def damaged():
    if not has("damaged"):
        return None
    with open(os.path.join(folder, "damaged")) as file:
        return int(file.read())


def held(number):
    with open(path, "rb", buffering=0) as file, open(want, "rb") as right:
        if file.read(1000) != right.read(1000):
            return False
        at_work(number)
        while not is_over():
            time.sleep(0.02)
        while piece := file.read(1 << 20):
            if piece != right.read(len(piece)):
                return False
        return not right.read(1)


def mapped(number):
    # By hand: Python's own mapping keeps a copy of the descriptor.
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.memcmp.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno(), 0)
    with open(want, "rb") as file:
        blocks = list(iter(lambda: file.read(BLOCK_BYTES), b""))
    if sum(map(len, blocks)) != size:
        return False
    at_work(number)
    last = False
    while True:
        repaired = has("repaired")
        wrong = [block for block, right in enumerate(blocks)
                 if libc.memcmp(address + block * BLOCK_BYTES, right, len(right))]
        # A block is damaged only after it was said so, and not after it was said that it is repaired.
        if wrong and (repaired or wrong != [damaged()]):
            print(f"reader {number}: the blocks {wrong} are wrong", flush=True)
            return False
        if wrong:
            at_work(f"seen-{number}")
        if last:
            return True
        last = is_over()
        time.sleep(0.01)  # the node under test has to come to its turn


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
