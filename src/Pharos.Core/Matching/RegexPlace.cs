namespace Pharos.Core;

/// <summary>A place in the text that an expression asks for.</summary>
internal enum RegexPlace
{
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
}
