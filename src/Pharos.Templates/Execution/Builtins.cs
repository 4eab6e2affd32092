using System.Buffers;
using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Templates.Formatting;

namespace Pharos.Templates.Execution;

/// <summary>The functions that the language has itself. <c>and</c> and <c>or</c> are evaluated by the executor, argument by argument.</summary>
internal static class Builtins
{
    private static readonly SearchValues<char> HtmlSpecial = SearchValues.Create("\"'&<>\0");

    private static readonly Dictionary<string, TemplateFunction> Functions = new(StringComparer.Ordinal)
    {
        ["and"] = TemplateFunction.Variadic<object>(1, a => a[^1]),
        ["or"] = TemplateFunction.Variadic<object>(1, a => a[^1]),
        ["not"] = TemplateFunction.Of((object value) => !TemplateValue.IsTrue(value)),
        ["eq"] = TemplateFunction.Variadic<object>(1, a => Comparison.Equal(a)),
        ["ne"] = TemplateFunction.Of((object a, object b) => !Comparison.Equal(a, b)),
        ["lt"] = TemplateFunction.Of((object a, object b) => Comparison.Less(a, b)),
        ["le"] = TemplateFunction.Of((object a, object b) => Comparison.LessOrEqual(a, b)),
        ["gt"] = TemplateFunction.Of((object a, object b) => Comparison.Greater(a, b)),
        ["ge"] = TemplateFunction.Of((object a, object b) => Comparison.GreaterOrEqual(a, b)),
        ["len"] = TemplateFunction.Of((object value) => Length(value)),
        ["index"] = TemplateFunction.Variadic<object>(1, Index),
        ["slice"] = TemplateFunction.Variadic<object>(1, Slice),
        ["call"] = TemplateFunction.WithContext([typeof(object)], typeof(object), Call),
        ["print"] = TemplateFunction.WithContext([], typeof(object), (context, a) => GoFormat.Print(a, context.Options.OutputCharsMax)),
        ["println"] = TemplateFunction.WithContext([], typeof(object), (context, a) => GoFormat.PrintLine(a, context.Options.OutputCharsMax)),
        ["printf"] = TemplateFunction.WithContext([typeof(string)], typeof(object),
            (context, a) => GoFormat.Printf((string)a[0]!, a[1..], context.Options.OutputCharsMax)),
        ["html"] = TemplateFunction.WithContext([], typeof(object), (context, a) =>
        {
            string escaped = Html(Joined(a));
            return context.Options.Html ? new SafeText(SafeKind.Html, escaped) : escaped;
        }),
        ["js"] = TemplateFunction.Variadic<object>(0, a => Js(Joined(a))),
        ["urlquery"] = TemplateFunction.Variadic<object>(0, a => UrlQuery(Joined(a))),
    };

    public static bool Has(string name) => Functions.ContainsKey(name);

    public static bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TemplateFunction? function) =>
        Functions.TryGetValue(name, out function);

    /// <summary>Escapes as Go's HTMLEscapeString.</summary>
    public static string Html(string text)
    {
        if (text.AsSpan().IndexOfAny(HtmlSpecial) < 0) return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (char c in text)
        {
            switch (c)
            {
                case '"': escaped.Append("&#34;"); break;
                case '\'': escaped.Append("&#39;"); break;
                case '&': escaped.Append("&amp;"); break;
                case '<': escaped.Append("&lt;"); break;
                case '>': escaped.Append("&gt;"); break;
                case '\0': escaped.Append('\ufffd'); break;
                default: escaped.Append(c); break;
            }
        }
        return escaped.ToString();
    }

    /// <summary>Escapes as Go's JSEscapeString.</summary>
    public static string Js(string text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\\': escaped.Append("\\\\"); break;
                case '\'': escaped.Append("\\'"); break;
                case '"': escaped.Append("\\\""); break;
                case '<' or '>' or '&' or '=' or < ' ': escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}"); break;
                case < 0x7f: escaped.Append((char)rune.Value); break;
                default:
                    if (GoString.IsPrintable(rune)) escaped.Append(rune.ToString());
                    else escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
                    break;
            }
        }
        return escaped.ToString();
    }

    /// <summary>Escapes as Go's url.QueryEscape: a space becomes <c>+</c>.</summary>
    public static string UrlQuery(string text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~') escaped.Append((char)b);
            else if (b == ' ') escaped.Append('+');
            else escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return escaped.ToString();
    }

    private static string Joined(object?[] arguments) =>
        arguments is [string only] ? only : GoFormat.Print([.. arguments.Select(a => a ?? TemplateValue.NoValue)]);

    private static long Length(object? value) => TemplateValue.KindOf(value) switch
    {
        ValueKind.String => TemplateValue.ByteCount(TemplateValue.Text(value!)),
        ValueKind.List => TemplateValue.ListOf(value!).Count,
        ValueKind.Map => TemplateValue.MapOf(value!).Count,
        ValueKind.Nil or ValueKind.Invalid => throw new TemplateFunctionException("len of nil pointer"),
        _ => throw new TemplateFunctionException($"len of type {TemplateValue.TypeName(value)}"),
    };

    private static object? Index(object?[] arguments)
    {
        object? item = arguments[0];
        if (item is null) throw new TemplateFunctionException("index of untyped nil");
        foreach (object? key in arguments.AsSpan(1))
        {
            switch (TemplateValue.KindOf(item))
            {
                case ValueKind.String:
                    byte[] bytes = Encoding.UTF8.GetBytes(TemplateValue.Text(item!));
                    item = (ulong)bytes[Position(key, bytes.Length - 1)];
                    break;
                case ValueKind.List:
                    var list = TemplateValue.ListOf(item!);
                    item = list[Position(key, list.Count - 1)];
                    break;
                case ValueKind.Map:
                    var map = TemplateValue.MapOf(item!);
                    string name = key switch
                    {
                        string text => text,
                        SafeText safe => safe.Text,
                        null => throw new TemplateFunctionException("value is nil; should be of type string"),
                        _ => throw new TemplateFunctionException($"value has type {TemplateValue.TypeName(key)}; should be string"),
                    };
                    item = map.TryGet(name, out object? found) ? found : map.Zero;
                    break;
                case ValueKind.Nil or ValueKind.Invalid:
                    throw new TemplateFunctionException("index of nil pointer");
                default:
                    throw new TemplateFunctionException($"can't index item of type {TemplateValue.TypeName(item)}");
            }
        }
        return item;
    }

    private static int Position(object? index, int most)
    {
        long at = index switch
        {
            long number => number,
            ulong number => number > long.MaxValue ? long.MaxValue : (long)number,
            null => throw new TemplateFunctionException("cannot index slice/array with nil"),
            _ => throw new TemplateFunctionException($"cannot index slice/array with type {TemplateValue.TypeName(index)}"),
        };
        if (at < 0 || at > most) throw new TemplateFunctionException($"index out of range: {at}");
        return (int)at;
    }

    private static object? Slice(object?[] arguments)
    {
        object? item = arguments[0];
        if (item is null) throw new TemplateFunctionException("slice of untyped nil");
        if (arguments.Length > 4) throw new TemplateFunctionException($"too many slice indexes: {arguments.Length - 1}");
        var kind = TemplateValue.KindOf(item);
        if (kind == ValueKind.String)
        {
            if (arguments.Length == 4) throw new TemplateFunctionException("cannot 3-index slice a string");
            byte[] bytes = Encoding.UTF8.GetBytes(TemplateValue.Text(item));
            var (from, to) = Bounds(arguments, bytes.Length);
            return Encoding.UTF8.GetString(bytes, from, to - from);
        }
        if (kind == ValueKind.List)
        {
            var list = TemplateValue.ListOf(item);
            var (from, to) = Bounds(arguments, list.Count);
            var part = new List<object?>(to - from);
            for (int i = from; i < to; i++) part.Add(list[i]);
            return item is IReadOnlyList<string> ? part.Cast<string>().ToList() : part;
        }
        throw new TemplateFunctionException($"can't slice item of type {TemplateValue.TypeName(item)}");
    }

    private static (int From, int To) Bounds(object?[] arguments, int length)
    {
        int from = arguments.Length > 1 ? Position(arguments[1], length) : 0;
        int to = arguments.Length > 2 ? Position(arguments[2], length) : length;
        if (from > to) throw new TemplateFunctionException($"invalid slice index: {from} > {to}");
        return (from, to);
    }

    private static object? Call(ITemplateContext context, object?[] arguments)
    {
        if (arguments[0] is null) throw new TemplateFunctionException("call of nil");
        if (arguments[0] is not TemplateFunction function)
            throw new TemplateFunctionException($"non-function of type {TemplateValue.TypeName(arguments[0])}");
        int given = arguments.Length - 1;
        if (given < function.Fixed || (function.Rest is null && given > function.Fixed))
            throw new TemplateFunctionException($"wrong number of args: got {given} want {(function.Rest is null ? "" : "at least ")}{function.Fixed}");
        var converted = new object?[given];
        for (int i = 0; i < given; i++)
        {
            if (!TemplateFunction.TryConvert(arguments[i + 1], function.ParameterAt(i), out converted[i]))
                throw new TemplateFunctionException($"arg {i}: value has type {TemplateValue.TypeName(arguments[i + 1])}; should be {TemplateFunction.NameOf(function.ParameterAt(i))}");
        }
        return function.Call(context, converted);
    }
}
