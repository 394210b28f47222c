"""Programs that read files, each its own file of a tree, compared with the file's right bytes.

programs.py make FILE             makes the file: blocks of fio that check themselves, zeros, an odd end
programs.py names                 the names of the programs: each reads TREE/NAME/model.bin
programs.py run FILE TREE DIR     runs all, with DIR for what they write; a line for each, 1 if one was wrong
"""
import filecmp
import hashlib
import mmap
import os
import shutil
import socket
import subprocess
import sys
import threading

FIO_BYTES = 16 << 20
FIO = ["fio", "--name=verify", f"--size={FIO_BYTES}", "--verify=crc32c", "--bs=64k", "--randrepeat=1", "--randseed=7",
       "--verify_state_save=0"]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def make(path):
    run(*FIO, f"--filename={path}", "--rw=write", "--do_verify=0", "--ioengine=psync")
    with open(path, "ab") as file:
        file.write(bytes(1 << 20))
        file.write(hashlib.shake_256(b"tail").digest(12_345))


def copy_of(*command):
    """A program that writes a copy to the file named last."""
    def check(path, want, folder):
        copy = os.path.join(folder, "copy")
        run(*command, path, copy)
        return filecmp.cmp(copy, want, shallow=False)
    return check


def sum_of(*command):
    """A program that prints something that follows from the bytes."""
    def check(path, want, folder):
        return run(*command, path).split()[0] == run(*command, want).split()[0]
    return check


def by_dd(path, want, folder):
    copy = os.path.join(folder, "copy")
    run("dd", "bs=1M", "iflag=direct", f"if={path}", f"of={copy}")
    return filecmp.cmp(copy, want, shallow=False)


def by_tar(path, want, folder):
    first = subprocess.Popen(
        ["tar", "--create", "--sparse", "--directory", os.path.dirname(path), "model.bin"], stdout=subprocess.PIPE)
    run_in = subprocess.run(["tar", "--extract", "--directory", folder], stdin=first.stdout, check=True)
    return first.wait() == 0 and run_in.returncode == 0 and filecmp.cmp(f"{folder}/model.bin", want, shallow=False)


def by_rsync(path, want, folder):
    run("rsync", "--archive", os.path.dirname(path) + "/", folder + "/")
    same = filecmp.cmp(f"{folder}/model.bin", want, shallow=False)
    return same and run("rsync", "--archive", "--checksum", "--itemize-changes", path, f"{folder}/model.bin") == b""


def by_mapping(path, want, folder):
    with open(path, "rb") as file, open(want, "rb") as right, \
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        # From the end, so that nothing is read ahead in order.
        for start in range((len(view) - 1) // 65_536 * 65_536, -1, -65_536):
            right.seek(start)
            if view[start:start + 65_536] != right.read(65_536):
                return False
        return len(view) == os.path.getsize(want)


def by_sendfile(path, want, folder):
    size = os.path.getsize(want)
    ours, theirs = socket.socketpair()
    got = hashlib.sha256()

    def receive():
        while piece := theirs.recv(1 << 20):
            got.update(piece)
    receiver = threading.Thread(target=receive)
    receiver.start()
    with open(path, "rb") as file:
        at = 0
        while sent := os.sendfile(ours.fileno(), file.fileno(), at, size):
            at += sent
    ours.close()
    receiver.join()
    with open(want, "rb") as right:
        return at == size and got.digest() == hashlib.sha256(right.read()).digest()


def by_splice(path, want, folder):
    got = hashlib.sha256()
    out, into = os.pipe()
    with open(path, "rb") as file:
        while moved := os.splice(file.fileno(), into, 65_536):
            got.update(os.read(out, moved))
    os.close(out)
    os.close(into)
    with open(want, "rb") as right:
        return got.digest() == hashlib.sha256(right.read()).digest()


def by_fio(*options):
    """Each block that fio reads has its own checksum in it; a wrong one is fatal."""
    def check(path, want, folder):
        text = run(*FIO, f"--filename={path}", "--readonly", "--allow_file_create=0", "--ioengine=io_uring",
                   "--iodepth=16", "--verify_fatal=1", *options).decode()
        return f"io={FIO_BYTES >> 20}.0MiB" in text and "err= 0" in text
    return check


def by_find(path, want, folder):
    names = run("find", os.path.dirname(path), "-type", "f", "-printf", "%f %s %m\n").decode()
    return names == f"model.bin {os.path.getsize(want)} 444\n"


def by_lseek(path, want, folder):
    """Where data is: never less than there is."""
    with open(path, "rb") as file, open(want, "rb") as right:
        size = os.path.getsize(want)
        at = 0
        while at < size:
            try:
                data = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                data = size
            right.seek(at)
            if right.read(data - at).strip(b"\0"):
                return False
            at = os.lseek(file.fileno(), data, os.SEEK_HOLE) if data < size else size
    return True


PROGRAMS = {
    "sha256sum": sum_of("sha256sum"),
    "git": sum_of("git", "hash-object", "--no-filters"),
    "cp": copy_of("cp"),
    "cp-sparse": copy_of("cp", "--sparse=always"),
    "dd-direct": by_dd,
    "tar": by_tar,
    "rsync": by_rsync,
    "mmap": by_mapping,
    "sendfile": by_sendfile,
    "splice": by_splice,
    "io-uring": by_fio("--rw=read"),
    "io-uring-direct": by_fio("--rw=randread", "--direct=1"),
    "find": by_find,
    "lseek": by_lseek,
}


def run_all(want, tree, folder):
    wrong = []
    for name, check in PROGRAMS.items():
        place = os.path.join(folder, name)
        os.makedirs(place)
        try:
            problem = None if check(os.path.join(tree, name, "model.bin"), want, place) else "wrong bytes"
        except subprocess.CalledProcessError as failed:
            problem = f"{failed}: {failed.stdout.decode()}{failed.stderr.decode()}"
        except OSError as failed:
            problem = str(failed)
        shutil.rmtree(place)
        print(f"{name}: {problem or 'right'}")
        if problem:
            wrong.append(name)
    return bool(wrong)


match sys.argv[1:]:
    case ["make", path]:
        make(path)
    case ["names"]:
        print("\n".join(PROGRAMS))
    case ["run", want, tree, folder]:
        sys.exit(run_all(want, tree, folder))
