using System.Runtime.CompilerServices;
using Pharos.Core;

namespace Pharos.Templates.Syntax;

/// <summary>Builds the trees of one text: the main template and all that it defines.</summary>
internal sealed class Parser
{
    private readonly string name;
    private readonly string text;
    private readonly Func<string, bool> hasFunction;
    private readonly List<Token> tokens;
    private readonly List<Tree> trees = [];
    private List<string> variables = ["$"];
    private int next;
    private int rangeDepth;

    private Parser(string name, string text, Func<string, bool> hasFunction)
    {
        this.name = name;
        this.text = text;
        this.hasFunction = hasFunction;
        tokens = Lexer.Run(text);
    }

    /// <summary>The trees, the main one last.</summary>
    /// <exception cref="TemplateException">The text is no template.</exception>
    public static List<Tree> Parse(string name, string text, Func<string, bool> hasFunction)
    {
        var parser = new Parser(name, text, hasFunction);
        try
        {
            return parser.Top();
        }
        catch (InsufficientExecutionStackException e)
        {
            throw new TemplateException(name, 0, 0, "template is nested too deep", $"template: {name}: template is nested too deep", e);
        }
    }

    private Token Peek() => tokens[next];

    private Token Next()
    {
        var token = tokens[next];
        if (next < tokens.Count - 1) next++;
        if (token.Kind == TokenKind.Error) throw Error(token.At, token.Text);
        return token;
    }

    private void SkipSpace()
    {
        while (tokens[next].Kind == TokenKind.Space) next++;
    }

    private Token PeekNonSpace()
    {
        SkipSpace();
        return Peek();
    }

    private Token NextNonSpace()
    {
        SkipSpace();
        return Next();
    }

    private TemplateException Error(int at, string reason)
    {
        var place = SourcePosition.At(text, at);
        return new TemplateException(name, place.Line, place.Column, reason, $"template: {name}:{place.Line}: {reason}");
    }

    private TemplateException Unexpected(Token token, string context)
    {
        if (token.Kind == TokenKind.Error) return Error(token.At, token.Text);
        return Error(token.At, $"unexpected {token} in {context}");
    }

    private Token Expect(TokenKind kind, string context)
    {
        var token = NextNonSpace();
        return token.Kind == kind ? token : throw Unexpected(token, context);
    }

    private List<Tree> Top()
    {
        var root = new ListNode(0);
        while (Peek().Kind != TokenKind.End)
        {
            if (Peek().Kind == TokenKind.LeftDelimiter)
            {
                int back = next;
                Next();
                if (NextNonSpace().Kind == TokenKind.KeywordDefine)
                {
                    Define();
                    continue;
                }
                next = back;
            }
            var node = TextOrAction(out var stop);
            if (node is null) throw Error(stop.At, $"unexpected {{{{{stop.Text}}}}}");
            root.Nodes.Add(node);
        }
        Add(new Tree(name, name, text, root), mayRepeat: true);
        return trees;
    }

    private void Add(Tree tree, bool mayRepeat = false)
    {
        int old = mayRepeat ? -1 : trees.FindIndex(t => t.Name == tree.Name);
        if (old < 0)
        {
            trees.Add(tree);
            return;
        }
        if (trees[old].Root.IsBlank) trees[old] = tree;
        else if (!tree.Root.IsBlank) throw Error(tree.Root.At, $"template: multiple definition of template {GoString.Quote(tree.Name)}");
    }

    private void Define()
    {
        const string context = "define clause";
        string defined = TemplateName(context);
        Expect(TokenKind.RightDelimiter, context);
        Add(new Tree(defined, name, text, SeparateList(context)));
    }

    /// <summary>A list with variables of its own, up to its <c>end</c>.</summary>
    private ListNode SeparateList(string context)
    {
        var (outer, outerDepth) = (variables, rangeDepth);
        variables = ["$"];
        rangeDepth = 0;
        var list = List(out var stop);
        if (stop.Kind != TokenKind.KeywordEnd) throw Unexpected(stop, context);
        (variables, rangeDepth) = (outer, outerDepth);
        return list;
    }

    private string TemplateName(string context)
    {
        var token = NextNonSpace();
        if (token.Kind is not (TokenKind.String or TokenKind.RawString)) throw Unexpected(token, context);
        return Unquote(token);
    }

    private string Unquote(Token token) =>
        GoString.TryUnquote(token.Text, out string? unquoted, out string? error, out _) ? unquoted : throw Error(token.At, error);

    /// <summary>Nodes up to an <c>else</c> or <c>end</c>, which is read whole (an <c>else</c> before if/with: up to that word).</summary>
    private ListNode List(out Token stop)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var list = new ListNode(PeekNonSpace().At);
        while (Peek().Kind != TokenKind.End)
        {
            var node = TextOrAction(out stop);
            if (node is null) return list;
            list.Nodes.Add(node);
        }
        throw Error(text.Length, "unexpected EOF");
    }

    /// <summary>Null at an <c>else</c> or <c>end</c>, given in <paramref name="stop"/>.</summary>
    private Node? TextOrAction(out Token stop)
    {
        stop = default;
        var token = NextNonSpace();
        if (token.Kind == TokenKind.Text) return new TextNode(token.At, token.Text);
        if (token.Kind != TokenKind.LeftDelimiter) throw Unexpected(token, "input");
        token = NextNonSpace();
        switch (token.Kind)
        {
            case TokenKind.KeywordEnd:
                Expect(TokenKind.RightDelimiter, "end");
                stop = token;
                return null;
            case TokenKind.KeywordElse:
                if (PeekNonSpace().Kind is not (TokenKind.KeywordIf or TokenKind.KeywordWith)) Expect(TokenKind.RightDelimiter, "else");
                stop = token;
                return null;
            case TokenKind.KeywordIf:
                return Branch(token.At, BranchKind.If);
            case TokenKind.KeywordWith:
                return Branch(token.At, BranchKind.With);
            case TokenKind.KeywordRange:
                return Branch(token.At, BranchKind.Range);
            case TokenKind.KeywordBreak:
            case TokenKind.KeywordContinue:
                if (rangeDepth == 0) throw Error(token.At, $"{{{{{token.Text}}}}} outside {{{{range}}}}");
                Expect(TokenKind.RightDelimiter, $"{{{{{token.Text}}}}}");
                return token.Kind == TokenKind.KeywordBreak ? new BreakNode(token.At) : new ContinueNode(token.At);
            case TokenKind.KeywordTemplate:
            {
                int nameAt = PeekNonSpace().At;
                string called = TemplateName("template clause");
                PipeNode? pipe = null;
                if (NextNonSpace().Kind != TokenKind.RightDelimiter)
                {
                    next--;
                    pipe = Pipeline("template clause", TokenKind.RightDelimiter);
                }
                return new TemplateNode(nameAt, called, pipe);
            }
            case TokenKind.KeywordBlock:
            {
                const string context = "block clause";
                int nameAt = PeekNonSpace().At;
                string defined = TemplateName(context);
                var pipe = Pipeline(context, TokenKind.RightDelimiter);
                Add(new Tree(defined, name, text, SeparateList(context)));
                return new TemplateNode(nameAt, defined, pipe);
            }
            case TokenKind.KeywordDefine:
                throw Unexpected(token, "command");
            default:
                next--;
                int at = Peek().At;
                return new ActionNode(at, Pipeline("command", TokenKind.RightDelimiter));
        }
    }

    private BranchNode Branch(int at, BranchKind kind)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        string context = kind.ToString().ToLowerInvariant();
        int scope = variables.Count;
        var pipe = Pipeline(context, TokenKind.RightDelimiter);
        if (kind == BranchKind.Range) rangeDepth++;
        var body = List(out var stop);
        if (kind == BranchKind.Range) rangeDepth--;
        ListNode? otherwise = null;
        if (stop.Kind == TokenKind.KeywordElse)
        {
            var word = Peek();
            if (word.Kind is TokenKind.KeywordIf or TokenKind.KeywordWith)
            {
                var same = kind == BranchKind.If ? TokenKind.KeywordIf : kind == BranchKind.With ? TokenKind.KeywordWith : TokenKind.End;
                if (word.Kind != same) throw Error(word.At, $"unexpected {word} in input");
                Next();
                // "else if" nests the next branch and shares its end.
                otherwise = new ListNode(word.At);
                otherwise.Nodes.Add(Branch(word.At, kind));
            }
            else
            {
                otherwise = List(out stop);
                if (stop.Kind != TokenKind.KeywordEnd) throw Error(stop.At, "expected end; found {{else}}");
            }
        }
        variables.RemoveRange(scope, variables.Count - scope);
        return new BranchNode(at, kind, pipe, body, otherwise);
    }

    private PipeNode Pipeline(string context, TokenKind end)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var pipe = new PipeNode(PeekNonSpace().At);
        Declarations(pipe, context);
        while (true)
        {
            var token = NextNonSpace();
            if (token.Kind == end)
            {
                CheckPipeline(pipe, context, token.At);
                return pipe;
            }
            switch (token.Kind)
            {
                case TokenKind.Bool or TokenKind.CharConstant or TokenKind.Dot or TokenKind.Field or TokenKind.Identifier or TokenKind.Number
                    or TokenKind.Nil or TokenKind.RawString or TokenKind.String or TokenKind.Variable or TokenKind.LeftParen:
                    next--;
                    pipe.Commands.Add(Command());
                    break;
                default:
                    throw Unexpected(token, context);
            }
        }
    }

    private void Declarations(PipeNode pipe, string context)
    {
        while (true)
        {
            var variable = PeekNonSpace();
            if (variable.Kind != TokenKind.Variable) return;
            int back = next;
            Next();
            var after = PeekNonSpace();
            if (after.Kind is TokenKind.Assign or TokenKind.Declare)
            {
                Next();
                pipe.IsAssign = after.Kind == TokenKind.Assign;
                Declare(pipe, variable);
                return;
            }
            if (after is { Kind: TokenKind.Char, Text: "," })
            {
                Next();
                Declare(pipe, variable, comma: true);
                if (context == "range" && pipe.Declared.Count < 2)
                {
                    if (PeekNonSpace().Kind is TokenKind.Variable or TokenKind.RightDelimiter or TokenKind.RightParen) continue;
                    throw Error(Peek().At, "range can only initialize variables");
                }
                throw Error(variable.At, $"too many declarations in {context}");
            }
            next = back;
            return;
        }
    }

    private void Declare(PipeNode pipe, Token variable, bool comma = false)
    {
        // What an assignment names must exist; with two range variables the operator comes later, and execution checks.
        if (pipe.IsAssign && !comma && !variables.Contains(variable.Text)) throw Error(variable.At, $"undefined variable {GoString.Quote(variable.Text)}");
        pipe.Declared.Add(variable.Text);
        variables.Add(variable.Text);
    }

    private void CheckPipeline(PipeNode pipe, string context, int at)
    {
        if (pipe.Commands.Count == 0) throw Error(at, $"missing value for {context}");
        for (int i = 1; i < pipe.Commands.Count; i++)
        {
            if (pipe.Commands[i].Arguments[0] is BoolNode or DotNode or NilNode or NumberNode or StringNode)
                throw Error(pipe.Commands[i].At, $"non executable command in pipeline stage {i + 1}");
        }
    }

    private CommandNode Command()
    {
        var command = new CommandNode(PeekNonSpace().At);
        while (true)
        {
            SkipSpace();
            var operand = Operand();
            if (operand is not null) command.Arguments.Add(operand);
            var token = Next();
            switch (token.Kind)
            {
                case TokenKind.Space:
                    continue;
                case TokenKind.RightDelimiter or TokenKind.RightParen:
                    next--;
                    break;
                case TokenKind.Pipe:
                    if (command.Arguments.Count > 0 && PeekNonSpace().Kind is TokenKind.RightDelimiter or TokenKind.RightParen)
                        throw Error(token.At, "missing value for command");
                    break;
                default:
                    throw Unexpected(token, "operand");
            }
            break;
        }
        if (command.Arguments.Count == 0) throw Error(command.At, "empty command");
        return command;
    }

    private Node? Operand()
    {
        var node = Term();
        if (node is null || Peek().Kind != TokenKind.Field) return node;
        int at = Peek().At;
        var path = new List<string>();
        while (Peek().Kind == TokenKind.Field) path.Add(Next().Text[1..]);
        return node switch
        {
            FieldNode field => new FieldNode(at, [.. field.Path, .. path]),
            VariableNode variable => new VariableNode(at, [.. variable.Path, .. path]),
            BoolNode or StringNode or NumberNode or NilNode or DotNode =>
                throw Error(node.At, $"unexpected . after term {GoString.Quote(node.ToString()!)}"),
            _ => new ChainNode(at, node, [.. path]),
        };
    }

    private Node? Term()
    {
        var token = Peek();
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                Next();
                if (!hasFunction(token.Text)) throw Error(token.At, $"function {GoString.Quote(token.Text)} not defined");
                return new IdentifierNode(token.At, token.Text);
            case TokenKind.Dot:
                Next();
                return new DotNode(token.At);
            case TokenKind.Nil:
                Next();
                return new NilNode(token.At);
            case TokenKind.Variable:
                Next();
                if (!variables.Contains(token.Text)) throw Error(token.At, $"undefined variable {GoString.Quote(token.Text)}");
                return new VariableNode(token.At, [token.Text]);
            case TokenKind.Field:
                Next();
                return new FieldNode(token.At, [token.Text[1..]]);
            case TokenKind.Bool:
                Next();
                return new BoolNode(token.At, token.Text == "true");
            case TokenKind.Number or TokenKind.CharConstant:
                Next();
                return NumberLiteral.TryParse(token, out var number, out string? error) ? number : throw Error(token.At, error);
            case TokenKind.LeftParen:
                Next();
                return Pipeline("parenthesized pipeline", TokenKind.RightParen);
            case TokenKind.String or TokenKind.RawString:
                Next();
                return new StringNode(token.At, token.Text, Unquote(token));
            case TokenKind.Error:
                throw Error(token.At, token.Text);
            default:
                return null;
        }
    }
}
