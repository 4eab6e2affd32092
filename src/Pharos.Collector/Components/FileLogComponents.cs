using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using Pharos.Collector.Tailing;
using Pharos.Core;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>local.file_match</c> and <c>loki.source.file</c></summary>
internal static class FileLogComponents
{
    public static IReadOnlyList<ComponentDescriptor> All { get; } =
    [
        ComponentDescriptor.Of(
            "local.file_match",
            "Finds files by patterns, again and again.",
            Body(
                Must("path_targets", Targets, "Each with __path__, a pattern with *, ** and {a,b}, and perhaps __path_exclude__."),
                May("sync_period", Duration, "10s", "How often files are looked for."),
                May("ignore_older_than", Duration, "0s", "Files not written for that long are left out.")),
            [new ComponentExport("targets", "list(target)", "One for each file.")],
            a => new MatchOptions(a.Targets("path_targets"), a.PositiveDuration("sync_period"), a.Duration("ignore_older_than")),
            (context, _, options) => new FileMatch(context, options)),
        ComponentDescriptor.Of(
            "loki.source.file",
            "Follows log files.",
            Body(
                Must("targets", Targets, "Each with __path__, a file."),
                Must("forward_to", LogsReceivers),
                OneOf("encoding", "", "", "utf-8", "UTF-8", "utf8"),
                May("tail_from_end", false, "Files that are new to it are followed from their end."),
                OneOf("on_positions_file_error", "restart_from_beginning", "restart_from_beginning", "skip", "restart_from_end"),
                Refuse("legacy_positions_file", "positions start anew here"),
                One("file_match",
                    May("enabled", false, "__path__ is a pattern."), May("sync_period", Duration, "10s", ""), May("ignore_older_than", Duration, "0s", "")),
                One("file_watch",
                    May("min_poll_frequency", Duration, "250ms", "How often files are looked at."),
                    May("max_poll_frequency", Duration, "250ms", "At least min_poll_frequency, which is what counts.")),
                RefuseBlock("decompression", "files that are packed do not grow; unpack them first")),
            [],
            BindSource,
            (context, _, options) => new FileSource(context, options)),
    ];

    private sealed record MatchOptions(IReadOnlyList<Labels> PathTargets, TimeSpan Period, TimeSpan IgnoreOlderThan);

    private sealed record SourceOptions(
        FileTailOptions Tail, IReadOnlyList<Labels> Targets, IReadOnlyList<ILogsReceiver> ForwardTo, MatchOptions? Match);

    private static SourceOptions BindSource(Arguments a)
    {
        var tail = new FileTailOptions
        {
            TailFromEnd = a.Flag("tail_from_end"),
            OnPositionsFileError = a.Text("on_positions_file_error") switch
            {
                "skip" => PositionsFileError.Skip,
                "restart_from_end" => PositionsFileError.RestartFromEnd,
                _ => PositionsFileError.RestartFromBeginning,
            },
        };
        if (a.Block("file_watch") is { } watch)
        {
            var min = watch.PositiveDuration("min_poll_frequency");
            if (watch.IsSet("max_poll_frequency") && watch.Duration("max_poll_frequency") < min)
                throw watch.Wrong("max_poll_frequency", "max_poll_frequency must not be less than min_poll_frequency");
            tail = tail with { PollInterval = min };
        }
        var targets = a.Targets("targets");
        var match = a.Block("file_match") is { } block && block.Flag("enabled")
            ? new MatchOptions(targets, block.PositiveDuration("sync_period"), block.Duration("ignore_older_than"))
            : null;
        return new SourceOptions(tail, targets, a.Capsules<ILogsReceiver>("forward_to"), match);
    }

    private sealed class FileMatch : ComponentInstance<MatchOptions>
    {
        private volatile MatchOptions options;

        public FileMatch(ComponentContext context, MatchOptions options)
            : base(context)
        {
            this.options = options;
            Look();
        }

        protected override void Apply(MatchOptions now)
        {
            options = now;
            Look();
        }

        public override async Task RunAsync(CancellationToken cancel)
        {
            while (true)
            {
                await Task.Delay(options.Period, Context.Time, cancel).ConfigureAwait(false);
                Look();
            }
        }

        private void Look()
        {
            try
            {
                Export("targets", Value.Of(FileMatcher.Find(options.PathTargets, options.IgnoreOlderThan, Context.Time)));
                Report(null);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                if (Exports["targets"] is null) Export("targets", ArrayValue.Empty);
                Report(failure.Message);
            }
        }
    }

    private sealed class FileSource : WorkerInstance<SourceOptions, FileTailSource>
    {
        private readonly LogsFanout fanout;
        private FileTailSource? current;

        public FileSource(ComponentContext context, SourceOptions options)
            : base(context, options) => fanout = new LogsFanout(options.ForwardTo, context.Tap);

        public override object? DebugInfo => current?.Files.Select(f => new Dictionary<string, object?>
        {
            ["path"] = f.Path,
            ["labels"] = f.Labels.ToString(),
            ["read_offset"] = f.Offset,
        }).ToList();

        protected override bool NeedsAnother(SourceOptions before, SourceOptions now)
        {
            fanout.Receivers = now.ForwardTo;
            if (before.Tail != now.Tail || before.Match?.Period != now.Match?.Period) return true;
            if (current is { } source) Look(source);
            return false;
        }

        protected override FileTailSource Open(SourceOptions options)
        {
            Directory.CreateDirectory(Context.DataFolder);
            return new FileTailSource(options.Tail, fanout, Path.Combine(Context.DataFolder, "positions.yml"), Context.Time, Context.Instruments, Context.Logger);
        }

        protected override async Task RunAsync(FileTailSource worker, CancellationToken cancel)
        {
            current = worker;
            Look(worker);
            var run = worker.RunAsync(cancel);
            try
            {
                while (Options.Match is { } match && !run.IsCompleted)
                {
                    await Task.Delay(match.Period, Context.Time, cancel).ConfigureAwait(false);
                    Look(worker);
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                // The source ends by the same token.
            }
            await run.ConfigureAwait(false);
        }

        protected override ValueTask CloseAsync(FileTailSource worker)
        {
            current = null;
            return ValueTask.CompletedTask;
        }

        private void Look(FileTailSource source)
        {
            var now = Options;
            source.SetTargets(now.Match is { } match ? FileMatcher.Find(match.PathTargets, match.IgnoreOlderThan, Context.Time) : now.Targets);
        }
    }
}
