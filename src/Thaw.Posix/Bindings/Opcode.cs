namespace Thaw.Posix.Bindings;

/// <summary>Requests of the kernel (uapi/linux/fuse.h, enum fuse_opcode).</summary>
internal enum Opcode : uint
{
    Lookup = 1,
    Forget = 2,
    GetAttr = 3,
    SetAttr = 4,
    ReadLink = 5,
    SymLink = 6,
    MkNod = 8,
    MkDir = 9,
    Unlink = 10,
    RmDir = 11,
    Rename = 12,
    Link = 13,
    Open = 14,
    Read = 15,
    Write = 16,
    StatFs = 17,
    Release = 18,
    FSync = 20,
    SetXAttr = 21,
    GetXAttr = 22,
    ListXAttr = 23,
    RemoveXAttr = 24,
    Flush = 25,
    Init = 26,
    OpenDir = 27,
    ReadDir = 28,
    ReleaseDir = 29,
    FSyncDir = 30,
    Access = 34,
    Create = 35,
    Interrupt = 36,
    Destroy = 38,
    FAllocate = 43,
    BatchForget = 42,
    ReadDirPlus = 44,
    Rename2 = 45,
    CopyFileRange = 47,
    TmpFile = 51,
}

/// <summary>Messages to the kernel that answer nothing (enum fuse_notify_code).</summary>
internal enum Notice
{
    InvalidateInode = 2,
    InvalidateEntry = 3,
}

/// <summary>What INIT negotiates (uapi/linux/fuse.h, FUSE_*). The upper half travels in <c>flags2</c>.</summary>
[Flags]
internal enum InitFlags : ulong
{
    None = 0,
    AsyncRead = 1UL << 0,
    DoReadDirPlus = 1UL << 13,
    ParallelDirOps = 1UL << 18,
    MaxPages = 1UL << 22,
    ExplicitInvalidate = 1UL << 25,
    InitExt = 1UL << 30,
    Passthrough = 1UL << 37,
}

/// <summary>What an OPEN or OPENDIR answers (FOPEN_*).</summary>
[Flags]
internal enum OpenFlags : uint
{
    None = 0,
    KeepCache = 1 << 1,
    CacheDirectory = 1 << 3,
    NoFlush = 1 << 5,
    Passthrough = 1 << 7,
}
