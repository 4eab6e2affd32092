namespace Pharos.Collector.Syntax;

/// <summary>Walks a tree in the order of its text and lays it out, comments at their places.</summary>
internal sealed class TreePrinter(FileTree tree)
{
    private readonly SourceText source = tree.Source;
    private readonly List<TextSpan> comments = [.. tree.Comments.SelectMany(g => g.Comments)];
    private readonly Layout output = new();
    private int nextComment;
    private int indent;

    /// <summary>Line breaks due before the next thing: 1 a new line, 2 a blank line as well.</summary>
    private int breaks;
    private bool spaceDue;
    private bool noBlank = true;

    /// <summary>Source line on which the last written thing ended.</summary>
    private int lastLine;

    public string Print()
    {
        Body(tree.Body);
        FlushComments(source.Text.Length + 1);
        return output.IsEmpty ? "" : output.Render();
    }

    private void Body(IReadOnlyList<Statement> body)
    {
        for (int i = 0; i < body.Count; i++)
        {
            if (i > 0) breaks = Math.Max(breaks, body[i] is BlockStatement ? 2 : 1);
            switch (body[i])
            {
                case AttributeStatement attribute:
                    Write(attribute.Name, attribute.NameSpan);
                    output.MarkName();
                    output.Append(" =");
                    spaceDue = true;
                    Print(attribute.Value);
                    break;
                case BlockStatement block:
                    Block(block);
                    break;
            }
        }
    }

    private void Block(BlockStatement block)
    {
        Write(block.Name, block.NameSpan);
        if (block.Label.Length > 0)
        {
            spaceDue = true;
            Write($"\"{block.Label}\"", block.LabelSpan);
        }
        spaceDue = true;
        Write("{", block.OpenBrace);
        if (block.Body.Count == 0 && !HasCommentBefore(block.CloseBrace.Start))
        {
            spaceDue = true;
            Write("}", block.CloseBrace);
            return;
        }
        indent++;
        breaks = 1;
        noBlank = true;
        Body(block.Body);
        FlushComments(block.CloseBrace.Start);
        indent--;
        breaks = 1;
        noBlank = true;
        Write("}", block.CloseBrace);
    }

    private void Print(Expression expression)
    {
        switch (expression)
        {
            case LiteralExpression literal:
                Write(literal.ToString(), literal.Span);
                break;
            case IdentifierExpression name:
                Write(name.Name, name.Span);
                break;
            case ArrayExpression array:
                List('[', ']', array.Span.Start, array.Span, [.. array.Elements.Select(e => (e.Span, (Action)(() => Print(e))))]);
                break;
            case ObjectExpression map:
                List('{', '}', map.Span.Start, map.Span,
                    [.. map.Fields.Select(f => (f.NameSpan.To(f.Value.Span), (Action)(() => Field(f))))]);
                break;
            case CallExpression call:
                Print(call.Function);
                List('(', ')', call.OpenAt, call.Span, [.. call.Arguments.Select(a => (a.Span, (Action)(() => Print(a))))]);
                break;
            case AccessExpression access:
                Print(access.Value);
                output.Append(".");
                Write(access.Name, access.NameSpan);
                break;
            case IndexExpression index:
                Print(index.Value);
                output.Append("[");
                Print(index.Index);
                Write("]", Last(index.Span));
                break;
            case ParenExpression paren:
                Write("(", First(paren.Span));
                Print(paren.Inner);
                Write(")", Last(paren.Span));
                break;
            case UnaryExpression unary:
                Write(unary.Operator == UnaryOperator.Not ? "!" : "-", First(unary.Span));
                Print(unary.Operand);
                break;
            case BinaryExpression binary:
                Print(binary.Left);
                spaceDue = true;
                Write(binary.OperatorSpan.ToString(), binary.OperatorSpan);
                spaceDue = true;
                Print(binary.Right);
                break;
        }
    }

    private void Field(ObjectField field)
    {
        bool first = breaks > 0;
        Write(field.NameSpan.ToString(), field.NameSpan);
        if (first) output.MarkName();
        output.Append(" =");
        spaceDue = true;
        Print(field.Value);
    }

    /// <summary>Items in brackets. The author's line breaks stay; a closing bracket on its own line has a comma before it.</summary>
    private void List(char open, char close, int openAt, TextSpan whole, List<(TextSpan Span, Action Print)> items)
    {
        var closing = Last(whole);
        Write(open.ToString(), new TextSpan(source, openAt, openAt + 1));
        bool indented = false;
        int line = source.LineOf(openAt);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0) output.Append(",");
            if (source.LineOf(items[i].Span.Start) != line)
            {
                if (!indented) indent++;
                indented = true;
                breaks = 1;
                if (i == 0) noBlank = true;
            }
            else
            {
                spaceDue = i > 0;
            }
            items[i].Print();
            line = source.LineOf(items[i].Span.End - 1);
        }
        bool commentsLeft = HasCommentBefore(closing.Start);
        bool ownLine = source.LineOf(closing.Start) != line && (items.Count > 0 || commentsLeft);
        if (ownLine)
        {
            if (items.Count > 0) output.Append(",");
            if (!indented) indent++;
            FlushComments(closing.Start);
            indent--;
            breaks = 1;
            noBlank = true;
        }
        else if (indented)
        {
            FlushComments(closing.Start);
            indent--;
        }
        Write(close.ToString(), closing);
    }

    private static TextSpan First(TextSpan span) => new(span.Source, span.Start, span.Start + 1);

    private static TextSpan Last(TextSpan span) => new(span.Source, span.End - 1, span.End);

    private bool HasCommentBefore(int offset) => nextComment < comments.Count && comments[nextComment].Start < offset;

    private void Write(string text, TextSpan at)
    {
        FlushComments(at.Start);
        int line = source.LineOf(at.Start);
        StartLine(line);
        if (spaceDue && !output.LineIsEmpty) output.Append(" ");
        spaceDue = false;
        output.Append(text);
        lastLine = source.LineOf(Math.Max(at.Start, at.End - 1));
    }

    private void StartLine(int sourceLine)
    {
        if (output.IsEmpty)
        {
            output.NewLine(indent);
        }
        else if (breaks > 0)
        {
            if (breaks > 1 || (!noBlank && sourceLine - lastLine > 1)) output.NewLine(0);
            output.NewLine(indent);
            spaceDue = false;
        }
        breaks = 0;
        noBlank = false;
    }

    private void FlushComments(int before)
    {
        while (HasCommentBefore(before))
        {
            var comment = comments[nextComment++];
            string text = comment.ToString().TrimEnd();
            int line = source.LineOf(comment.Start), end = source.LineOf(comment.End - 1);
            bool toLineEnd = text.StartsWith("//", StringComparison.Ordinal);
            int next = HasCommentBefore(before) ? comments[nextComment].Start : before;
            bool inline = !toLineEnd && next <= source.Text.Length && source.LineOf(Math.Min(next, source.Text.Length)) == end;
            if (!output.IsEmpty && line == lastLine && !inline && end == line)
            {
                output.TrailingComment(text);
                breaks = Math.Max(breaks, 1);
            }
            else if (inline && (line == lastLine || breaks == 0) && !output.IsEmpty)
            {
                if (breaks > 0) StartLine(line);
                if (!output.LineIsEmpty) output.Append(" ");
                output.Append(text);
                spaceDue = true;
            }
            else
            {
                if (breaks == 0) breaks = 1;
                StartLine(line);
                output.Append(text);
                if (inline) spaceDue = true;
                else breaks = 1;
            }
            lastLine = end;
        }
    }
}
