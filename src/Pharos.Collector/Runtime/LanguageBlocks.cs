using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Runtime;

/// <summary>Blocks of the language itself: settings of the collector, modules and imports.</summary>
internal static class LanguageBlocks
{
    public static ArgumentBody Declare { get; } = ArgumentBody.Empty;

    public static ArgumentBody Argument { get; } = Body(
        May("optional", false, "The caller may leave it out."),
        May("default", Any, "Its value where the caller leaves it out."),
        May("comment", Text, "What it is for."));

    public static ArgumentBody Export { get; } = Body(Must("value", Any, "What the caller reads."));

    public static ArgumentBody Foreach { get; } = Body(
        Must("collection", new ArgumentType(ArgumentKind.List, Any), "One copy of the template runs for each item."),
        Must("var", Text, "The name by which the template calls its item."),
        May("id", Text, "Field of an item that names it."),
        May("hash_string_id", false, "Names items by a hash of their text."),
        May("enable_metrics", false, "Shows the metrics of the components of the template."));

    /// <summary>Settings of the whole collector, by name. They may only stand at the root, once each.</summary>
    public static IReadOnlyDictionary<string, ArgumentBody> Settings { get; } = new Dictionary<string, ArgumentBody>(StringComparer.Ordinal)
    {
        ["logging"] = Body(
            OneOf("level", "info", "error", "warn", "info", "debug"),
            OneOf("format", "logfmt", "logfmt", "json"),
            OneOf("destination", "stderr", "stderr", "stdout"),
            May("write_to", LogsReceivers, "Log components that also get the collector's own log.")),
        ["tracing"] = Body(
            May("sampling_fraction", Float, 0.1, "Without write_to it has no effect, as in Alloy."),
            Refuse("send_traceparent", "the collector makes no traces of itself"),
            Refuse("write_to", "the collector does not send traces"),
            RefuseBlock("sampler", "the collector does not send traces")),
        ["http"] = Body(
            One("tls", HttpArguments.ServerTls),
            RefuseBlock("auth", "put a reverse proxy with authentication before the collector's page")),
        ["livedebugging"] = Body(May("enabled", false, "What components send on can be watched at /api/v0/web/debug/ID.")),
        ["remotecfg"] = Body(
            May("url", Text, "Address of the fleet; empty switches it off."),
            May("id", Text, "Name of this collector in the fleet; a stored random one by default."),
            May("name", Text, "A name for people."),
            May("attributes", TextMap, "What pipelines are matched against; names must not start with collector."),
            May("poll_frequency", Duration, "1m", "How often the fleet is asked; at least 10s."),
            HttpArguments.Client),
    };

    public static IReadOnlyDictionary<string, ArgumentBody> Imports { get; } = new Dictionary<string, ArgumentBody>(StringComparer.Ordinal)
    {
        ["import.file"] = Body(
            Must("filename", Text, "A file, or a folder whose *.alloy files make one module."),
            OneOf("detector", "fsnotify", "fsnotify", "poll"),
            May("poll_frequency", Duration, "1m", "How often the file is looked at, with detector = \"poll\".")),
        ["import.string"] = Body(Must("content", new ArgumentType(ArgumentKind.Secret), "The module's text.")),
        ["import.http"] = Body(
            Must("url", Text, "Where the module is."),
            May("method", Text, "GET", ""),
            May("headers", TextMap, ""),
            May("poll_frequency", Duration, "1m", ""),
            May("poll_timeout", Duration, "10s", ""),
            One("client", HttpArguments.Client)),
        ["import.git"] = Body(
            Must("repository", Text), Must("path", Text), May("revision", Text, "HEAD", ""), May("pull_frequency", Duration, "60s", ""),
            One("basic_auth", HttpArguments.BasicAuth),
            One("ssh_key", Must("username", Text), May("key", Secret), May("key_file", Text), May("passphrase", Secret))),
    };
}
