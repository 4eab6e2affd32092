using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>A place among the tokens of a query.</summary>
internal sealed class TokenCursor(string query, List<Token> tokens)
{
    /// <summary>Deeper nesting is refused, so that no query can run the stack out.</summary>
    private const int DepthMax = 250;

    /// <summary>Operators of one query; a chain of them is a tree as deep.</summary>
    private const int OperatorsMax = 1000;

    private int at;
    private int depth;
    private int operators;

    public string Query => query;

    public Token Current => tokens[at];

    public Token Next => Ahead(1);

    public Token Ahead(int count) => tokens[Math.Min(at + count, tokens.Count - 1)];

    /// <summary>Moves on; returns the token left behind.</summary>
    public Token Move()
    {
        var token = tokens[at];
        if (at < tokens.Count - 1) at++;
        return token;
    }

    public bool TryTake(TokenKind kind)
    {
        if (Current.Kind != kind) return false;
        Move();
        return true;
    }

    public Token Take(TokenKind kind, string expected) => Current.Kind == kind ? Move() : throw Unexpected(expected);

    /// <summary>Goes one level into the nesting; to be followed by <see cref="Leave"/>.</summary>
    public void Enter()
    {
        if (++depth > DepthMax) throw Error("the query is nested too deeply");
    }

    public void Leave() => depth--;

    public void CountOperator()
    {
        if (++operators > OperatorsMax) throw Error($"the query has more than {OperatorsMax} operators");
    }

    public QueryException Unexpected(string? expected = null) =>
        SyntaxError.At(query, Current.Start, $"syntax error: unexpected {Current.Shown}{(expected is null ? "" : $", expecting {expected}")}");

    public QueryException Error(string what) => SyntaxError.At(query, Current.Start, what);

    public QueryException ErrorAt(int index, string what) => SyntaxError.At(query, index, what);
}
