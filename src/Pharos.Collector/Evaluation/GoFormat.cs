using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Evaluation;

/// <summary>The verbs of Go's printf that make sense for values of the language.</summary>
internal static class GoFormat
{
    public static string Format(string spec, ReadOnlySpan<Value> arguments)
    {
        var text = new StringBuilder();
        int next = 0;
        for (int i = 0; i < spec.Length; i++)
        {
            if (spec[i] != '%')
            {
                text.Append(spec[i]);
                continue;
            }
            int start = ++i;
            while (i < spec.Length && spec[i] is '#' or '+' or '-' or ' ' or '0') i++;
            string flags = spec[start..i];
            int width = Number(spec, ref i);
            int precision = -1;
            if (i < spec.Length && spec[i] == '.')
            {
                i++;
                precision = Math.Max(0, Number(spec, ref i));
            }
            if (i >= spec.Length)
            {
                text.Append("%!(NOVERB)");
                break;
            }
            char verb = spec[i];
            if (verb == '%')
            {
                text.Append('%');
                continue;
            }
            if (next >= arguments.Length) throw new FunctionException(-1, $"not enough arguments for the verbs of {GoString.Quote(spec)}");
            string one = One(verb, flags, precision, arguments[next], next + 1);
            next++;
            text.Append(Pad(one, width, flags, verb));
        }
        if (next < arguments.Length) throw new FunctionException(-1, $"{GoString.Quote(spec)} has {next} verbs for {arguments.Length} arguments");
        return text.ToString();
    }

    private static string One(char verb, string flags, int precision, Value value, int index)
    {
        bool sharp = flags.Contains('#', StringComparison.Ordinal);
        switch (verb)
        {
            case 'v':
                return sharp && value is StringValue ? value.ToString() : Plain(value);
            case 's':
                string text = Plain(value);
                return precision >= 0 && text.Length > precision ? text[..precision] : text;
            case 'q' when value is StringValue quoted:
                return GoString.Quote(quoted.Text);
            case 't' when value is BoolValue:
                return value.ToString();
            case 'd' when Integer(value) is { } integer:
                return Sign(integer.ToString(CultureInfo.InvariantCulture), flags);
            case 'b' when Integer(value) is { } integer:
                return integer < 0 ? "-" + Convert.ToString(-integer, 2) : Convert.ToString(integer, 2);
            case 'o' when Integer(value) is { } integer:
                return (integer < 0 ? "-" : "") + Convert.ToString(Math.Abs(integer), 8);
            case 'c' when Integer(value) is >= 0 and <= 0x10FFFF and var rune && Rune.IsValid((int)rune):
                return new Rune((int)rune).ToString();
            case 'x' or 'X' when Integer(value) is { } integer:
                string hex = (integer < 0 ? "-" : "") + (sharp ? "0x" : "") + Math.Abs(integer).ToString("x", CultureInfo.InvariantCulture);
                return verb == 'X' ? hex.ToUpperInvariant() : hex;
            case 'x' or 'X' when value is StringValue s:
                string bytes = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(s.Text));
                return verb == 'X' ? bytes.ToUpperInvariant() : bytes;
            case 'f' or 'F' when value is NumberValue n:
                return Sign(n.AsDouble.ToString("F" + (precision < 0 ? 6 : precision), CultureInfo.InvariantCulture), flags);
            case 'e' or 'E' when value is NumberValue n:
                string digits = new('0', precision < 0 ? 6 : precision);
                return n.AsDouble.ToString(digits.Length == 0 ? $"0{verb}+00" : $"0.{digits}{verb}+00", CultureInfo.InvariantCulture);
            case 'g' or 'G' when value is NumberValue n:
                return precision < 0 ? GoNumber.Format(n.AsDouble) : n.AsDouble.ToString("G" + Math.Max(1, precision), CultureInfo.InvariantCulture).Replace("E", "e", StringComparison.Ordinal);
            default:
                throw new FunctionException(index, $"verb %{verb} cannot format a value of type {value.Type}");
        }
    }

    private static string Plain(Value value) => value is StringValue s ? s.Text : value.ToString();

    private static long? Integer(Value value) => value switch
    {
        NumberValue { Number: long l } => l,
        NumberValue { Number: double d } when d == Math.Floor(d) && Math.Abs(d) < 1e18 => (long)d,
        _ => null,
    };

    private static string Sign(string number, string flags)
    {
        if (number.StartsWith('-')) return number;
        if (flags.Contains('+', StringComparison.Ordinal)) return "+" + number;
        return flags.Contains(' ', StringComparison.Ordinal) ? " " + number : number;
    }

    private static string Pad(string text, int width, string flags, char verb)
    {
        if (text.Length >= width) return text;
        if (flags.Contains('-', StringComparison.Ordinal)) return text.PadRight(width);
        if (!flags.Contains('0', StringComparison.Ordinal) || verb is 's' or 'q' or 'v' or 't') return text.PadLeft(width);
        bool signed = text[0] is '-' or '+';
        return signed ? text[0] + text[1..].PadLeft(width - 1, '0') : text.PadLeft(width, '0');
    }

    private static int Number(string spec, ref int at)
    {
        int start = at;
        while (at < spec.Length && char.IsAsciiDigit(spec[at])) at++;
        // A width no text needs would only exhaust memory.
        return at == start ? -1 : int.TryParse(spec.AsSpan(start, at - start), CultureInfo.InvariantCulture, out int number) && number <= 10_000
            ? number
            : throw new FunctionException(0, "width or precision is too large");
    }
}
