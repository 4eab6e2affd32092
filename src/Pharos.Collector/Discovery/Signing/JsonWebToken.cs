using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>Makes signed JSON web tokens, by which service accounts ask for access tokens.</summary>
internal static class JsonWebToken
{
    /// <param name="algorithm">RS256 or RS512.</param>
    /// <param name="keyPem">An RSA key in PEM.</param>
    /// <exception cref="CryptographicException">The key cannot be used.</exception>
    /// <exception cref="ArgumentException">The key is not PEM.</exception>
    public static string Sign(string algorithm, string keyId, string keyPem, IReadOnlyDictionary<string, object> claims)
    {
        using var key = RSA.Create();
        key.ImportFromPem(keyPem);
        string text = $"{Part(new Dictionary<string, object> { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = keyId })}.{Part(claims)}";
        byte[] signature = key.SignData(Encoding.ASCII.GetBytes(text), algorithm == "RS512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }

    private static string Part(IReadOnlyDictionary<string, object> values) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(values));
}
