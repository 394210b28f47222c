using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Thaw.Conformance.Servers;

/// <summary>A certificate authority that only those know who are told: as many companies have one.</summary>
public sealed class PrivateAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;

    /// <summary>Makes one that lasts a day.</summary>
    public PrivateAuthority()
    {
        var request = new CertificateRequest("CN=Thaw test authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>Its own certificate, PEM.</summary>
    public string Root => _root.ExportCertificatePem() + "\n";

    /// <summary>A certificate for 127.0.0.1 and localhost with its key, PEM.</summary>
    public string IssueForLoopback()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var issued = request.Create(
            _root, _root.NotBefore, _root.NotAfter, RandomNumberGenerator.GetBytes(8));
        return issued.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }
}
