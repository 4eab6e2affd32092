using System.Diagnostics;

namespace Pharos.Core;

/// <summary>Spans of traces. None is made while nobody listens to the source.</summary>
public static class Spans
{
    /// <summary>
    /// Begins a trace of its own, whatever the caller is part of: work that goes on for ever may have been started by a request.
    /// Called by an asynchronous method, whose caller then keeps its own current span.
    /// </summary>
    public static Activity? StartRoot(this ActivitySource source, string name, ActivityKind kind = ActivityKind.Internal)
    {
        if (!source.HasListeners()) return null;
        Activity.Current = null;
        return source.StartActivity(name, kind);
    }

    /// <summary>The span that runs now; null where it is nobody's, such as those that ASP.NET makes for itself.</summary>
    public static Activity? Current => Activity.Current is { } span && span.Source.HasListeners() ? span : null;
}
