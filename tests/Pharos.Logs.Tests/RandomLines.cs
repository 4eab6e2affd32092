using System.Text;

namespace Pharos.Logs.Tests;

/// <summary>Lines that a sender might send by mistake or in malice: JSON, logfmt and text as servers write it, and often not quite.</summary>
internal sealed class RandomLines(int seed)
{
    private static readonly string[] Names =
        ["status", "level", "duration", "user", "a.b", "a_b", "9lives", "ünits", "status ", "nested", "ip", "time", "id", "x_extracted", "__error__", "", " ", "app", "trace"];

    private static readonly string[] Words =
        ["info", "200", "500", "0", "-0", "-1", "00", "1.50", "1e9", "0.1", "-0.0", "12.5ms", "3s", "1.2.3.4", "256.1.1.1", "1.2.3", "true", "null", "", "grüße", "\uFFFD", "a b",
         "2026-03-01T12:00:00.123Z", "2026-02-30T12:00:00Z", "2026-03-01T12:00:00Z", "0123456789abcdef", "DEADBEEFDEADBEEF", "99999999999999999999", "9007199254740993", "1.0000000000000000001"];

    private static readonly string[] Separators = [" ", " ", "  ", "\"", "\" \"", "=", ": ", ", ", "[", "] ", "\n", "\t", "key=", "<>", "\0", "", "="];
    private static readonly string[] TimeForms =
        ["yyyy-MM-dd HH:mm:ss,fff", "yyyy/MM/dd_HH:mm:ss", "yyyy-MM-ddTHH:mm:ss.fffffff+01:00", "dd/MMM/yyyy:HH:mm:ss", "yyyy-MM-dd HH:mm:ss.", "yyyy-MM-dd HH:mm:ss,12", "dd/mmm/yyyy:HH:mm:ss"];

    private readonly Random random = new(seed);

    /// <summary>Few kinds of lines, as a stream has them, with accidents.</summary>
    public byte[] Next()
    {
        string line = random.Next(17) switch
        {
            < 5 => $"{{\"status\":{random.Next(200, 210)},\"level\":\"{Word()}\",\"duration\":{random.Next(1000) / 100.0},\"ip\":\"10.0.{random.Next(300)}.1\",\"id\":\"{random.NextInt64():x16}\"}}",
            < 9 => $"level=info status={random.Next(200, 210)} duration={random.Next(10000) / 10.0}ms id={random.NextInt64():x16} msg=\"{Word()}\"",
            9 => Json(0),
            10 => Logfmt(),
            11 or 12 => $"10.0.{random.Next(300)}.1 - {(random.Next(3) == 0 ? Word() : "-")} [{Time():dd/MMM/yyyy:HH:mm:ss} +0000] \"{(random.Next(2) == 0 ? "GET" : "POST")} /api/{random.Next(50)}?q={Word()} HTTP/1.1\" {random.Next(200, 210)} {random.Next(5000)} \"-\" \"Mozilla/5.0 (X11; {Word()}) Gecko\"",
            13 or 14 => $"{Time():yyyy-MM-dd HH:mm:ss.fff} {(random.Next(3) == 0 ? "ERROR" : "INFO ")} [pool-{random.Next(4)}] c.e.Service - {(random.Next(2) == 0 ? "order placed" : "retrying upstream call")} status={random.Next(200, 210)} took {random.Next(999) / 1000.0}s{(random.Next(4) == 0 ? "\njava.lang.Exception: " + Word() + "\n\tat a.B(C.java:1)\n" : "")}",
            15 => Text(),
            _ => Word() + " " + Word(),
        };
        byte[] bytes = Encoding.UTF8.GetBytes(line);
        switch (random.Next(25))
        {
            case 0 when bytes.Length > 1: return bytes[..random.Next(1, bytes.Length)];
            case 1: return [.. bytes, .. "}"u8];
            case 2 when bytes.Length > 1:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 3: return [(byte)' ', .. bytes];
            case 4: return [.. bytes, (byte)'\n'];
            case 5: return [.. bytes, .. bytes];
            default: return bytes;
        }
    }

    private DateTime Time() => DateTime.UnixEpoch.AddMilliseconds(random.Next(3) == 0 ? random.NextInt64(1L << 43) : random.Next(5000));

    /// <summary>Words between whatever stands between words.</summary>
    private string Text()
    {
        var text = new StringBuilder();
        for (int i = random.Next(12); i >= 0; i--)
        {
            text.Append(random.Next(4) == 0 ? Word() : random.Next(3) == 0 ? Time().ToString(TimeForms[random.Next(TimeForms.Length)], System.Globalization.CultureInfo.InvariantCulture) : "word");
            text.Append(Separators[random.Next(Separators.Length)]);
        }
        return text.ToString();
    }

    private string Word() => Words[random.Next(Words.Length)];

    private string Json(int depth)
    {
        var text = new StringBuilder("{");
        for (int i = random.Next(5); i >= 0; i--)
        {
            string value = random.Next(9) switch
            {
                0 => "null", 1 => "true", 2 => "[1,\"a\",{}]", 3 => "[1, [2]]",
                4 when depth < 12 => Json(depth + 1),
                5 => $"\"{Word()}\\u0041\\n\"", 6 => random.Next().ToString(),
                7 => Word(),
                _ => $"\"{Word()}\"",
            };
            if (text.Length > 1) text.Append(random.Next(5) == 0 ? " , " : ",");
            text.Append($"\"{Names[random.Next(Names.Length)]}\"{(random.Next(5) == 0 ? " : " : ":")}{value}");
        }
        return text.Append('}').ToString();
    }

    private string Logfmt()
    {
        var text = new StringBuilder();
        for (int i = random.Next(6); i >= 0; i--)
        {
            text.Append(Names[random.Next(Names.Length)]);
            if (random.Next(6) > 0) text.Append('=').Append(random.Next(3) switch { 0 => $"\"{Word()}\"", 1 => $"\"{Word()}\\\"\"", _ => Word() });
            text.Append(' ', random.Next(3));
        }
        return text.ToString();
    }
}
