using Thaw.Core;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>
/// Failures between nodes. The kind goes by its name, so that one which a node does not know is no other.
/// </summary>
internal static class FailureCodec
{
    public static byte[] Write(Failure failure)
    {
        var fields = new FieldWriter().Text(1, failure.Kind.ToString()).Byte(2, (byte)failure.Retry);
        if (failure.RetryAfter is { } after)
            fields.UInt32(3, (uint)Math.Clamp(after.TotalMilliseconds, 0, uint.MaxValue));
        var message = failure.Message.Length > Limits.PeerSentence
            ? failure.Message[..Limits.PeerSentence] : failure.Message;
        return fields.Text(4, message).ToArray();
    }

    public static Failure? TryRead(ReadOnlySpan<byte> bytes)
    {
        var (kind, retry, message) = ("", RetryAdvice.Elsewhere, "");
        TimeSpan? after = null;
        var fields = new FieldReader(bytes);
        while (fields.Next())
            switch (fields.Tag)
            {
                case 1: kind = fields.Text(); break;
                case 2: retry = (RetryAdvice)fields.Byte(); break;
                case 3: after = TimeSpan.FromMilliseconds(fields.UInt32()); break;
                case 4: message = fields.Text(); break;
            }

        if (fields.IsBroken)
            return null;
        // A newer node's kind or advice: not here and not now, which is true of every failure.
        var known = Enum.TryParse<FailureKind>(kind, out var parsed)
            && Enum.IsDefined(parsed) && parsed.ToString() == kind
            ? parsed
            : FailureKind.Busy;
        return new Failure(known, message, Enum.IsDefined(retry) ? retry : RetryAdvice.Elsewhere, after);
    }
}
