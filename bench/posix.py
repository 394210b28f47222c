#!/usr/bin/env python3
"""Whole files through the POSIX tree beside the same bytes on the disk's own file system, page cache warm.

bench/run posix [--thaw BINARY] [--size MIB] [--pairs N] [--result FILE]        needs root and /dev/fuse

Native is the version's own file on the cache disk, and for the others the file that they serve. Pairs of runs are
interleaved, native first in every other pair; the figure is the median of the pairs' ratios. The
node's CPU is that of the whole process while the pairs run, opens and background work included. libfuse's
passthrough_hp is read in the same way, over the same file; with rclone and s3fs installed, their mounts of the node's
S3 endpoint, warm, over a quarter of the size. At the end the node is killed again and again under 50 readers of 64 MiB,
and the next one is timed.
"""
import argparse
import glob
import mmap
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import zlib

from node import Node, rclone_mount, show_result

parser = argparse.ArgumentParser()
parser.add_argument("--thaw", required=True)
parser.add_argument("--size", type=int, default=4096)
parser.add_argument("--pairs", type=int, default=11)
parser.add_argument("--kills", type=int, default=9)
parser.add_argument("--result")
options = parser.parse_args()
thaw = os.path.abspath(options.thaw)


def sequential(path):
    buffer = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return os.path.getsize(path)


def mapped(path):
    size = os.path.getsize(path)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        for start in range(0, size, 64 << 20):
            with memoryview(view) as all_bytes, all_bytes[start:start + (64 << 20)] as piece:
                zlib.crc32(piece)
    return size


def scattered(path):
    length = 64 << 10
    count = os.path.getsize(path) // length
    dice = random.Random(7)
    offsets = [dice.randrange(count) * length for _ in range(count)]
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
    """Seconds of a process, of threads that ended too, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def compare(case, native, other, pairs, pid=None):
    """A row: least, median and most ratio, rate, CPU of the process per GB."""
    timed(case, native), timed(case, other)
    ratios, rates = [], []
    spent = cpu_of(pid) if pid else 0
    for pair in range(pairs):
        if pair % 2:
            second = timed(case, other)
            first = timed(case, native)
        else:
            first = timed(case, native)
            second = timed(case, other)
        ratios.append(second / first)
        rates.append(second)
    spent = f"{(cpu_of(pid) - spent) / (pairs * os.path.getsize(other) / 1e9):.4f}" if pid else ""
    return statistics.median(ratios), min(ratios), max(ratios), statistics.median(rates) / 1e9, spent


def wait_until(what, condition, limit=60, step=0.1):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"bench: {what}: not after {limit} s")
        time.sleep(step)


def make(path, mebibytes):
    with open(path, "wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))
    return path


def show(lines, name, row):
    lines.append((name, *row))
    print(lines[-1], flush=True)


def start_node(folder, origin):
    tree = os.path.join(folder, "tree")
    return Node(thaw, os.path.join(folder, "thaw.yaml"), f"""
cache: {{disks: [{{path: {folder}/cache, capacity: {2 * options.size}MiB}}]}}
mounts: [{{name: models, origin: "file://{origin}", immutable: true}}]
posix: {{path: {tree}, openWait: 60s}}""", tree)


def measure_thaw(node, native, lines):
    path = node.path(os.path.basename(native))
    sequential(path)
    assert node.stats()["posix"]["passthroughOpens"] > 0, "the file is not opened by passthrough"
    # The cache's own file, whose pages the kernel passes through: another copy may lie better or worse in memory.
    native, = glob.glob(f"{os.path.dirname(node.tree)}/cache/versions/*/*.data")
    for name, case in CASES:
        before = node.stats()["posix"]["readBytes"]
        row = compare(case, native, path, options.pairs, node.process.pid)
        assert node.stats()["posix"]["readBytes"] == before, "the node was asked for bytes"
        show(lines, f"thaw, {name}", row)


def measure_libfuse(folder, native, lines):
    """libfuse's own example, by passthrough too."""
    built = subprocess.run(["bench/peers/passthrough_hp"], stdout=subprocess.PIPE, text=True)
    if built.returncode:
        print("bench: no passthrough_hp", flush=True)
        return
    place = os.path.join(folder, "libfuse")
    os.makedirs(place)
    process = subprocess.Popen(
        [built.stdout.split()[-1], "--foreground", os.path.dirname(native), place], stderr=subprocess.DEVNULL)
    their = os.path.join(place, os.path.basename(native))
    try:
        wait_until("passthrough_hp mounts", lambda: os.path.exists(their), 20)
        for name, case in CASES:
            show(lines, f"libfuse passthrough_hp, {name}",
                 compare(case, native, their, options.pairs, process.pid))
    finally:
        subprocess.run(["umount", "-l", place], check=False)
        process.terminate()
        process.wait(10)


def measure_client(peer, command, folder, native, lines):
    """Another mount of the node's S3 endpoint; its own cache is warm."""
    if not shutil.which(peer):
        return
    place = os.path.join(folder, peer)
    os.makedirs(place)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with open(f"{folder}/{peer}.log", "w") as log:
        process = subprocess.Popen(
            [part.format(place=place) for part in command], env=environment, stdout=subprocess.DEVNULL, stderr=log)
    their = os.path.join(place, os.path.basename(native))
    try:
        wait_until(f"{peer} mounts", lambda: os.path.exists(their), 20)
        for name, case in CASES:
            show(lines, f"{peer}, {name}", compare(case, native, their, 3, process.pid))
    except TimeoutError as late:
        with open(f"{folder}/{peer}.log") as log:
            print(late, log.read(), flush=True)
    finally:
        subprocess.run(["umount", "-l", place], check=False)
        process.terminate()
        process.wait(10)


READER = """
import os, sys
path, want = sys.argv[1:]
with open(path, "rb", buffering=0) as file, open(want, "rb", buffering=0) as right:
    print(os.getpid(), flush=True)
    sys.stdin.readline()
    while piece := file.read(1 << 20):
        if piece != right.read(1 << 20):
            sys.exit(1)
    sys.exit(bool(right.read(1)))
"""


def measure_kills(node, native):
    """SIGKILL under 50 readers: seconds from the next node's start to its first byte, and who read wrong."""
    path, took, ready, wrong = node.path(os.path.basename(native)), [], [], 0
    for _ in range(options.kills):
        readers = [subprocess.Popen(["python3", "-c", READER, path, native], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True) for _ in range(50)]
        for reader in readers:
            reader.stdout.readline()
        node.kill()
        start = time.perf_counter()
        node.start()

        def serves():
            try:
                with open(path, "rb", buffering=0) as file:
                    return len(file.read(4096)) == 4096
            except OSError:
                return False
        wait_until("the next node serves", serves, 30, 0.002)
        took.append(time.perf_counter() - start)
        node.await_ready()
        ready.append(time.perf_counter() - start)
        for reader in readers:
            reader.stdin.write("\n")
            reader.stdin.close()
        wrong += sum(reader.wait(60) != 0 for reader in readers)
        for reader in readers:
            reader.stdout.close()
        with open("/proc/self/mounts") as mounts:
            assert sum(f" {node.tree} fuse.thaw " in line for line in mounts) == 1, "a dead mount is left"
    return took, ready, wrong


def run(folder):
    origin = os.path.join(folder, "origin")
    os.makedirs(origin)
    native, small = make(f"{origin}/model.bin", options.size), make(f"{origin}/small.bin", options.size // 4)
    shared = make(f"{origin}/shared.bin", 64)
    node, lines = start_node(folder, origin), []
    try:
        node.await_ready()
        measure_thaw(node, native, lines)
        measure_libfuse(folder, native, lines)
        with open(f"{folder}/passwd", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write("a:b")
        measure_client("rclone", rclone_mount(node.report["s3"], folder, "{place}"), folder, small, lines)
        measure_client("s3fs", [
            "s3fs", "models", "{place}", "-f", "-o",
            f"url={node.report['s3']},use_path_request_style,use_cache={folder}/s3fs-cache,ro,"
            f"passwd_file={folder}/passwd"], folder, small, lines)
        sequential(node.path("shared.bin"))
        return lines, measure_kills(node, shared)
    finally:
        node.stop()


def main():
    folder = tempfile.mkdtemp(prefix="thaw-bench-")
    try:
        lines, (took, ready, wrong) = run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    version = subprocess.run([thaw, "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    text = [
        "# The POSIX tree beside the disk's own file system", "",
        f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {os.cpu_count()} cores, {options.size} MiB (rclone "
        f"and s3fs {options.size // 4} MiB), page cache warm, {options.pairs} interleaved pairs for thaw and "
        f"libfuse, 3 for others. `bench/run posix`, {os.path.relpath(thaw)} {version}.", "",
        "| case | ratio to native, median | least | most | GB/s | CPU of the serving process, s/GB |",
        "|---|---|---|---|---|---|",
        *(f"| {case} | {ratio:.2f} | {low:.2f} | {high:.2f} | {rate:.2f} | {cpu} |"
          for case, ratio, low, high, rate, cpu in lines), "",
        f"kill -9 under 50 readers by passthrough, {len(took)} times: {wrong} readers with wrong bytes or an error, no "
        f"dead mount left. From the start of the next node to its first byte through the tree: "
        f"{statistics.median(took):.2f} s (median; most {max(took):.2f}); until it said that it is ready: "
        f"{statistics.median(ready):.2f} s (most {max(ready):.2f}).",
    ]
    show_result(text, options.result)


signal.signal(signal.SIGTERM, lambda *_: exit(1))
main()
