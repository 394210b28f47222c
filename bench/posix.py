#!/usr/bin/env python3
"""Whole files through the POSIX tree beside the same bytes on the disk's own file system, page cache warm.

bench/run posix [--thaw BINARY] [--size MIB] [--pairs N] [--result FILE]        needs root and /dev/fuse

Pairs of runs are interleaved, native first in every other pair; the figure is the median of the pairs' ratios. With
rclone and s3fs installed, their mounts of the node's S3 endpoint are read in the same way, warm.
"""
import argparse
import json
import mmap
import os
import platform
import random
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
import zlib

parser = argparse.ArgumentParser()
parser.add_argument("--thaw", default="src/Thaw.Cli/bin/Release/net10.0/thaw")
parser.add_argument("--size", type=int, default=1024)
parser.add_argument("--pairs", type=int, default=15)
parser.add_argument("--result")
options = parser.parse_args()
thaw = os.path.abspath(options.thaw)
size = options.size << 20
tick = os.sysconf("SC_CLK_TCK")


def sequential(path):
    buffer = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return size


def mapped(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        for start in range(0, size, 64 << 20):
            with memoryview(view) as all_bytes, all_bytes[start:start + (64 << 20)] as piece:
                zlib.crc32(piece)
    return size


def scattered(path):
    count, length = size // (64 << 10), 64 << 10
    offsets = [random.Random(7).randrange(count) * length for _ in range(count)]
    buffer = [bytearray(length)]
    file = os.open(path, os.O_RDONLY)
    for offset in offsets:
        os.preadv(file, buffer, offset)
    os.close(file)
    return count * length


CASES = [("sequential, 1 MiB", sequential), ("mmap, every byte", mapped), ("random, 64 KiB", scattered)]


def timed(case, path):
    start = time.perf_counter()
    read = case(path)
    return read / (time.perf_counter() - start)


def cpu_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / tick


def compare(case, native, other, pairs):
    timed(case, native), timed(case, other)
    ratios, rates = [], []
    for pair in range(pairs):
        if pair % 2:
            second = timed(case, other)
            first = timed(case, native)
        else:
            first = timed(case, native)
            second = timed(case, other)
        ratios.append(second / first)
        rates.append(second)
    return ratios, statistics.median(rates)


def wait_until(what, condition, limit=60):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"bench: {what}: not after {limit} s")
        time.sleep(0.1)


folder = tempfile.mkdtemp(prefix="thaw-bench-")
origin, tree = os.path.join(folder, "origin"), os.path.join(folder, "tree")
os.makedirs(origin)
native = os.path.join(origin, "model.bin")
with open(native, "wb") as file:
    for _ in range(options.size):
        file.write(os.urandom(1 << 20))
config = os.path.join(folder, "thaw.yaml")
with open(config, "w") as file:
    file.write(f"""cache: {{disks: [{{path: {folder}/cache, capacity: {2 * options.size}MiB}}]}}
mounts: [{{name: models, origin: "file://{origin}", immutable: true}}]
s3: {{listen: "127.0.0.1:0"}}
control: {{listen: "127.0.0.1:0"}}
posix: {{path: {tree}, openWait: 60s}}
""")
node = subprocess.Popen(
    [thaw, "serve", "--config", config, "--json", "--log-level", "warning"], stdout=subprocess.PIPE, text=True)
peers, lines = [], []
try:
    report = json.loads(node.stdout.readline())
    stats = lambda: json.load(urllib.request.urlopen(report["control"] + "/api/v1/stats"))
    path = os.path.join(tree, "models", "model.bin")
    sequential(path)
    assert stats()["posix"]["passthroughOpens"] > 0, "the file is not opened by passthrough"
    for name, case in CASES:
        before, spent = stats()["posix"]["readBytes"], cpu_of(node.pid)
        ratios, rate = compare(case, native, path, options.pairs)
        spent = (cpu_of(node.pid) - spent) / ((options.pairs + 1) * size / 1e9)
        assert stats()["posix"]["readBytes"] == before, "the node was asked for bytes"
        lines.append((
            f"thaw, {name}", statistics.median(ratios), min(ratios), max(ratios), rate / 1e9, f"{spent:.4f}"))
        print(lines[-1], flush=True)
    for peer, command in [
        ("rclone", ["rclone", "mount", "--config", "/dev/null", "--read-only", "--vfs-cache-mode", "full",
                    "--cache-dir", f"{folder}/rclone-cache", "--s3-provider", "Other", "--s3-endpoint", report["s3"],
                    "--s3-access-key-id", "a", "--s3-secret-access-key", "b", ":s3:models"]),
        ("s3fs", ["s3fs", "models", "-f", "-o",
                  f"url={report['s3']},use_path_request_style,use_cache={folder}/s3fs-cache,ro,"
                  f"passwd_file={folder}/passwd"]),
    ]:
        if not shutil.which(peer):
            continue
        place = os.path.join(folder, peer)
        os.makedirs(place)
        with open(f"{folder}/passwd", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write("a:b")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        arguments = command + [place] if peer == "rclone" else [*command[:2], place, *command[2:]]
        log = open(f"{folder}/{peer}.log", "w")
        process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        peers.append((process, place))
        their = os.path.join(place, "model.bin")
        try:
            wait_until(f"{peer} mounts", lambda: os.path.exists(their), 20)
        except TimeoutError as late:
            print(late, open(f"{folder}/{peer}.log").read(), flush=True)
            continue
        for name, case in CASES:
            ratios, rate = compare(case, native, their, 3)
            lines.append((f"{peer}, {name}", statistics.median(ratios), min(ratios), max(ratios), rate / 1e9, ""))
            print(lines[-1], flush=True)
finally:
    for process, place in peers:
        subprocess.run(["umount", "-l", place], check=False)
        process.terminate()
        process.wait(10)
    node.terminate()
    node.wait(30)
    subprocess.run(["umount", "-l", tree], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
text = [
    "# The POSIX tree beside the disk's own file system", "",
    f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {os.cpu_count()} cores, {options.size} MiB, page cache "
    f"warm, {options.pairs} interleaved pairs for thaw, 3 for others. `bench/run posix`.", "",
    "| case | ratio to native, median | least | most | GB/s | node's CPU s/GB |", "|---|---|---|---|---|---|",
    *(f"| {case} | {ratio:.2f} | {low:.2f} | {high:.2f} | {rate:.2f} | {cpu} |"
      for case, ratio, low, high, rate, cpu in lines),
]
print("\n".join(text))
if options.result:
    with open(options.result, "w") as file:
        file.write("\n".join(text) + "\n")
