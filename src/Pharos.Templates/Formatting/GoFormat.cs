using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Templates.Formatting;

/// <summary>Go's fmt: Sprintf, Sprint and Sprintln over template values.</summary>
public static class GoFormat
{
    internal const int NumberMax = 1_000_000;

    /// <summary>The form of <c>%v</c>.</summary>
    public static string Value(object? value)
    {
        if (value is string text) return text;
        var printer = new GoPrinter(int.MaxValue);
        printer.Value(TemplateValue.Normalize(value), 'v', 0);
        return printer.Text;
    }

    /// <summary>Spaces between operands where neither is a string.</summary>
    public static string Print(IReadOnlyList<object?> values, int charsMax = int.MaxValue)
    {
        var printer = new GoPrinter(charsMax);
        for (int i = 0; i < values.Count; i++)
        {
            if (i > 0 && values[i] is not (string or SafeText) && values[i - 1] is not (string or SafeText)) printer.Raw(" ");
            printer.Value(values[i], 'v', 0);
        }
        return printer.Text;
    }

    /// <summary>Spaces between all operands, a line end after the last.</summary>
    public static string PrintLine(IReadOnlyList<object?> values, int charsMax = int.MaxValue)
    {
        var printer = new GoPrinter(charsMax);
        for (int i = 0; i < values.Count; i++)
        {
            if (i > 0) printer.Raw(" ");
            printer.Value(values[i], 'v', 0);
        }
        printer.Raw("\n");
        return printer.Text;
    }

    public static string Printf(string format, params IReadOnlyList<object?> values) => Printf(format, values, int.MaxValue);

    /// <summary>Formats as fmt.Sprintf, mistakes included: <c>%!d(string=x)</c>, <c>%!s(MISSING)</c>, <c>%!(EXTRA int=2)</c>.</summary>
    /// <exception cref="TemplateFunctionException">The result is longer than <paramref name="charsMax"/>.</exception>
    public static string Printf(string format, IReadOnlyList<object?> values, int charsMax)
    {
        var printer = new GoPrinter(charsMax);
        int argument = 0;
        bool reordered = false;
        for (int i = 0; i < format.Length;)
        {
            int percent = format.IndexOf('%', i);
            if (percent < 0) percent = format.Length;
            printer.Raw(format.AsSpan(i, percent - i));
            i = percent + 1;
            if (percent >= format.Length) break;
            printer.ClearFlags();
            bool afterIndex = false, goodIndex = true;
            reordered = false;
            i = Flags(format, i, printer);
            i = Index(format, i, values.Count, ref argument, ref reordered, ref afterIndex, ref goodIndex);
            if (i < format.Length && format[i] == '*')
            {
                i++;
                if (!Star(values, ref argument, out int width)) printer.Raw("%!(BADWIDTH)");
                else printer.SetWidth(width);
                afterIndex = false;
            }
            else
            {
                int start = i;
                if (Number(format, ref i, out int width)) printer.SetWidth(width);
                if (afterIndex && i > start) goodIndex = false;
            }
            if (i + 1 <= format.Length && i < format.Length && format[i] == '.')
            {
                i++;
                if (afterIndex) goodIndex = false;
                i = Index(format, i, values.Count, ref argument, ref reordered, ref afterIndex, ref goodIndex);
                if (i < format.Length && format[i] == '*')
                {
                    i++;
                    if (!Star(values, ref argument, out int precision)) printer.Raw("%!(BADPREC)");
                    else if (precision >= 0) printer.Precision = precision;
                    afterIndex = false;
                }
                else
                {
                    printer.Precision = Number(format, ref i, out int precision) ? precision : 0;
                }
            }
            if (!afterIndex) i = Index(format, i, values.Count, ref argument, ref reordered, ref afterIndex, ref goodIndex);
            if (i >= format.Length)
            {
                printer.Raw("%!(NOVERB)");
                break;
            }
            Rune.DecodeFromUtf16(format.AsSpan(i), out var verb, out int used);
            i += used;
            if (verb.Value == '%') printer.Raw("%");
            else if (!goodIndex) printer.Raw($"%!{verb}(BADINDEX)");
            else if (argument >= values.Count) printer.Raw($"%!{verb}(MISSING)");
            else printer.Verb(values[argument++], verb);
        }
        if (!reordered && argument < values.Count)
        {
            printer.ClearFlags();
            printer.Raw("%!(EXTRA ");
            for (int i = argument; i < values.Count; i++)
            {
                if (i > argument) printer.Raw(", ");
                if (values[i] is null)
                {
                    printer.Raw("<nil>");
                    continue;
                }
                printer.Raw(TemplateValue.TypeName(values[i]));
                printer.Raw("=");
                printer.Value(values[i], 'v', 0);
            }
            printer.Raw(")");
        }
        return printer.Text;
    }

    private static int Flags(string format, int i, GoPrinter printer)
    {
        for (; i < format.Length; i++)
        {
            switch (format[i])
            {
                case '#': printer.Sharp = true; break;
                case '0': printer.Zero = true; break;
                case '+': printer.Plus = true; break;
                case '-': printer.Minus = true; break;
                case ' ': printer.Space = true; break;
                default: return i;
            }
        }
        return i;
    }

    private static int Index(
        string format, int i, int count, ref int argument, ref bool reordered, ref bool afterIndex, ref bool goodIndex)
    {
        if (i >= format.Length || format[i] != '[') return i;
        reordered = true;
        int close = format.IndexOf(']', i);
        if (close < 0)
        {
            goodIndex = false;
            return i + 1;
        }
        if (int.TryParse(format.AsSpan(i + 1, close - i - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index >= 1 && index <= count)
        {
            argument = index - 1;
            afterIndex = true;
        }
        else
        {
            goodIndex = false;
        }
        return close + 1;
    }

    private static bool Star(IReadOnlyList<object?> values, ref int argument, out int number)
    {
        number = 0;
        if (argument >= values.Count) return false;
        if (values[argument++] is not long value || value is > NumberMax or < -NumberMax) return false;
        number = (int)value;
        return true;
    }

    private static bool Number(string format, ref int i, out int number)
    {
        number = 0;
        int start = i;
        while (i < format.Length && char.IsAsciiDigit(format[i]))
        {
            number = (number * 10) + format[i++] - '0';
            if (number > NumberMax) number = NumberMax;
        }
        return i > start;
    }
}

/// <summary>Writes values by one verb and its flags.</summary>
internal sealed class GoPrinter(int charsMax)
{
    private const int DepthMax = 100;

    private readonly StringBuilder text = new();
    private int width = -1;

    public bool Sharp { get; set; }
    public bool Zero { get; set; }
    public bool Plus { get; set; }
    public bool Minus { get; set; }
    public bool Space { get; set; }
    public int Precision { get; set; } = -1;

    public string Text => text.ToString();

    public void ClearFlags()
    {
        Sharp = Zero = Plus = Minus = Space = false;
        width = Precision = -1;
    }

    public void SetWidth(int to)
    {
        if (to < 0) Minus = true;
        width = Math.Abs(to);
    }

    public void Raw(ReadOnlySpan<char> raw)
    {
        if (text.Length + raw.Length > charsMax) throw new TemplateFunctionException($"text is longer than {charsMax} characters");
        text.Append(raw);
    }

    public void Verb(object? value, Rune verb)
    {
        if (verb.Value > 127)
        {
            Bad(value, verb.ToString());
            return;
        }
        char letter = (char)verb.Value;
        if (letter == 'T') Pad(TemplateValue.TypeName(value));
        else if (value is null && letter == 'v') Pad("<nil>");
        else Value(value, letter, 0);
    }

    public void Value(object? value, char verb, int depth)
    {
        if (depth > DepthMax) throw new TemplateFunctionException("value is nested too deep to print");
        value = TemplateValue.Normalize(value);
        if (verb is 'v' or 's' or 'x' or 'X' or 'q')
        {
            string? own = value switch
            {
                ITemplateStringer stringer => stringer.ToTemplateString(),
                GoDuration duration => duration.ToString(),
                GoTime time => time.ToString(),
                _ => null,
            };
            if (own is not null)
            {
                String(own, verb, value);
                return;
            }
        }
        switch (TemplateValue.KindOf(value))
        {
            case ValueKind.Invalid:
                Raw("<no value>");
                break;
            case ValueKind.Nil:
                if (verb == 'v' || depth > 0) Pad("<nil>");
                else Raw($"%!{verb}(<nil>)");
                break;
            case ValueKind.Bool:
                if (verb is 't' or 'v') Pad((bool)value! ? "true" : "false");
                else Bad(value, verb.ToString());
                break;
            case ValueKind.Int:
                long number = value is GoDuration d ? d.Nanoseconds : (long)value!;
                Integer(number < 0 ? (ulong)-(number + 1) + 1 : (ulong)number, number < 0, verb, value);
                break;
            case ValueKind.Uint:
                Integer((ulong)value!, false, verb, value);
                break;
            case ValueKind.Float:
                Float((double)value!, verb);
                break;
            case ValueKind.String:
                String(TemplateValue.Text(value!), verb, value);
                break;
            case ValueKind.List:
                var list = TemplateValue.ListOf(value!);
                Raw("[");
                for (int i = 0; i < list.Count; i++)
                {
                    if (i > 0) Raw(" ");
                    Value(list[i], verb, depth + 1);
                }
                Raw("]");
                break;
            case ValueKind.Map:
                Raw("map[");
                bool more = false;
                foreach (var (key, element) in TemplateValue.MapOf(value!).Sorted())
                {
                    if (more) Raw(" ");
                    Value(key, verb, depth + 1);
                    Raw(":");
                    Value(element, verb, depth + 1);
                    more = true;
                }
                Raw("]");
                break;
            default:
                if (value is ITemplateStruct fields) Struct(fields, verb, depth);
                else if (verb is 'v' or 's') Pad(value!.ToString() ?? "");
                else Bad(value, verb.ToString());
                break;
        }
    }

    private void Struct(ITemplateStruct value, char verb, int depth)
    {
        Raw("{");
        bool more = false;
        foreach (var (name, field) in value.Fields)
        {
            if (more) Raw(" ");
            if (Plus || Sharp) Raw(name + ":");
            Value(field, verb, depth + 1);
            more = true;
        }
        Raw("}");
    }

    private void Bad(object? value, string verb)
    {
        Raw($"%!{verb}(");
        if (value is null)
        {
            Raw("<nil>");
        }
        else
        {
            Raw(TemplateValue.TypeName(value));
            Raw("=");
            ClearFlags();
            Value(value, 'v', 0);
        }
        Raw(")");
    }

    private void Pad(string content)
    {
        int missing = width < 0 ? 0 : width - RuneCount(content);
        if (missing <= 0)
        {
            Raw(content);
            return;
        }
        if (text.Length + missing + content.Length > charsMax) throw new TemplateFunctionException($"text is longer than {charsMax} characters");
        if (Minus) text.Append(content).Append(' ', missing);
        else text.Append(Zero ? '0' : ' ', missing).Append(content);
    }

    private static int RuneCount(string content)
    {
        int count = 0;
        foreach (var _ in content.EnumerateRunes()) count++;
        return count;
    }

    private string Truncate(string content)
    {
        if (Precision < 0) return content;
        int count = 0, at = 0;
        foreach (var rune in content.EnumerateRunes())
        {
            if (count++ == Precision) return content[..at];
            at += rune.Utf16SequenceLength;
        }
        return content;
    }

    private void String(string content, char verb, object? value)
    {
        switch (verb)
        {
            case 'v' when Sharp:
                Pad(GoString.Quote(content));
                break;
            case 'v' or 's':
                Pad(Truncate(content));
                break;
            case 'q':
                content = Truncate(content);
                Pad(Sharp && !content.Contains('`') && !content.Any(char.IsControl) ? $"`{content}`" : GoString.Quote(content));
                break;
            case 'x' or 'X':
                byte[] bytes = Encoding.UTF8.GetBytes(content);
                if (Precision >= 0 && Precision < bytes.Length) bytes = bytes[..Precision];
                string hexadecimal = Convert.ToHexString(bytes);
                if (verb == 'x') hexadecimal = hexadecimal.ToLowerInvariant();
                if (Space) hexadecimal = string.Join(' ', hexadecimal.Chunk(2).Select(pair => (Sharp ? $"0{verb}" : "") + new string(pair)));
                else if (Sharp && hexadecimal.Length > 0) hexadecimal = $"0{verb}{hexadecimal}";
                Pad(hexadecimal);
                break;
            default:
                Bad(value, verb.ToString());
                break;
        }
    }

    private void Integer(ulong magnitude, bool negative, char verb, object? value)
    {
        int radix = verb switch { 'v' or 'd' => 10, 'b' => 2, 'o' or 'O' => 8, 'x' or 'X' => 16, _ => 0 };
        switch (verb)
        {
            case 'c':
                Pad(Character(magnitude, negative));
                return;
            case 'q':
                string character = Character(magnitude, negative);
                string quoted = GoString.Quote(character)[1..^1];
                Pad($"'{(character == "'" ? "\\'" : character == "\"" ? "\"" : quoted)}'");
                return;
            case 'U':
                Pad($"U+{magnitude:X4}" + (Sharp ? $" '{Character(magnitude, negative)}'" : ""));
                return;
        }
        if (radix == 0)
        {
            Bad(value, verb.ToString());
            return;
        }
        var digits = new StringBuilder();
        ulong rest = magnitude;
        do
        {
            int digit = (int)(rest % (ulong)radix);
            digits.Insert(0, (char)(digit < 10 ? '0' + digit : (verb == 'X' ? 'A' : 'a') + digit - 10));
            rest /= (ulong)radix;
        }
        while (rest > 0);
        string sign = negative ? "-" : Plus ? "+" : Space ? " " : "";
        if (Precision == 0 && magnitude == 0)
        {
            // Go prints nothing but padding here.
            bool hadZero = Zero;
            Zero = false;
            Pad("");
            Zero = hadZero;
            return;
        }
        int least = Precision >= 0 ? Precision : Zero && !Minus && width >= 0 ? width - sign.Length : 0;
        if (digits.Length < least) digits.Insert(0, "0", least - digits.Length);
        string prefix = verb == 'O' ? "0o" : !Sharp ? "" : verb switch { 'b' => "0b", 'o' => digits[0] == '0' ? "" : "0", 'x' => "0x", 'X' => "0X", _ => "" };
        bool zero = Zero;
        Zero = false;
        Pad(sign + prefix + digits);
        Zero = zero;
    }

    private static string Character(ulong magnitude, bool negative) =>
        !negative && magnitude <= 0x10ffff && Rune.IsValid((int)magnitude) ? new Rune((int)magnitude).ToString() : "\ufffd";

    private void Float(double value, char verb)
    {
        (char form, int precision) = verb switch
        {
            'v' => ('g', -1),
            'e' or 'E' or 'f' => (verb, 6),
            'F' => ('f', 6),
            'g' or 'G' => (verb, -1),
            _ => ('\0', 0),
        };
        if (form == '\0')
        {
            Bad(value, verb.ToString());
            return;
        }
        if (Precision >= 0) precision = Precision;
        string number = GoFloat.Format(value, form, precision);
        bool signed = number[0] is '-' or '+';
        if (!signed && (Plus || Space)) number = (Plus ? "+" : " ") + number;
        else if (number[0] == '+' && Space && !Plus) number = " " + number[1..];
        if (!double.IsFinite(value))
        {
            bool hadZero = Zero;
            Zero = false;
            Pad(number);
            Zero = hadZero;
            return;
        }
        if (Zero && !Minus && width > number.Length && number[0] is '-' or '+' or ' ')
        {
            // The sign stands before the zeros.
            number = number[0] + new string('0', width - number.Length) + number[1..];
        }
        Pad(number);
    }
}
