using System.Text;

namespace Pharos.Collector.Evaluation;

/// <summary>Percent encoding undone as Go's url.QueryUnescape does it.</summary>
internal static class UrlText
{
    public static string Decode(string text)
    {
        var bytes = new List<byte>(text.Length);
        var raw = Encoding.UTF8.GetBytes(text);
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '+')
            {
                bytes.Add((byte)' ');
            }
            else if (raw[i] != '%')
            {
                bytes.Add(raw[i]);
            }
            else
            {
                if (i + 2 >= raw.Length || !char.IsAsciiHexDigit((char)raw[i + 1]) || !char.IsAsciiHexDigit((char)raw[i + 2]))
                    throw new FunctionException(0, "a % is not followed by two hexadecimal digits");
                bytes.Add(Convert.ToByte(Encoding.ASCII.GetString(raw, i + 1, 2), 16));
                i += 2;
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }
}
