using Pharos.Core;

namespace Pharos.Logs.Tests;

/// <summary>A language of deletions for tests: <c>app</c>, or <c>app word</c> for its lines with the word.</summary>
internal sealed class WordLanguage : ILogFilterLanguage
{
    public LogFilter Parse(string query)
    {
        string[] words = query.Split(' ');
        return new LogFilter([new Matcher(MatchOp.Equal, "app", words[0])], words.Length == 1 ? null : () => new Has(System.Text.Encoding.UTF8.GetBytes(words[1])));
    }

    private sealed class Has(byte[] word) : ILogLineFilter
    {
        public bool Holds(Labels stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata) => line.IndexOf(word) >= 0;
    }
}
