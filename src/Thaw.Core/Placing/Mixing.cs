using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Thaw.Core.Placing;

/// <summary>Hashes of placement. Part of the protocol: nodes that hash otherwise place otherwise.</summary>
internal static class Mixing
{
    /// <summary>The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit depends on every bit.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>A key's hash at a node; the hashes of two nodes have nothing to do with each other.</summary>
    public static ulong At(PlacementKey key, ulong seed) => Mix(Mix(key.Low ^ seed) ^ key.High);

    /// <summary>What a node's name contributes.</summary>
    public static ulong Seed(string name)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes("thaw-node-1\n" + name), digest);
        return BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }
}
