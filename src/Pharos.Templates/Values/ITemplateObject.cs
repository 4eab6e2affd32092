namespace Pharos.Templates;

/// <summary>
/// A value with fields and methods of its own. It may also be a list (<see cref="System.Collections.IList"/>) or a map
/// (<see cref="System.Collections.IDictionary"/>); members come before keys.
/// </summary>
public interface ITemplateObject
{
    /// <summary>Name of the type, for error messages and <c>%T</c>.</summary>
    string TypeName { get; }

    /// <summary>A field's value, or a <see cref="TemplateFunction"/> for a method.</summary>
    bool TryGetMember(string name, out object? member);
}

/// <summary>A value that prints itself, as Go's fmt.Stringer.</summary>
public interface ITemplateStringer
{
    string ToTemplateString();
}

/// <summary>A value that prints as a Go struct: <c>{a b}</c>, with <c>%+v</c> <c>{Name:a Other:b}</c>.</summary>
public interface ITemplateStruct
{
    IEnumerable<(string Name, object? Value)> Fields { get; }
}

/// <summary>What kind of safe content a string is; only HTML mode asks.</summary>
public enum SafeKind
{
    Html,
    Url,
    Attribute,
    Js,
    Css,
}

/// <summary>A string that its author vouches for: HTML mode writes it as it is in places of its kind. Prints as its text.</summary>
public sealed record SafeText(SafeKind Kind, string Text) : ITemplateStringer
{
    public string ToTemplateString() => Text;
}
