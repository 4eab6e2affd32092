using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Pharos.Collector.Discovery;

/// <summary>Calls over XML-RPC. Values are texts, whole numbers and lists of whole numbers; answers are read by <see cref="Member"/> and <see cref="Items"/>.</summary>
internal sealed class XmlRpc(DiscoveryHttp http, string url)
{
    /// <summary>The value that a method gives.</summary>
    /// <exception cref="DiscoveryException">The server answered with a fault.</exception>
    public async Task<XElement> CallAsync(string method, CancellationToken cancel, params object[] arguments)
    {
        var call = new XElement("methodCall", new XElement("methodName", method), new XElement("params", arguments.Select(a => new XElement("param", Value(a)))));
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent("<?xml version=\"1.0\"?>" + call.ToString(SaveOptions.DisableFormatting), Encoding.UTF8, "text/xml") };
        using var response = await http.AnswerAsync(request, cancel);
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        using var reader = XmlReader.Create(body, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
        var root = XElement.Load(reader);
        if (root.Element("fault")?.Element("value") is { } fault) throw new DiscoveryException($"{method}: {Text(Member(fault, "faultString"))}");
        return root.Element("params")?.Element("param")?.Element("value") ?? throw new FormatException($"{method}: the answer holds no value");
    }

    /// <summary>The elements of an array.</summary>
    public static IEnumerable<XElement> Items(XElement? value) => value?.Element("array")?.Element("data")?.Elements("value") ?? [];

    /// <summary>A member of a struct; null where there is none.</summary>
    public static XElement? Member(XElement? value, string name) =>
        value?.Element("struct")?.Elements("member").FirstOrDefault(m => m.Element("name")?.Value == name)?.Element("value");

    /// <summary>A text or a number as text; <c>1</c> or <c>0</c> for truth values.</summary>
    public static string Text(XElement? value) => value?.Value ?? "";

    private static XElement Value(object value) => new("value", value switch
    {
        int number => new XElement("int", number),
        IEnumerable<int> numbers => new XElement("array", new XElement("data", numbers.Select(n => Value(n)))),
        _ => new XElement("string", value),
    });
}
