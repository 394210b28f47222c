using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Thaw.Core.Failures;
using Thaw.Posix.Bindings;
using Thaw.Posix.Tree;
using Xunit;

namespace Thaw.Tests.Posix;

/// <summary>What goes over <c>/dev/fuse</c>, byte by byte.</summary>
public sealed class ProtocolTests
{
    [Fact]
    public void Structures_have_the_sizes_of_the_kernel()
    {
        Assert.Equal(40, Unsafe.SizeOf<InHeader>());
        Assert.Equal(16, Unsafe.SizeOf<OutHeader>());
        Assert.Equal(64, Unsafe.SizeOf<InitIn>());
        Assert.Equal(64, Unsafe.SizeOf<InitOut>());
        Assert.Equal(88, Unsafe.SizeOf<Attributes>());
        Assert.Equal(128, Unsafe.SizeOf<EntryOut>());
        Assert.Equal(104, Unsafe.SizeOf<AttrOut>());
        Assert.Equal(8, Unsafe.SizeOf<OpenIn>());
        Assert.Equal(16, Unsafe.SizeOf<OpenOut>());
        Assert.Equal(40, Unsafe.SizeOf<ReadIn>());
        Assert.Equal(24, Unsafe.SizeOf<ReleaseIn>());
        Assert.Equal(16, Unsafe.SizeOf<ForgetOne>());
        Assert.Equal(8, Unsafe.SizeOf<XAttrSize>());
        Assert.Equal(80, Unsafe.SizeOf<StatFsOut>());
        Assert.Equal(24, Unsafe.SizeOf<DirEntry>());
        Assert.Equal(16, Unsafe.SizeOf<InvalidateEntryOut>());
        Assert.Equal(16, Unsafe.SizeOf<BackingMap>());
    }

    [Fact]
    public void Init_takes_what_is_wanted_of_what_is_offered()
    {
        // Linux 6.18 offers more than is wanted; the answer is what it echoes, 64 bytes.
        var asked = new InitIn { Major = 7, Minor = 45, Flags = 0xffffffff, Flags2 = 0xffffffff };
        var answer = Negotiation.Answer(in asked);
        Assert.Equal(
            "07000000" + "28000000" + "00001000" + "01204442" + "4000" + "3000" + "00100000" + "01000000"
                + "0001" + "0000" + "20000000" + "01000000" + new string('0', 48),
            Hex(answer));
        Assert.True(Negotiation.HasPassthrough(in answer));
    }

    [Fact]
    public void An_old_kernel_gets_no_passthrough_and_its_own_minor()
    {
        var asked = new InitIn { Major = 7, Minor = 31, MaxReadAhead = 131072, Flags = (uint)InitFlags.AsyncRead };
        var answer = Negotiation.Answer(in asked);
        Assert.Equal(31u, answer.Minor);
        Assert.Equal((uint)InitFlags.AsyncRead, answer.Flags);
        Assert.Equal(0u, answer.MaxStackDepth);
        Assert.False(Negotiation.HasPassthrough(in answer));
    }

    [Fact]
    public void Entries_of_a_folder_are_padded_and_only_whole_ones_are_written()
    {
        Span<byte> plain = stackalloc byte[70];
        var writer = new FolderWriter(plain, plus: false);
        Assert.True(writer.Fits("a"));
        writer.Add("a", 0x1122334455667788, isFolder: false, 3, default);
        Assert.Equal(32, writer.Length);
        Assert.True(writer.Fits("bcdefghi"));
        writer.Add("bcdefghi", 2, isFolder: true, 4, default);
        Assert.Equal(64, writer.Length);
        Assert.False(writer.Fits("j"));
        Assert.Equal(
            "8877665544332211" + "0300000000000000" + "01000000" + "08000000" + "6100000000000000"
                + "0200000000000000" + "0400000000000000" + "08000000" + "04000000" + "6263646566676869",
            Convert.ToHexStringLower(plain[..writer.Length]));
    }

    [Fact]
    public void An_entry_tells_node_attributes_and_how_long_they_hold()
    {
        var root = new NodeTable().Root;
        var node = new Node(7, root, new Found("f", false, 1025, DateTimeOffset.UnixEpoch.AddSeconds(5), 9), 99);
        var entry = NodeAttributes.EntryOf(node, TimeSpan.FromSeconds(1.5));
        Assert.Equal(
            "0700000000000000" + "0000000000000000" + "0100000000000000" + "8051010000000000" + "0065cd1d" + "00000000"
                + "6300000000000000" + "0104000000000000" + "0300000000000000"
                + "050000000000000005000000000000000500000000000000" + "000000000000000000000000"
                + "24810000" + "01000000" + "000000000000000000000000" + "00100000" + "00000000",
            Hex(entry));
    }

    [Fact]
    public void Every_failure_has_an_errno_and_a_failed_fetch_is_an_input_error()
    {
        foreach (var kind in Enum.GetValues<FailureKind>())
            Assert.InRange(Errno.Of(kind), 1, 133);
        Assert.Equal(5, Errno.Of(FailureKind.OriginUnavailable));
        Assert.Equal(5, Errno.Of(FailureKind.Corrupt));
        Assert.Equal(2, Errno.Of(FailureKind.NotFound));
        Assert.Equal(13, Errno.Of(FailureKind.AccessDenied));
    }

    [Theory]
    [InlineData(Opcode.Write)]
    [InlineData(Opcode.Create)]
    [InlineData(Opcode.SetAttr)]
    [InlineData(Opcode.SetXAttr)]
    [InlineData(Opcode.Rename2)]
    [InlineData(Opcode.FAllocate)]
    public void Whatever_would_change_something_is_refused(object opcode) =>
        Assert.Equal(30, TreeRequests.ErrnoOf((Opcode)opcode));

    [Fact]
    public void Inode_numbers_follow_from_names_and_never_change()
    {
        Assert.Equal(0xed628118c7a4700fUL, FileNames.InodeOf("models", "llama/model.safetensors"));
        Assert.NotEqual(FileNames.InodeOf("models", "a"), FileNames.InodeOf("models", "a/"));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("...", true)]
    [InlineData("ü", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a\0b", false)]
    [InlineData("a/b", false)]
    public void Some_parts_of_keys_are_no_names(string part, bool possible) =>
        Assert.Equal(possible, FileNames.IsPossible(part));

    [Fact]
    public void Names_have_255_bytes_at_most()
    {
        Assert.True(FileNames.IsPossible(new string('a', 255)));
        Assert.False(FileNames.IsPossible(new string('a', 256)));
        Assert.False(FileNames.IsPossible(new string('ü', 128)));
    }

    private static string Hex<T>(T structure)
        where T : unmanaged =>
        Convert.ToHexStringLower(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in structure)));
}
