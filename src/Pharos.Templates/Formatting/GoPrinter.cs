using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Templates.Formatting;

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

    private bool FieldNames { get; set; }

    private bool GoSyntax { get; set; }

    public string Text => text.ToString();

    public void ClearFlags()
    {
        Sharp = Zero = Plus = Minus = Space = FieldNames = GoSyntax = false;
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
        // With %v a plus asks for the names of fields and # for Go's syntax, not for a sign and a prefix.
        if (letter == 'v')
        {
            FieldNames = Plus || Sharp;
            GoSyntax = Sharp;
            Plus = Sharp = false;
        }
        if (value is null && letter is ('v' or 'T')) Pad("<nil>");
        else if (letter == 'T') Pad(Truncate(TemplateValue.TypeName(value)));
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
            if (FieldNames) Raw(name + ":");
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
            case 'v' when GoSyntax:
                Pad(GoString.Quote(content));
                break;
            case 'v' or 's':
                Pad(Truncate(content));
                break;
            case 'q':
                content = Truncate(content);
                Pad(Sharp && !content.Contains('`') && !content.Any(char.IsControl) ? $"`{content}`" : Ascii(GoString.Quote(content)));
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
                Pad(Ascii($"'{(character == "'" ? "\\'" : character == "\"" ? "\"" : quoted)}'"));
                return;
            case 'U':
                ulong point = negative ? unchecked(0UL - magnitude) : magnitude;
                string shown = $"U+{point.ToString($"X{Math.Max(4, Precision)}", CultureInfo.InvariantCulture)}";
                if (Sharp && !negative && point <= 0x10ffff && Rune.IsValid((int)point) && GoString.IsPrintable(new Rune((int)point))) shown += $" '{new Rune((int)point)}'";
                bool padded = Zero;
                Zero = false;
                Pad(shown);
                Zero = padded;
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
        string prefix = verb == 'O' ? (Sharp && digits[0] != '0' ? "0o0" : "0o") : !Sharp ? "" : verb switch { 'b' => "0b", 'o' => digits[0] == '0' ? "" : "0", 'x' => "0x", 'X' => "0X", _ => "" };
        bool zero = Zero;
        Zero = false;
        Pad(sign + prefix + digits);
        Zero = zero;
    }

    /// <summary>With the flag # a point is always there, and %g keeps its trailing zeros.</summary>
    private static string KeepPoint(string number, char form, int precision)
    {
        int digits = form is 'g' or 'G' or 'x' ? (precision < 0 ? 6 : precision) : 0;
        int from = number[0] is '-' or '+' ? 1 : 0;
        int end = number.Length;
        bool point = false, counting = false;
        for (int i = from; i < end; i++)
        {
            char c = number[i];
            if (c == '.')
            {
                point = true;
            }
            else if (c is 'p' or 'P' || (c is 'e' or 'E' && form is not ('x' or 'X')))
            {
                end = i;
            }
            else
            {
                counting |= c != '0';
                if (counting) digits--;
            }
        }
        var text = new StringBuilder(number, 0, end, number.Length + 8);
        if (!point)
        {
            if (end == from + 1 && number[from] == '0') digits--;
            text.Append('.');
        }
        if (digits > 0) text.Append('0', digits);
        return text.Append(number, end, number.Length - end).ToString();
    }

    /// <summary>With a plus, quoted text is ASCII: other characters become \u or \U escapes.</summary>
    private string Ascii(string quoted)
    {
        if (!Plus) return quoted;
        var text = new StringBuilder(quoted.Length);
        foreach (var rune in quoted.EnumerateRunes())
        {
            if (rune.IsAscii) text.Append((char)rune.Value);
            else text.Append(rune.IsBmp ? string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}") : string.Create(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"));
        }
        return text.ToString();
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
            'g' or 'G' or 'b' or 'x' or 'X' => (verb, -1),
            _ => ('\0', 0),
        };
        if (form == '\0')
        {
            Bad(value, verb.ToString());
            return;
        }
        if (Precision >= 0) precision = Precision;
        string number = form switch
        {
            'b' => FloatVerbs.Binary(value),
            'x' or 'X' => FloatVerbs.Hexadecimal(value, form, precision),
            _ => FloatVerbs.Format(value, form, precision),
        };
        if (Sharp && form != 'b' && double.IsFinite(value)) number = KeepPoint(number, form, precision);
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
