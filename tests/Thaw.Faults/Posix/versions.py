"""Readers of a file whose versions come and go, each a process of its own: never two versions in one descriptor.

versions.py COUNT FILE VERSIONS STATE    until STATE/go is there; prints counts; 1 if anything was wrong

VERSIONS/N has the bytes of version N; their sizes differ. STATE/state says "VERSION BEGUN ENDED": the version that the
origin has for certain, how many troubles have begun (a replacement, a fault of the origin), and how many have ended. An
error of a read is right only if a trouble was there at some time while the file was open.
"""
import errno
import json
import mmap
import os
import random
import sys
import time
import traceback

PATIENCE_SECONDS = 900
count, path, versions, state = int(sys.argv[1]), *sys.argv[2:5]


class Wrong(Exception):
    pass


def now():
    with open(os.path.join(state, "state")) as file:
        return tuple(map(int, file.read().split()))


def bytes_of(version):
    try:
        with open(os.path.join(versions, version), "rb") as file:
            return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    except FileNotFoundError:
        return b""  # it was one of the oldest, and has been taken away


def identify(piece, at, oldest):
    found = [(int(number), right) for number in os.listdir(versions)
             if int(number) >= oldest and (right := bytes_of(number))[at:at + len(piece)] == piece]
    if len(found) != 1:
        raise Wrong(f"{len(piece)} bytes at {at} are those of the versions {[number for number, _ in found]}, and "
                    f"{oldest} was there at the open")
    return found[0]


def one_open(dice, counts):
    oldest, _, ended = now()
    version = None
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            counts["opens"] += 1
            for _ in range(dice.randrange(2, 30)):
                at = dice.randrange(8 << 20)
                size = dice.choice([1, 100, 4096, 65_536, 300_000]) if version else 65_536
                piece = os.pread(file, size, at)
                if version is None:
                    version, right = identify(piece, at, oldest)
                    if os.fstat(file).st_size != len(right):
                        raise Wrong(f"version {version} has {len(right)} bytes, not {os.fstat(file).st_size}")
                if piece != right[at:at + size]:
                    raise Wrong(f"{size} bytes at {at} are not those of version {version}, which was opened")
                counts["reads"] += 1
            # The end, which is where no other version has it.
            if os.pread(file, 1 << 20, len(right) - 1000) != right[-1000:]:
                raise Wrong(f"version {version} ends elsewhere")
            counts["newest"] = max(counts["newest"], version)
        finally:
            os.close(file)
    except OSError as failed:
        if failed.errno != errno.EIO:
            raise
        _, begun, _ = now()
        if begun == ended:
            raise Wrong(f"version {version}: an error, and nothing was wrong") from failed
        counts["errors"] += 1


def read_on(number, result):
    dice = random.Random(number)
    counts = {"opens": 0, "reads": 0, "errors": 0, "newest": 0, "wrong": ""}
    end = time.monotonic() + PATIENCE_SECONDS
    try:
        while not os.path.exists(os.path.join(state, "go")):
            if time.monotonic() > end:
                raise TimeoutError(f"{state}/go did not come")
            one_open(dice, counts)
    except Exception:
        counts["wrong"] = traceback.format_exc()
    os.write(result, (json.dumps(counts) + "\n").encode())


out, into = os.pipe()
children = []
for number in range(count):
    child = os.fork()
    if child == 0:
        try:
            read_on(number, into)
        finally:
            os._exit(0)
    children.append(child)
os.close(into)
with os.fdopen(out) as results:
    every = [json.loads(line) for line in results]
for child in children:
    os.waitpid(child, 0)
wrong = [one["wrong"] for one in every if one["wrong"]]
print(f"{len(every)} readers: {sum(one['opens'] for one in every)} opens, {sum(one['reads'] for one in every)} reads, "
      f"{sum(one['errors'] for one in every)} errors, newest {max(one['newest'] for one in every)}")
print("\n".join(wrong))
sys.exit(bool(wrong) or len(every) != count)
