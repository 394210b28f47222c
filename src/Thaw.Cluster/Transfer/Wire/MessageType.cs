namespace Thaw.Cluster.Transfer.Wire;

/// <summary>
/// Types of messages, on the page docs/internals/transfer.md called <c>hello</c>, <c>proof</c>, <c>refuse</c>,
/// <c>request</c>, <c>cancel</c>, <c>question</c>, <c>blocks</c>, <c>waiting</c>, <c>redirect</c>,
/// <c>notConfigured</c>, <c>failure</c>, <c>answer</c>. A node skips those that it does not know.
/// </summary>
internal enum MessageType : byte
{
    Hello = 1,
    Proof = 2,
    Refuse = 3,
    Request = 16,
    Cancel = 17,
    Question = 18,
    Blocks = 32,
    Waiting = 33,
    Redirect = 34,
    NotConfigured = 35,
    Failure = 36,
    Answer = 37,
}
