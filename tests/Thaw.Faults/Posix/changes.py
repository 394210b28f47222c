"""Everything that would change a directory, or a file of it, as root and as another user, and what the system says.

changes.py DIR    DIR holds "file" (some bytes) and "folder" (with "inner" in it); a line for each: who, what, errno
"""
import ctypes
import errno
import mmap
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)


def c_call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def opened(flags):
    """Opens the file so, and closes it."""
    return lambda: os.close(os.open("file", flags))


def on_file(act):
    """Does something to a descriptor that is open for reading."""
    def change():
        file = os.open("file", os.O_RDONLY)
        try:
            act(file)
        finally:
            os.close(file)
    return change


def share_writable(file):
    mmap.mmap(file, 1, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE).close()


def make_writable(file):
    view = libc.mmap(None, ctypes.c_size_t(4096), mmap.PROT_READ, mmap.MAP_SHARED, file, ctypes.c_long(0))
    c_call("mprotect", ctypes.c_void_p(view), ctypes.c_size_t(4096), mmap.PROT_READ | mmap.PROT_WRITE)


def copy_within(file):
    os.copy_file_range(file, file, 1, 0, 100)


libc.mmap.restype = ctypes.c_void_p
CHANGES = {
    "open for writing": opened(os.O_WRONLY),
    "open for both": opened(os.O_RDWR),
    "open and truncate": opened(os.O_RDONLY | os.O_TRUNC),
    "open to append": opened(os.O_WRONLY | os.O_APPEND),
    "open, create if missing": opened(os.O_RDONLY | os.O_CREAT),
    "open, create anew": opened(os.O_RDONLY | os.O_CREAT | os.O_EXCL),
    "create": lambda: os.close(os.open("new", os.O_WRONLY | os.O_CREAT)),
    "create below": lambda: os.close(os.open("folder/new", os.O_RDWR | os.O_CREAT)),
    "temporary file": lambda: os.close(os.open(".", os.O_RDWR | os.O_TMPFILE)),
    "ask for writing": lambda: c_call("access", b"file", os.W_OK),
    "ask for writing below": lambda: c_call("access", b"folder", os.W_OK),
    "unlink": lambda: os.unlink("file"),
    "unlink a missing one": lambda: os.unlink("missing"),
    "unlink a folder": lambda: os.unlink("folder"),
    "rename": lambda: os.rename("file", "renamed"),
    "rename over": lambda: os.rename("file", "folder/inner"),
    "rename a missing one": lambda: os.rename("missing", "renamed"),
    "rename a folder": lambda: os.rename("folder", "renamed"),
    "exchange": lambda: c_call("renameat2", -100, b"file", -100, b"folder/inner", 2),
    "chmod": lambda: os.chmod("file", 0o666),
    "fchmod": on_file(lambda file: os.fchmod(file, 0o666)),
    "chown": lambda: os.chown("file", 1, 1),
    "fchown": on_file(lambda file: os.fchown(file, 1, 1)),
    "chown a link": lambda: os.lchown("file", 1, 1),
    "truncate": lambda: os.truncate("file", 0),
    "truncate longer": lambda: os.truncate("file", 1 << 20),
    "ftruncate": on_file(lambda file: os.ftruncate(file, 0)),
    "write": on_file(lambda file: os.write(file, b"x")),
    "pwrite": on_file(lambda file: os.pwrite(file, b"x", 0)),
    "copy within": on_file(copy_within),
    "send into": on_file(lambda file: os.sendfile(file, file, 0, 10)),
    "link": lambda: os.link("file", "linked"),
    "symlink": lambda: os.symlink("file", "linked"),
    "symlink over": lambda: os.symlink("file", "folder"),
    "mkdir": lambda: os.mkdir("made"),
    "mkdir over": lambda: os.mkdir("folder"),
    "rmdir": lambda: os.rmdir("folder"),
    "rmdir a file": lambda: os.rmdir("file"),
    "mkfifo": lambda: os.mkfifo("pipe"),
    "mknod": lambda: os.mknod("node"),
    "setxattr": lambda: os.setxattr("file", "user.mine", b"x"),
    "setxattr of a folder": lambda: os.setxattr("folder", "user.mine", b"x"),
    "fsetxattr": on_file(lambda file: os.setxattr(file, "user.mine", b"x")),
    "removexattr": lambda: os.removexattr("file", "user.mine"),
    "utimens": lambda: os.utime("file", (1, 1)),
    "utimens now": lambda: os.utime("file"),
    "futimens": on_file(lambda file: os.utime(file, (1, 1))),
    "fallocate": on_file(lambda file: c_call("fallocate", file, 0, ctypes.c_long(0), ctypes.c_long(100))),
    "punch": on_file(lambda file: c_call("fallocate", file, 3, ctypes.c_long(0), ctypes.c_long(100))),
    "shared writable mapping": on_file(share_writable),
    "mapping made writable": on_file(make_writable),
}


def report(who):
    for what, change in CHANGES.items():
        try:
            change()
            print(f"{who}, {what}: done")
        except OSError as refused:
            print(f"{who}, {what}: {errno.errorcode[refused.errno]}")


os.chdir(sys.argv[1])
report("root")
sys.stdout.flush()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
report("nobody")
