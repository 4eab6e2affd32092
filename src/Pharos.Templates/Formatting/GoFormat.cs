using System.Globalization;
using System.Text;

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
