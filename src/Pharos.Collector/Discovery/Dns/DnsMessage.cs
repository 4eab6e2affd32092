using System.Buffers.Binary;
using System.Text;

namespace Pharos.Collector.Discovery;

/// <summary>Types of DNS records that targets are found by.</summary>
internal enum DnsRecordType : ushort
{
    Ns = 2,
    Mx = 15,
    Srv = 33,
}

/// <summary>One answer: the name that the record points at, with its final dot; of SRV records also a port.</summary>
internal readonly record struct DnsRecord(string Target, int Port);

/// <summary>Questions and answers as RFC 1035 and RFC 2782 write them.</summary>
internal static class DnsMessage
{
    public const int NoSuchName = 3;

    private const int HeadBytes = 12;
    private const int JumpsMax = 20;

    /// <summary>A recursive question for one name.</summary>
    /// <exception cref="FormatException">A part of the name has more than 63 bytes, or the whole has more than 255.</exception>
    public static byte[] Question(ushort id, string name, DnsRecordType type)
    {
        var message = new List<byte>(HeadBytes + name.Length + 6) { (byte)(id >> 8), (byte)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        foreach (string part in name.TrimEnd('.').Split('.'))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part);
            if (bytes.Length is 0 or > 63) throw new FormatException($"\"{name}\" is not a DNS name");
            message.Add((byte)bytes.Length);
            message.AddRange(bytes);
        }
        if (message.Count - HeadBytes > 254) throw new FormatException($"\"{name}\" is not a DNS name");
        message.AddRange([0, 0, (byte)type, 0, 1]);
        return [.. message];
    }

    /// <summary>Whether bytes answer the question with that id.</summary>
    public static bool Answers(ReadOnlySpan<byte> message, ushort id) =>
        message.Length >= HeadBytes && BinaryPrimitives.ReadUInt16BigEndian(message) == id && (message[2] & 0x80) != 0;

    /// <summary>The answer did not fit and must be asked for over TCP.</summary>
    public static bool IsTruncated(ReadOnlySpan<byte> message) => (message[2] & 2) != 0;

    /// <summary>0: the name is known; <see cref="NoSuchName"/>; anything else is the server's failure.</summary>
    public static int CodeOf(ReadOnlySpan<byte> message) => message[3] & 15;

    /// <summary>The records of one type in an answer.</summary>
    /// <exception cref="FormatException">The message is cut off or contradicts itself.</exception>
    public static IReadOnlyList<DnsRecord> Records(ReadOnlySpan<byte> message, DnsRecordType type)
    {
        try
        {
            int questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]), answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
            int at = HeadBytes;
            for (int i = 0; i < questions; i++)
            {
                Name(message, ref at);
                at += 4;
            }
            var records = new List<DnsRecord>();
            for (int i = 0; i < answers; i++)
            {
                Name(message, ref at);
                var kind = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
                int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
                int data = at + 10;
                at = data + length;
                if (kind != type) continue;
                int name = data + (type switch { DnsRecordType.Srv => 6, DnsRecordType.Mx => 2, _ => 0 });
                int port = type == DnsRecordType.Srv ? BinaryPrimitives.ReadUInt16BigEndian(message[(data + 4)..]) : 0;
                records.Add(new DnsRecord(Name(message, ref name), port));
            }
            return records;
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new FormatException("the DNS answer is cut off", e);
        }
    }

    private static string Name(ReadOnlySpan<byte> message, ref int at)
    {
        var name = new StringBuilder();
        int place = at;
        bool jumped = false;
        for (int jumps = 0; ;)
        {
            byte length = message[place];
            if ((length & 0xc0) == 0xc0)
            {
                if (++jumps > JumpsMax) throw new FormatException("a name in the DNS answer points in circles");
                int to = BinaryPrimitives.ReadUInt16BigEndian(message[place..]) & 0x3fff;
                if (!jumped) at = place + 2;
                jumped = true;
                place = to;
                continue;
            }
            if (length > 63) throw new FormatException("a name in the DNS answer is malformed");
            place++;
            if (length == 0) break;
            name.Append(Encoding.UTF8.GetString(message.Slice(place, length))).Append('.');
            if (name.Length > 1024) throw new FormatException("a name in the DNS answer is too long");
            place += length;
        }
        if (!jumped) at = place;
        return name.Length == 0 ? "." : name.ToString();
    }
}
