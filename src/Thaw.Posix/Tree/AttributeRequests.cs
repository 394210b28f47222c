using System.Globalization;
using System.Text;
using Thaw.Core.Identity;
using Thaw.Posix.Bindings;
using Thaw.Posix.Loop;

namespace Thaw.Posix.Tree;

/// <summary>
/// Extended attributes of files: <c>user.thaw.etag</c>, <c>user.thaw.cached</c> (bytes of this version on the node),
/// <c>user.thaw.version</c> (its ContentId). Nothing else has any, and other namespaces do not exist, so that
/// <c>ls</c> asks once.
/// </summary>
internal sealed class AttributeRequests(TreeParts parts, PendingRequests pending)
{
    private const string Prefix = "user.thaw.";
    private static readonly byte[] Names = "user.thaw.etag\0user.thaw.cached\0user.thaw.version\0"u8.ToArray();

    public void Get(in Request request)
    {
        const int nameOffset = 8; // sizeof(fuse_getxattr_in)
        var name = request.Name(nameOffset) ?? "";
        var size = request.Read<XAttrSize>().Size;
        if (!name.StartsWith("user.", StringComparison.Ordinal))
            request.Fail(Errno.NotSupported);
        else if (parts.Nodes.Get(request.NodeId) is not { } node)
            request.Fail(Errno.Stale);
        else if (node.IsFolder || name is not (Prefix + "etag" or Prefix + "cached" or Prefix + "version"))
            request.Fail(Errno.NoAttribute);
        else
            pending.Run(in request, one => GetAsync(node, name[Prefix.Length..], size, one));
    }

    public void List(in Request request)
    {
        if (parts.Nodes.Get(request.NodeId) is not { } node)
        {
            request.Fail(Errno.Stale);
            return;
        }

        var names = node.IsFolder ? default : Names.AsSpan();
        var size = request.Read<XAttrSize>().Size;
        if (size == 0)
        {
            var answer = new XAttrSize { Size = (uint)names.Length };
            request.Answer(in answer);
        }
        else if (size < names.Length)
        {
            request.Fail(Errno.Range);
        }
        else
        {
            request.Channel.Answer(request.Unique, names);
        }
    }

    private async Task GetAsync(Node node, string name, uint size, PendingRequest request)
    {
        var resolved = await parts.Names.ResolveAsync(node, request.Cancelled).ConfigureAwait(false);
        if (!resolved.TryGet(out var version, out var failure))
        {
            request.Fail(Errno.Of(failure.Kind));
            return;
        }

        if (!node.Is(TreeNames.FileOf(node.Name, version)))
        {
            parts.Nodes.Detach(node);
            request.Fail(Errno.Stale);
            return;
        }

        var value = Encoding.UTF8.GetBytes(ValueOf(name, version));
        var answer = new XAttrSize { Size = (uint)value.Length };
        if (size == 0)
            request.Answer(in answer);
        else if (size < value.Length)
            request.Fail(Errno.Range);
        else
            request.Answer(value);
    }

    private string ValueOf(string name, ObjectVersion version) => name switch
    {
        "etag" => version.ETag,
        "version" => version.Id.ToString(),
        _ => parts.Files.CachedBytesOf(version).ToString(CultureInfo.InvariantCulture),
    };
}
