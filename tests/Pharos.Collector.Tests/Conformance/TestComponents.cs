using System.Globalization;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Tests;

/// <summary>Doubles of the test components that the module archives use; conformance/README.md says what each does.</summary>
internal sealed class TestComponents
{
    private const string Ints = "IntReceiver", Strings = "StringReceiver";

    /// <summary>The last input of each summation, by label.</summary>
    public Dictionary<string, long> LastInput { get; } = [];

    /// <summary>Sum of each summation and summation receiver, by label.</summary>
    public Dictionary<string, long> Sums { get; } = [];

    /// <summary>Lines of each string receiver, by label.</summary>
    public Dictionary<string, List<string>> Logs { get; } = [];

    public ComponentRegistry Registry() => new(
    [
        ComponentDescriptor.Of("testcomponents.count", "Counts.", Body(May("frequency", ArgumentType.Duration), May("max", ArgumentType.Integer)),
            [new ComponentExport("count", "number")], a => (a.Duration("frequency"), a.Integer("max")),
            (context, _, o) => new Component<(TimeSpan Frequency, long Max)>(context, o, async (c, cancel) =>
            {
                for (long i = 1; i <= c.Options.Max; i++)
                {
                    await Task.Delay(c.Options.Frequency, context.Time, cancel);
                    c.Give("count", Value.Of(i));
                }
            }, c => c.Give("count", Value.Of(0)))),
        ComponentDescriptor.Of("testcomponents.passthrough", "Passes on.", Body(Must("input", ArgumentType.Any), May("lag", ArgumentType.Duration)),
            [new ComponentExport("output", "any")], a => a.Raw("input"),
            (context, _, o) => new Component<Value>(context, o, null, c => c.Give("output", c.Options))),
        ComponentDescriptor.Of("testcomponents.targets", "Passes targets on.", Body(Must("targets", ArgumentType.Targets)),
            [new ComponentExport("output", "list(target)")], a => a.Targets("targets"),
            (context, _, o) => new Component<IReadOnlyList<Core.Labels>>(context, o, null, c => c.Give("output", Value.Of(c.Options)))),
        ComponentDescriptor.Of("testcomponents.summation", "Sums.", Body(Must("input", ArgumentType.Integer)),
            [new ComponentExport("sum", "number"), new ComponentExport("last_added", "number")], a => (object)a.Integer("input"),
            (context, _, o) => new Component<object>(context, o, null, c => Add(context, (long)c.Options))),
        ComponentDescriptor.Of("testcomponents.summation_receiver", "Sums what it is sent.", Body(),
            [new ComponentExport("receiver", Ints)], _ => new object(),
            (context, _, o) => new Component<object>(context, o, null, c => c.Give("receiver", new CapsuleValue(Ints, (Action<long>)(n => Add(context, n)))))),
        ComponentDescriptor.Of("testcomponents.pulse", "Sends 1.",
            Body(Must("max", ArgumentType.Integer), Must("frequency", ArgumentType.Duration), Must("forward_to", new ArgumentType(ArgumentKind.List, new ArgumentType(ArgumentKind.Capsule, null, Ints)))),
            [], a => (a.Integer("max"), a.Duration("frequency"), a.Capsules<Action<long>>("forward_to")),
            (context, _, o) => new Component<(long Max, TimeSpan Frequency, IReadOnlyList<Action<long>> Receivers)>(context, o, async (c, cancel) =>
            {
                var sent = context.Instruments.Counter("pulse_count", "Pulses sent.");
                for (long i = 0; i < c.Options.Max; i++)
                {
                    await Task.Delay(c.Options.Frequency, context.Time, cancel);
                    foreach (var receiver in c.Options.Receivers) receiver(1);
                    sent.Add();
                }
            }, null)),
        ComponentDescriptor.Of("testcomponents.stringer", "Sends the text of its input.",
            Body(May("input_string", ArgumentType.Any), May("input_int", ArgumentType.Any), May("input_float", ArgumentType.Any), May("input_bool", ArgumentType.Any),
                May("input_map", ArgumentType.Any), May("input_array", ArgumentType.Any),
                Must("forward_to", new ArgumentType(ArgumentKind.List, new ArgumentType(ArgumentKind.Capsule, null, Strings)))),
            [], a => (new[] { "string", "int", "float", "bool", "map", "array" }.Where(n => a.IsSet("input_" + n)).Select(n => a.Raw("input_" + n)).First(), a.Capsules<Action<string>>("forward_to")),
            (context, _, o) => new Component<(Value Input, IReadOnlyList<Action<string>> Receivers)>(context, o, (c, _) =>
            {
                foreach (var receiver in c.Options.Receivers) receiver(GoText(c.Options.Input));
                return Task.CompletedTask;
            }, null)),
        ComponentDescriptor.Of("testcomponents.string_receiver", "Logs what it is sent.", Body(),
            [new ComponentExport("receiver", Strings)], _ => new object(),
            (context, _, o) => new Component<object>(context, o, null, c => c.Give("receiver", new CapsuleValue(Strings, (Action<string>)(text =>
            {
                lock (Logs) (Logs.TryGetValue(Label(context), out var list) ? list : Logs[Label(context)] = []).Add(text);
            }))))),
        ComponentDescriptor.Of("testcomponents.experimental", "Experimental.", Body(), [], _ => new object(),
            (context, _, o) => new Component<object>(context, o, null, null), Stability.Experimental),
    ], new Dictionary<string, string>
    {
        ["testcomponents.community"] = "the component \"testcomponents.community\" is a community component",
    });

    private void Add(ComponentContext context, long number)
    {
        lock (Sums)
        {
            LastInput[Label(context)] = number;
            Sums[Label(context)] = Sums.GetValueOrDefault(Label(context)) + number;
        }
    }

    private static string Label(ComponentContext context) => context.Id[(context.Id.LastIndexOf('.') + 1)..];

    private static string GoText(Value value) => value switch
    {
        ObjectValue map => "map[string]interface {}{" + string.Join(", ", map.Fields.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{Core.GoString.Quote(f.Key)}:{GoText(f.Value)}")) + "}",
        ArrayValue array => "[]interface {}{" + string.Join(", ", array.Items.Select(GoText)) + "}",
        _ => Convert.ToString(value.ToString(), CultureInfo.InvariantCulture)!,
    };

    private sealed class Component<T> : ComponentInstance<T>
        where T : notnull
    {
        private readonly Func<Component<T>, CancellationToken, Task>? run;
        private readonly Action<Component<T>>? apply;

        public Component(ComponentContext context, T options, Func<Component<T>, CancellationToken, Task>? run, Action<Component<T>>? apply)
            : base(context)
        {
            this.run = run;
            this.apply = apply;
            Options = options;
            apply?.Invoke(this);
        }

        public T Options { get; private set; }

        public void Give(string name, Value value) => Export(name, value);

        protected override void Apply(T options)
        {
            Options = options;
            apply?.Invoke(this);
        }

        public override async Task RunAsync(CancellationToken cancel)
        {
            if (run is not null) await run(this, cancel);
            await WaitAsync(cancel);
        }
    }
}
