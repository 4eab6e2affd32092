using System.Buffers.Binary;
using System.Text;

namespace Pharos.Collector.Discovery;

/// <summary>ZooKeeper's messages: a length, then big-endian numbers, and texts with a length before them.</summary>
internal static class ZooKeeperWire
{
    public const int Exists = 3;
    public const int GetData = 4;
    public const int GetChildren = 8;
    public const int Ping = 11;

    /// <summary>Numbers of messages that stand apart from requests and their answers.</summary>
    public const int WatchEvent = -1;
    public const int PingNumber = -2;

    public const int NoNode = -101;

    /// <summary>A request to open a session; 0 asks for a new one.</summary>
    public static byte[] Connect(TimeSpan timeout)
    {
        var bytes = new byte[44];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), (int)timeout.TotalMilliseconds);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(24), 16);
        return bytes;
    }

    /// <summary>A request about a path, which leaves a watch on it.</summary>
    public static byte[] Request(int number, int operation, string path)
    {
        byte[] text = Encoding.UTF8.GetBytes(path);
        var bytes = new byte[8 + 4 + text.Length + 1];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), operation);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), text.Length);
        text.CopyTo(bytes.AsSpan(12));
        bytes[^1] = 1;
        return bytes;
    }

    /// <summary>A request without content.</summary>
    public static byte[] Bare(int number, int operation)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), operation);
        return bytes;
    }

    /// <summary>The head of an answer: the request's number and an error, 0 for none.</summary>
    /// <exception cref="FormatException">The message is too short.</exception>
    public static (int Number, int Error) Head(ReadOnlySpan<byte> message)
    {
        if (message.Length < 16) throw new FormatException("an answer of ZooKeeper is too short");
        return (BinaryPrimitives.ReadInt32BigEndian(message), BinaryPrimitives.ReadInt32BigEndian(message[12..]));
    }

    /// <summary>The data of a node; empty where it has none.</summary>
    /// <exception cref="FormatException">The message is too short.</exception>
    public static byte[] Data(ReadOnlySpan<byte> message)
    {
        int at = 16;
        return Bytes(message, ref at).ToArray();
    }

    /// <summary>The names of a node's children.</summary>
    /// <exception cref="FormatException">The message is too short.</exception>
    public static IReadOnlyList<string> Children(ReadOnlySpan<byte> message)
    {
        int at = 16;
        int count = Number(message, ref at);
        var names = new List<string>();
        for (int i = 0; i < count; i++) names.Add(Encoding.UTF8.GetString(Bytes(message, ref at)));
        return names;
    }

    private static int Number(ReadOnlySpan<byte> message, ref int at)
    {
        if (message.Length - at < 4) throw new FormatException("an answer of ZooKeeper is too short");
        int value = BinaryPrimitives.ReadInt32BigEndian(message[at..]);
        at += 4;
        return value;
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> message, ref int at)
    {
        int length = Number(message, ref at);
        if (length < 0) return [];
        if (message.Length - at < length) throw new FormatException("an answer of ZooKeeper is too short");
        at += length;
        return message.Slice(at - length, length);
    }
}
