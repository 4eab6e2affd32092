using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Pharos.Core;

/// <summary>
/// Names a tenant: 1 to 150 characters of letters, digits and <c>!-_.*'()</c>, not <c>.</c> or <c>..</c>
/// (it becomes a folder name). Source of the rule: Mimir's tenant id restrictions.
/// </summary>
public readonly record struct TenantId
{
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!-_.*'()");

    private readonly string? name;

    private TenantId(string name) => this.name = name;

    /// <summary>The tenant of every request where multi-tenancy is off.</summary>
    public static TenantId Anonymous { get; } = new("anonymous");

    public string Name => name ?? "anonymous";

    /// <summary>Whether this stands for several tenants, <c>a|b</c>: only reads know such a tenant, nothing is ever stored under it.</summary>
    public bool IsFederated => name is not null && name.Contains('|');

    /// <summary>The single tenants, sorted by name: this one, or those it stands for.</summary>
    public IReadOnlyList<TenantId> Members => IsFederated ? [.. name!.Split('|').Select(n => new TenantId(n))] : [this];

    public static bool TryParse(string? text, out TenantId tenant, [NotNullWhen(false)] out string? error)
    {
        tenant = default;
        if (string.IsNullOrEmpty(text)) { error = "no org id"; return false; }
        if (text.Length > 150) { error = $"tenant ID is too long: {text.Length} characters, at most 150"; return false; }
        if (text is "." or "..") { error = $"tenant ID '{text}' is not allowed"; return false; }
        int bad = text.AsSpan().IndexOfAnyExcept(Allowed);
        if (bad >= 0) { error = $"tenant ID '{text}' contains unsupported character '{text[bad]}'"; return false; }
        tenant = new TenantId(text);
        error = null;
        return true;
    }

    /// <summary>Reads one tenant, or several for a federated read, <c>a|b</c>. Order and repetition have no meaning.</summary>
    public static bool TryParseFederated(string? text, out TenantId tenant, [NotNullWhen(false)] out string? error)
    {
        if (text is null || !text.Contains('|')) return TryParse(text, out tenant, out error);
        tenant = default;
        foreach (string part in text.Split('|'))
        {
            if (!TryParse(part, out _, out error)) return false;
        }
        tenant = Federated(text.Split('|'));
        error = null;
        return true;
    }

    /// <summary>All these tenants for one read.</summary>
    /// <exception cref="FormatException">One of the names is no tenant id.</exception>
    public static TenantId Federated(IEnumerable<string> names) =>
        new(string.Join('|', names.Select(n => Parse(n).Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)));

    /// <exception cref="FormatException">The text is no tenant id.</exception>
    public static TenantId Parse(string text) => TryParse(text, out var tenant, out string? error) ? tenant : throw new FormatException(error);

    public bool Equals(TenantId other) => Name == other.Name;

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Name;
}
