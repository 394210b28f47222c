using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Failures;

namespace Thaw.Endpoints.Control;

/// <summary>
/// Reads a JSON body and says in one sentence what is wrong with it: the field, and what would be right. The media type
/// must be JSON, also so that a web page elsewhere cannot post here without the browser asking first.
/// </summary>
internal static class JsonBody
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        TypeInfoResolver = ApiJson.Default,
        NumberHandling = JsonNumberHandling.Strict,
        PropertyNameCaseInsensitive = false,
        AllowDuplicateProperties = false,
    };

    /// <summary>Reads the body as a T of <see cref="ApiJson"/>. Fields without a default must be there.</summary>
    /// <param name="request">The request.</param>
    /// <param name="required">Names of the fields without a default.</param>
    /// <param name="cancellationToken">Ends the wait for the body.</param>
    public static async ValueTask<Result<T>> ReadAsync<T>(
        HttpRequest request, string[] required, CancellationToken cancellationToken)
        where T : class
    {
        if (!request.HasJsonContentType())
            return Bad("The body must be JSON with Content-Type: application/json.");
        try
        {
            using var document = await JsonDocument.ParseAsync(
                request.Body, new JsonDocumentOptions { MaxDepth = 8 }, cancellationToken);
            var type = (JsonTypeInfo<T>)Strict.GetTypeInfo(typeof(T));
            if (FieldError(document.RootElement, type, required) is { } error)
                return Bad(error);
            return document.RootElement.Deserialize(type) ?? (Result<T>)Bad("The body is null.");
        }
        catch (JsonException error)
        {
            return Bad(error.Path is { Length: > 1 } path
                ? $"Field '{path.TrimStart('$', '.')}' has a value of the wrong type or size, or stands there twice."
                : $"The body is not valid JSON at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}.");
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return Bad($"The body is larger than {Limits.ControlBodyBytes >> 20} MiB: send several requests.");
        }
    }

    /// <summary>Paths must be there and not be empty.</summary>
    public static Failure? PathsError(ImmutableArray<string> paths)
    {
        if (paths.IsDefaultOrEmpty)
            return Bad("Field 'paths' is empty: name at least one path as mount/key.");
        foreach (var path in paths)
            if (string.IsNullOrEmpty(path))
                return Bad("Field 'paths' holds an empty path: write each as mount/key.");
        return null;
    }

    private static string? FieldError(JsonElement root, JsonTypeInfo type, string[] required)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return "The body must be a JSON object.";
        var known = type.Properties.Select(property => property.Name).ToArray();
        foreach (var field in root.EnumerateObject())
            if (!known.Contains(field.Name, StringComparer.Ordinal))
                return $"Unknown field '{field.Name}': known are {string.Join(", ", known)}.";
        foreach (var name in required)
            if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
                return $"Field '{name}' is missing.";
        return null;
    }

    private static Failure Bad(string message) => new(FailureKind.InvalidRequest, message);
}
