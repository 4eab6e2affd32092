using System.Text;

namespace Pharos.Wire.Tests.RemoteWrite;

/// <summary>Protobuf written by hand, for bodies that no encoder makes.</summary>
internal static class ProtoBytes
{
    public static List<byte> Label(string name, string value)
    {
        var label = new List<byte>();
        Message(label, 1, Encoding.UTF8.GetBytes(name));
        Message(label, 2, Encoding.UTF8.GetBytes(value));
        return label;
    }

    public static void Message(List<byte> into, int field, IReadOnlyCollection<byte> bytes)
    {
        into.Add((byte)((field << 3) | 2));
        if (bytes.Count >= 0x80) into.Add((byte)(bytes.Count | 0x80));
        into.Add((byte)(bytes.Count < 0x80 ? bytes.Count : bytes.Count >> 7));
        into.AddRange(bytes);
    }
}
