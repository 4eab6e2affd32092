using System.Runtime.CompilerServices;
using System.Text;

namespace Pharos.Logs.Tools;

/// <summary>The lines of a stream as bytes, without their ends.</summary>
internal static class PushLines
{
    public static async IAsyncEnumerable<byte[]> ReadAsync(Stream input, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: true, bufferSize: 1 << 16, leaveOpen: true);
        while (await reader.ReadLineAsync(cancel) is { } line) yield return Encoding.UTF8.GetBytes(line);
    }
}
