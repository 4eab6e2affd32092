using System.Runtime.CompilerServices;
using Pharos.Core;
using Pharos.Templates.Formatting;
using Pharos.Templates.Html;
using Pharos.Templates.Syntax;

namespace Pharos.Templates.Execution;

/// <summary>One execution of a template. The rules are those of Go's text/template.</summary>
internal sealed class Executor : ITemplateContext
{
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    /// <summary>Says that a command has no piped argument.</summary>
    private static readonly object Missing = new();

    private readonly GoTemplate set;
    private readonly Budget budget;
    private readonly IOutput output;
    private readonly int depth;
    private readonly List<(string Name, object? Value)> variables = [];
    private Tree tree = null!;
    private Node node = null!;

    public Executor(GoTemplate set, object? data, TextWriter writer, CancellationToken cancel)
        : this(set, TemplateValue.Normalize(data), new Budget(set.Options, cancel), writer, 0)
    {
    }

    private Executor(GoTemplate set, object? root, Budget budget, TextWriter writer, int depth)
    {
        this.set = set;
        this.budget = budget;
        this.depth = depth;
        Root = root;
        output = set.Options.Html ? new HtmlOutput(writer, budget) : new PlainOutput(writer, budget);
    }

    private Executor(Executor caller, Tree tree, object? dot)
    {
        set = caller.set;
        budget = caller.budget;
        output = caller.output;
        Root = caller.Root;
        depth = caller.depth + 1;
        this.tree = tree;
        node = tree.Root;
        variables.Add(("$", dot));
    }

    public object? Root { get; }

    public TemplateOptions Options => set.Options;

    public CancellationToken Cancel => budget.Cancel;

    public void Run(Tree main)
    {
        tree = main;
        node = main.Root;
        variables.Clear();
        variables.Add(("$", Root));
        try
        {
            List(main.Root, Root);
        }
        catch (InsufficientExecutionStackException e)
        {
            throw Error("template is nested too deep", e);
        }
        catch (TemplateFunctionException e)
        {
            throw Error(e.Message, e);
        }
    }

    public string Render(string name, object? data)
    {
        if (!set.TryGetTree(name, out var called)) throw new TemplateFunctionException($"template {GoString.Quote(name)} not defined");
        if (depth >= Options.DepthMax) throw new TemplateFunctionException($"templates are nested more than {Options.DepthMax} deep");
        using var writer = new StringWriter();
        var executor = new Executor(set, TemplateValue.Normalize(data), budget, writer, depth + 1);
        executor.Run(called);
        return writer.ToString();
    }

    private TemplateException Error(string reason, Exception? inner = null)
    {
        var place = SourcePosition.At(tree.Text, node.At);
        return new TemplateException(tree.ParseName, place.Line, place.Column, reason,
            $"template: {tree.ParseName}:{place.Line}:{place.Column - 1}: executing {GoString.Quote(tree.Name)} at <{Shown(node)}>: {reason}", inner);
    }

    private static string Shown(Node node)
    {
        string text = node.ToString()!;
        return text.Length > 200 ? text[..200] + "..." : text;
    }

    private void At(Node current)
    {
        node = current;
        budget.Step();
    }

    private Flow List(ListNode list, object? dot)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        foreach (var child in list.Nodes)
        {
            var flow = Walk(child, dot);
            if (flow != Flow.Next) return flow;
        }
        return Flow.Next;
    }

    private Flow Walk(Node current, object? dot)
    {
        At(current);
        switch (current)
        {
            case TextNode text:
                output.Text(text.Text);
                return Flow.Next;
            case ActionNode action:
                object? value = Pipeline(action.Pipe, dot);
                if (action.Pipe.Declared.Count == 0)
                {
                    At(current);
                    output.Value(value);
                }
                return Flow.Next;
            case BranchNode { Kind: BranchKind.Range } range:
                return Range(range, dot);
            case BranchNode branch:
                return Branch(branch, dot);
            case TemplateNode call:
                Template(call, dot);
                return Flow.Next;
            case BreakNode:
                return Flow.Break;
            case ContinueNode:
                return Flow.Continue;
            default:
                throw Error($"unknown node: {current}");
        }
    }

    private Flow Branch(BranchNode branch, object? dot)
    {
        int mark = variables.Count;
        object? value = Pipeline(branch.Pipe, dot);
        var flow = Flow.Next;
        if (TemplateValue.IsTrue(value)) flow = List(branch.Body, branch.Kind == BranchKind.With ? value : dot);
        else if (branch.Otherwise is not null) flow = List(branch.Otherwise, dot);
        Pop(mark);
        return flow;
    }

    private void Pop(int mark) => variables.RemoveRange(mark, variables.Count - mark);

    private Flow Range(BranchNode range, object? dot)
    {
        int outer = variables.Count;
        object? value = Pipeline(range.Pipe, dot);
        int mark = variables.Count;
        bool any = false;
        var flow = Flow.Next;
        switch (TemplateValue.KindOf(value))
        {
            case ValueKind.List:
                var list = TemplateValue.ListOf(value!);
                for (int i = 0; i < list.Count && Once((long)i, list[i]); i++) { }
                break;
            case ValueKind.Map:
                foreach (var (key, element) in TemplateValue.MapOf(value!).Sorted())
                {
                    if (!Once(key, element)) break;
                }
                break;
            case ValueKind.Int when value is long count:
                if (range.Pipe.Declared.Count > 1) throw Error($"can't use {count} to iterate over more than one variable");
                for (long i = 0; i < count && Once(i, i); i++) { }
                break;
            case ValueKind.Invalid or ValueKind.Nil:
                break;
            default:
                throw Error($"range can't iterate over {GoFormat.Value(value)}");
        }
        Pop(outer);
        if (!any && range.Otherwise is not null)
        {
            flow = List(range.Otherwise, dot);
            Pop(outer);
        }
        return flow;

        bool Once(object? index, object? element)
        {
            any = true;
            budget.Step();
            var declared = range.Pipe.Declared;
            if (declared.Count == 1)
            {
                if (range.Pipe.IsAssign) Assign(declared[0], element);
                else variables[mark - 1] = (declared[0], element);
            }
            else if (declared.Count > 1)
            {
                if (range.Pipe.IsAssign)
                {
                    Assign(declared[0], index);
                    Assign(declared[1], element);
                }
                else
                {
                    variables[mark - 2] = (declared[0], index);
                    variables[mark - 1] = (declared[1], element);
                }
            }
            var step = List(range.Body, element);
            Pop(mark);
            return step != Flow.Break;
        }
    }

    private void Template(TemplateNode call, object? dot)
    {
        if (!set.TryGetTree(call.Name, out var called)) throw Error($"template {GoString.Quote(call.Name)} not defined");
        if (depth >= Options.DepthMax) throw Error($"exceeded maximum template depth ({Options.DepthMax})");
        object? inner = call.Pipe is null ? null : Pipeline(call.Pipe, dot);
        var executor = new Executor(this, called, inner);
        executor.List(called.Root, inner);
    }

    private void Assign(string name, object? value)
    {
        for (int i = variables.Count - 1; i >= 0; i--)
        {
            if (variables[i].Name != name) continue;
            variables[i] = (name, value);
            return;
        }
        throw Error($"undefined variable: {name}");
    }

    private object? Variable(string name)
    {
        for (int i = variables.Count - 1; i >= 0; i--)
        {
            if (variables[i].Name == name) return variables[i].Value;
        }
        throw Error($"undefined variable: {name}");
    }

    private object? Pipeline(PipeNode pipe, object? dot)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        At(pipe);
        object? value = Missing;
        foreach (var command in pipe.Commands)
        {
            value = Command(command, dot, value);
            value ??= TemplateValue.NoValue;
        }
        foreach (string name in pipe.Declared)
        {
            if (pipe.IsAssign) Assign(name, value);
            else variables.Add((name, value));
        }
        return value;
    }

    private object? Command(CommandNode command, object? dot, object? final)
    {
        var first = command.Arguments[0];
        switch (first)
        {
            case FieldNode field:
                return Fields(field, field.Path, 0, dot, dot, command.Arguments, final);
            case ChainNode chain:
                return Chain(chain, dot, command.Arguments, final);
            case IdentifierNode identifier:
                return Function(identifier, command, dot, command.Arguments, final);
            case PipeNode inner:
                NotAFunction(command, final);
                return Pipeline(inner, dot);
            case VariableNode variable:
                return Variable(variable, dot, command.Arguments, final);
        }
        At(first);
        NotAFunction(command, final);
        return first switch
        {
            BoolNode b => b.Value,
            DotNode => dot,
            NilNode => throw Error("nil is not a command"),
            NumberNode number => number.Ideal ?? throw Error($"{number} overflows int"),
            StringNode text => text.Text,
            _ => throw Error($"can't evaluate command {GoString.Quote(first.ToString()!)}"),
        };
    }

    private void NotAFunction(CommandNode command, object? final)
    {
        if (command.Arguments.Count > 1 || !ReferenceEquals(final, Missing)) throw Error($"can't give argument to non-function {command.Arguments[0]}");
    }

    private object? Variable(VariableNode variable, object? dot, List<Node> arguments, object? final)
    {
        object? value = Variable(variable.Path[0]);
        if (variable.Path.Length > 1) return Fields(variable, variable.Path, 1, value, dot, arguments, final);
        At(variable);
        if (arguments.Count > 1 || !ReferenceEquals(final, Missing)) throw Error($"can't give argument to non-function {variable}");
        return value;
    }

    private object? Chain(ChainNode chain, object? dot, List<Node> arguments, object? final)
    {
        At(chain);
        if (chain.Head is NilNode) throw Error($"indirection through explicit nil in {chain}");
        object? head = Argument(chain.Head, typeof(object), dot);
        return Fields(chain, chain.Path, 0, head, dot, arguments, final);
    }

    private object? Fields(Node shown, string[] path, int from, object? receiver, object? dot, List<Node> arguments, object? final)
    {
        At(shown);
        for (int i = from; i < path.Length - 1; i++) receiver = Field(shown, path[i], receiver, dot, null, Missing);
        return Field(shown, path[^1], receiver, dot, arguments, final);
    }

    /// <summary>A field, a key or a method of a value.</summary>
    /// <param name="arguments">The command's words, the field itself first; null where the field stands inside a path.</param>
    private object? Field(Node shown, string name, object? receiver, object? dot, List<Node>? arguments, object? final)
    {
        if (ReferenceEquals(receiver, TemplateValue.NoValue))
        {
            if (Options.MissingKey == MissingKey.Error) throw Error($"nil data; no entry for key {GoString.Quote(name)}");
            return TemplateValue.NoValue;
        }
        if (receiver is null) throw Error($"nil pointer evaluating interface {{}}.{name}");
        bool hasArguments = arguments is { Count: > 1 } || !ReferenceEquals(final, Missing);
        object? member = null;
        bool found = receiver switch
        {
            ITemplateObject own => own.TryGetMember(name, out member),
            GoTime time => TimeMembers.TryGet(time, name, out member),
            GoDuration duration => TimeMembers.TryGet(duration, name, out member),
            _ => false,
        };
        if (found)
        {
            if (member is TemplateFunction method) return Call(shown, name, method, arguments, dot, final);
            if (hasArguments) throw Error($"{name} has arguments but cannot be invoked as function");
            return TemplateValue.Normalize(member);
        }
        if (TemplateValue.KindOf(receiver) == ValueKind.Map)
        {
            if (hasArguments) throw Error($"{name} is not a method but has arguments");
            var map = TemplateValue.MapOf(receiver);
            if (map.TryGet(name, out object? value)) return value;
            return Options.MissingKey switch
            {
                MissingKey.Zero => map.Zero,
                MissingKey.Error => throw Error($"map has no entry for key {GoString.Quote(name)}"),
                _ => TemplateValue.NoValue,
            };
        }
        throw Error($"can't evaluate field {name} in type {TemplateValue.TypeName(receiver)}");
    }

    private object? Function(IdentifierNode identifier, Node shown, object? dot, List<Node> arguments, object? final)
    {
        At(identifier);
        if (!set.Functions.TryGet(identifier.Name, out var function) && !Builtins.TryGet(identifier.Name, out function))
            throw Error($"{GoString.Quote(identifier.Name)} is not a defined function");
        return Call(shown, identifier.Name, function, arguments, dot, final);
    }

    private object? Call(Node shown, string name, TemplateFunction function, List<Node>? words, object? dot, object? final)
    {
        int written = words is null ? 0 : words.Count - 1;
        bool piped = !ReferenceEquals(final, Missing);
        int given = written + (piped ? 1 : 0);
        if (given < function.Fixed || (function.Rest is null && given > function.Fixed))
            throw Error($"wrong number of args for {name}: want {(function.Rest is null ? "" : "at least ")}{function.Fixed} got {given}");
        if (name is "and" or "or" && Builtins.TryGet(name, out var builtin) && ReferenceEquals(builtin, function))
            return Logic(name == "or", words, dot, final, piped);
        var arguments = new object?[given];
        for (int i = 0; i < written; i++) arguments[i] = Argument(words![i + 1], function.ParameterAt(i), dot);
        if (piped) arguments[^1] = Converted(final, function.ParameterAt(given - 1));
        At(shown);
        object? result;
        try
        {
            result = function.Call(this, arguments);
        }
        catch (Exception e) when (e is not (TemplateException or OperationCanceledException or InsufficientExecutionStackException or OutOfMemoryException))
        {
            node = shown;
            throw Error($"error calling {name}: {e.Message}", e);
        }
        if (result is string text && text.Length > Options.OutputCharsMax)
            throw Error($"error calling {name}: text is longer than {Options.OutputCharsMax} characters");
        return result;
    }

    /// <summary><c>and</c> stops at the first empty argument, <c>or</c> at the first that is not.</summary>
    private object? Logic(bool stopAtTrue, List<Node>? words, object? dot, object? final, bool piped)
    {
        object? value = null;
        for (int i = 1; words is not null && i < words.Count; i++)
        {
            value = Argument(words[i], typeof(object), dot);
            if (TemplateValue.IsTrue(value) == stopAtTrue) return value;
        }
        return piped ? final : value;
    }

    private object? Converted(object? value, Type type)
    {
        if (TemplateFunction.TryConvert(value, type, out object? converted)) return converted;
        if (value is null || ReferenceEquals(value, TemplateValue.NoValue)) throw Error($"invalid value; expected {TemplateFunction.NameOf(type)}");
        throw Error($"wrong type for value; expected {TemplateFunction.NameOf(type)}; got {TemplateValue.TypeName(value)}");
    }

    private object? Argument(Node argument, Type type, object? dot)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        At(argument);
        switch (argument)
        {
            case DotNode:
                return Converted(dot, type);
            case NilNode:
                if (type == typeof(object) || (!type.IsValueType && type != typeof(string))) return null;
                throw Error($"cannot assign nil to {TemplateFunction.NameOf(type)}");
            case FieldNode field:
                return Converted(Fields(field, field.Path, 0, dot, dot, [field], Missing), type);
            case VariableNode variable:
                return Converted(Variable(variable, dot, [variable], Missing), type);
            case PipeNode pipe:
                return Converted(Pipeline(pipe, dot), type);
            case IdentifierNode identifier:
                return Converted(Function(identifier, identifier, dot, [identifier], Missing), type);
            case ChainNode chain:
                return Converted(Chain(chain, dot, [chain], Missing), type);
            case BoolNode flag when type == typeof(object) || type == typeof(bool):
                return flag.Value;
            case StringNode text when type == typeof(object) || type == typeof(string):
                return text.Text;
            case NumberNode number when type == typeof(object):
                return number.Ideal ?? throw Error($"{number} overflows int");
            case NumberNode { IsInt: true } number when type == typeof(long):
                return number.Int;
            case NumberNode { IsInt: true } number when type == typeof(int) && number.Int is >= int.MinValue and <= int.MaxValue:
                return (int)number.Int;
            case NumberNode { IsUint: true } number when type == typeof(ulong):
                return number.Uint;
            case NumberNode { IsFloat: true } number when type == typeof(double):
                return number.Float;
            case NumberNode { IsInt: true } number when type == typeof(GoDuration):
                return new GoDuration(number.Int);
            default:
                string expected = type == typeof(long) || type == typeof(int) ? "integer" : type == typeof(ulong) ? "unsigned integer"
                    : type == typeof(double) ? "float" : TemplateFunction.NameOf(type);
                throw Error($"expected {expected}; found {argument}");
        }
    }
}
