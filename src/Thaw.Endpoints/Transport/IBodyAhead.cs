namespace Thaw.Endpoints.Transport;

/// <summary>
/// A feature of a connection: the first bytes of a body can be read before its headers are written, while a failure can
/// still be told, into the very memory that they are sent from. <see cref="Prepare"/>, fill, start the response,
/// <see cref="Offer"/>: then the response's next <c>GetMemory</c> is the prepared memory, filled. One request at a
/// time.
/// </summary>
internal interface IBodyAhead
{
    /// <summary>
    /// Memory for at least so many bytes; it stays until the next <see cref="Offer"/> or <see cref="Withdraw"/>.
    /// </summary>
    Memory<byte> Prepare(int least);

    /// <summary>The next <c>GetMemory</c> of the response's writer gives the prepared memory.</summary>
    void Offer();

    /// <summary>The prepared memory is not needed; also right when there is none.</summary>
    void Withdraw();

    /// <summary>
    /// The next flush may keep its thread for a moment while the client takes what was sent: for threads of the pool
    /// with a long body, since the kernel wakes them sooner than a polling thread does.
    /// </summary>
    void LetFlushWait();
}
