using Microsoft.AspNetCore.Http;
using Thaw.Core.Contracts;

namespace Thaw.Endpoints.S3;

/// <summary>
/// What there is above keys: ListBuckets, HeadBucket, GetBucketLocation, GetBucketVersioning, listings.
/// </summary>
internal sealed class BucketOperations(IModelReader models)
{
    private static readonly string[] OtherFeatures =
    [
        "abac", "accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering", "inventory", "lifecycle",
        "logging", "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock",
        "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "session",
        "tagging", "uploads", "versions", "website",
    ];

    private readonly ListOperations _lists = new(models);

    /// <summary>Mounts are buckets.</summary>
    public async ValueTask ListBucketsAsync(S3Exchange exchange)
    {
        var xml = (await exchange.BeginXmlAsync()).OpenRoot("ListAllMyBucketsResult"u8);
        xml.Open("Owner"u8).Element("ID"u8, "thaw").Element("DisplayName"u8, "thaw").Close("Owner"u8);
        xml.Open("Buckets"u8);
        foreach (var mount in models.Mounts)
            xml.Open("Bucket"u8).Element("Name"u8, mount.Bucket).Element("CreationDate"u8, mount.CreatedAt)
                .Close("Bucket"u8);
        xml.Close("Buckets"u8).Close("ListAllMyBucketsResult"u8);
        await exchange.FlushAsync();
    }

    /// <summary>GET and HEAD of a bucket.</summary>
    public async ValueTask ReadAsync(S3Exchange exchange, MountName mount)
    {
        var query = exchange.Target.Query;
        if (exchange.IsHead)
        {
            // SDKs look the region up before they sign; us-east-1 is the one that every client accepts.
            exchange.Http.Response.StatusCode = StatusCodes.Status200OK;
            exchange.Http.Response.Headers["x-amz-bucket-region"] = "us-east-1";
        }
        else if (query.TryFindAny(OtherFeatures, out var feature))
        {
            await exchange.FailAsync(S3Error.NotImplemented(feature));
        }
        else if (query.Has("location"))
        {
            // An empty constraint is us-east-1 (Amazon S3 API reference, GetBucketLocation).
            (await exchange.BeginXmlAsync()).OpenRoot("LocationConstraint"u8).Close("LocationConstraint"u8);
            await exchange.FlushAsync();
        }
        else if (query.Has("versioning"))
        {
            (await exchange.BeginXmlAsync()).OpenRoot("VersioningConfiguration"u8).Close("VersioningConfiguration"u8);
            await exchange.FlushAsync();
        }
        else
        {
            await _lists.ListAsync(exchange, mount);
        }
    }
}
