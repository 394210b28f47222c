#!/usr/bin/env python3
"""A folder of 100,000 objects through the POSIX tree: ls -l, beside the disk's own file system, rclone mount and aws.

bench/run folder [--objects N] [--pairs N] [--result FILE]              needs root, /dev/fuse, rclone and the AWS client

The origin is a node's S3 endpoint over a directory of small files; a second node mounts it. Cold: a node that was just
started and knows nothing, beside `aws s3 ls` of the same bucket at the same endpoint, in turns. Warm: what the kernel
has by then, beside the same names on the disk, in turns. Memory is the mounting node's, before and after the listing,
and the number of names that it keeps for the kernel, before and after the kernel was told to drop its caches.
"""
import argparse
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from node import Node, rclone_mount, show_result

parser = argparse.ArgumentParser()
parser.add_argument("--thaw", default="dist/thaw-linux-x64")
parser.add_argument("--objects", type=int, default=100_000)
parser.add_argument("--pairs", type=int, default=5)
parser.add_argument("--result")
options = parser.parse_args()
thaw = os.path.abspath(options.thaw)
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}


# What was started is stopped, however the run ends.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def run(*command):
    """Seconds that a command takes, and the lines that it wrote."""
    with tempfile.TemporaryFile() as written:
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=written, env=ENVIRONMENT)
        seconds = time.perf_counter() - start
        print(f"{' '.join(command[:3])}: {seconds:.2f} s", file=sys.stderr, flush=True)
        written.seek(0)
        return seconds, sum(1 for _ in written)


def listing(path):
    seconds, lines = run("ls", "-l", path)
    assert lines == options.objects + 1, f"{path} has {lines - 1} names"
    return seconds


def start(name, mounts, tree=None):
    return Node(thaw, os.path.join(folder, f"{name}.yaml"), f"""
cache: {{disks: [{{path: {folder}/{name}-cache, capacity: 1GiB}}]}}
node: {{drain: 5s}}
mounts: [{{name: models, {mounts}}}]
{f"posix: {{path: {tree}}}" if tree else ""}""", tree).await_ready()


def start_mounting():
    """A node that knows nothing yet."""
    shutil.rmtree(os.path.join(folder, "node-cache"), ignore_errors=True)
    return start("node", f'origin: "s3://models", endpoint: "{origin.report["s3"]}", credentials: {{anonymous: true}}',
                 os.path.join(folder, "tree"))


folder = tempfile.mkdtemp(prefix="thaw-bench-")
native = os.path.join(folder, "objects", "many")
os.makedirs(native)
for number in range(options.objects):
    with open(os.path.join(native, f"shard-{number:06}-of-{options.objects:06}.bin"), "w") as file:
        file.write(str(number))
origin = node = rclone = None
try:
    origin = start("origin", f'origin: "file://{folder}/objects"')
    aws = ["aws", "s3", "ls", "s3://models/many/", "--endpoint-url", origin.report["s3"]]
    run(*aws)
    cold, theirs, before, after, names, forgotten = [], [], [], [], [], []
    for pair in range(options.pairs):
        if pair % 2:
            theirs.append(run(*aws)[0])
        node = start_mounting()
        before.append(node.resident()["VmRSS"])
        cold.append(listing(f"{node.tree}/models/many"))
        after.append(node.resident())
        names.append(node.stats()["posix"]["nodes"])
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("2")
        end = time.monotonic() + 10
        while node.stats()["posix"]["nodes"] > 10 and time.monotonic() < end:
            time.sleep(0.1)
        forgotten.append(node.stats()["posix"]["nodes"])
        if pair % 2 == 0:
            theirs.append(run(*aws)[0])
        if pair < options.pairs - 1:
            node.stop()
    mine, place = f"{node.tree}/models/many", os.path.join(folder, "rclone")
    os.makedirs(place)
    warm, disk, others = [], [], []
    for pair in range(2 * options.pairs + 1):
        once = {path: listing(path) for path in ((native, mine) if pair % 2 else (mine, native))}
        if pair > 0:  # the first turn makes both warm
            warm.append(once[mine])
            disk.append(once[native])
    rclone = subprocess.Popen(
        rclone_mount(origin.report["s3"], folder, place), env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not os.path.ismount(place) and time.monotonic() < end:
        time.sleep(0.1)
    first = listing(f"{place}/many")
    listing(mine)
    others = [(listing(f"{place}/many"), listing(mine)) for _ in range(options.pairs)]
finally:
    if rclone:
        subprocess.run(["umount", "-l", f"{folder}/rclone"], check=False)
        rclone.terminate()
        rclone.wait(10)
    for one in (node, origin):
        if one:
            one.stop()
    shutil.rmtree(folder, ignore_errors=True)


def of(values, form="{:.2f}"):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{form} ({form}-{form})".format(middle, low, high)


text = [
    f"# A folder of {options.objects:,} objects through the POSIX tree", "",
    f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {os.cpu_count()} cores, the native binary; medians, "
    f"least and most of {options.pairs} cold and {2 * options.pairs} warm turns. `bench/run folder`.", "",
    "| what | seconds | ratio | limit |", "|---|---|---|---|",
    f"| cold `ls -l`, to `aws s3 ls` of the same | {of(cold)} to {of(theirs)} | "
    f"{of([mine / other for mine, other in zip(cold, theirs)])} | 1.2 |",
    f"| warm `ls -l`, to the disk's own | {of(warm)} to {of(disk)} | "
    f"{of([mine / other for mine, other in zip(warm, disk)])} | 4 |",
    f"| warm `ls -l`, to rclone mount's | {of([mine for _, mine in others])} to {of([other for other, _ in others])} | "
    f"{of([mine / other for other, mine in others])} | 1 |", "",
    f"rclone's first listing took {first:.1f} s. A turn may be one that lists anew: a listing is believed for "
    "half a minute.",
    "",
    f"The node's resident memory: {of(before, '{:.0f}')} MiB before the listing, "
    f"{of([one['VmRSS'] for one in after], '{:.0f}')} MiB after it, at most "
    f"{of([one['VmHWM'] - base for one, base in zip(after, before)], '{:.0f}')} MiB more (limit 64). Names that it "
    f"keeps for the kernel: {of(names, '{:.0f}')}; after the kernel dropped its caches {of(forgotten, '{:.0f}')}.",
]
show_result(text, options.result)
