using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Serving;

/// <summary>
/// Where a page of lines ended. Lines of the same time are ordered by a hash of what is shown of them, so that a page can end and the
/// next begin between them, whatever comes in meanwhile.
/// </summary>
/// <param name="Hash">Of the last line given.</param>
/// <param name="Same">How many lines of that time and hash were given.</param>
internal readonly record struct PageCursor(long TimestampNs, UInt128 Hash, int Same)
{
    private const int Length = 8 + 16 + 4 + 4;

    /// <summary>Of all that is shown of a line, in one call of the hash.</summary>
    public static UInt128 HashOf(LogQlEntry entry)
    {
        int length = 16 + entry.Line.Length + entry.Stream.Encoded.Length + entry.Metadata.Encoded.Length + entry.Parsed.Encoded.Length;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        int at = 0;
        Put(buffer, ref at, entry.Line);
        Put(buffer, ref at, entry.Stream.Encoded);
        Put(buffer, ref at, entry.Metadata.Encoded);
        Put(buffer, ref at, entry.Parsed.Encoded);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer.AsSpan(0, at), hash);
        ArrayPool<byte>.Shared.Return(buffer);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    private static void Put(byte[] buffer, ref int at, ReadOnlySpan<byte> part)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(at), part.Length);
        part.CopyTo(buffer.AsSpan(at + 4));
        at += 4 + part.Length;
    }

    /// <summary>As text for a request; it goes with one query and direction.</summary>
    public string Write(LogQlRangeQuery query)
    {
        Span<byte> bytes = stackalloc byte[Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes, TimestampNs);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[8..], Hash);
        BinaryPrimitives.WriteInt32BigEndian(bytes[24..], Same);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[28..], Of(query));
        return Base64Url.EncodeToString(bytes);
    }

    /// <exception cref="QueryException">The text is no cursor, or one of another query.</exception>
    public static PageCursor Read(string text, LogQlRangeQuery query)
    {
        Span<byte> bytes = stackalloc byte[Length];
        bool read = text.Length <= 2 * Length && Base64Url.IsValid(text, out int length) && length == Length;
        if (!read || !Base64Url.TryDecodeFromChars(text, bytes, out _))
            throw new QueryException(QueryErrorKind.BadData, $"cursor \"{(text.Length > 100 ? text[..100] + "…" : text)}\" cannot be read: give nextCursor of the page before, or nothing for the first page");
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]) != Of(query))
            throw new QueryException(QueryErrorKind.BadData, "the cursor belongs to another query or direction: begin with an empty cursor");
        return new PageCursor(BinaryPrimitives.ReadInt64BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[8..]), BinaryPrimitives.ReadInt32BigEndian(bytes[24..]));
    }

    private static uint Of(LogQlRangeQuery query) => Crc32C.Of(Encoding.UTF8.GetBytes($"{query.Backward} {query.Text}"));
}
