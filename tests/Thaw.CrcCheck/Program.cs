using Thaw.Core.Checksums;

// Compares every way of computing a CRC that this machine has with the table; for machines on which the tests
// themselves do not run. Prints the ways, and last the one that is chosen. Exit code 1: one of them differs.
const int LongestBytes = 5000;
const int BlockBytes = 256 << 10;

var bytes = new byte[BlockBytes + 64];
new Random(4).NextBytes(bytes);
var differs = false;

void Expect(bool equal, string what)
{
    if (equal)
        return;
    differs = true;
    Console.WriteLine($"{what} differs");
}

Expect(Crc32C.Compute("123456789"u8) == 0xE3069283, "the golden vector of CRC-32C");
Expect(Crc64Nvme.Compute("123456789"u8) == 0xAE8B14860A799888, "the golden vector of CRC-64/NVME");
foreach (var path in Crc32CPath.All)
{
    Console.WriteLine($"{path.Name}: {(path.IsSupported ? "checked" : "not on this machine")}");
    if (!path.IsSupported)
        continue;
    for (var length = 0; length <= LongestBytes; length++)
    {
        var text = bytes.AsSpan(length % 64, length);
        Expect(path.Append(0x1234567, text) == Crc32CTable.Append(0x1234567, text), $"{path.Name}, {length} bytes,");
    }

    var block = bytes.AsSpan(3, BlockBytes);
    Expect(path.Append(1, block) == Crc32CTable.Append(1, block), $"{path.Name}, a block,");
}

for (var length = 0; length <= LongestBytes; length += 7)
{
    var text = bytes.AsSpan(length % 64, length);
    var rest = bytes.AsSpan(length, 300);
    Expect(Crc64Nvme.Compute(text) == ~Crc64Nvme.AppendTable(ulong.MaxValue, text), $"CRC-64/NVME, {length} bytes,");
    var both = Crc32C.Append(Crc32C.Compute(text), rest);
    Expect(Crc32C.Combine(Crc32C.Compute(text), Crc32C.Compute(rest), rest.Length) == both, $"combine at {length}");
}

Console.WriteLine($"chosen: {Crc32C.PathName}");
return differs ? 1 : 0;
