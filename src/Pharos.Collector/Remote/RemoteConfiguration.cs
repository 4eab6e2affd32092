using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Hosting;
using Pharos.Collector.Runtime;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Remote;

/// <summary>
/// Keeps the collector in step with its fleet: registers, asks for the configuration at an interval, loads it into a graph of its own,
/// reports what became of it, and keeps the last good one on disk. Whatever the fleet does, what runs goes on.
/// </summary>
internal sealed class RemoteConfiguration(CollectorOptions options, Instruments instruments, ILogger logger, GraphRuntime graph)
{
    private readonly CollectorOptions options = options;
    private readonly ILogger logger = logger;
    private readonly GraphRuntime graph = graph;
    private readonly RemoteMetrics metrics = new(instruments);
    private CancellationTokenSource? stop;
    private Task run = Task.CompletedTask;

    /// <summary>Starts anew with other arguments; null, or an empty URL, stops it.</summary>
    public async Task ConfigureAsync(Arguments? arguments, CancellationToken cancel)
    {
        await EndAsync().ConfigureAwait(false);
        if (arguments?.TextOrNull("url") is null)
        {
            await graph.StopAsync().ConfigureAwait(false);
            return;
        }
        var session = new Session(this, RemoteOptions.Read(arguments, options));
        stop = new CancellationTokenSource();
        run = session.RunAsync(stop.Token);
    }

    public async Task StopAsync() => await EndAsync().ConfigureAwait(false);

    private async Task EndAsync()
    {
        if (stop is null) return;
        await stop.CancelAsync().ConfigureAwait(false);
        await run.ConfigureAwait(false);
        stop.Dispose();
        stop = null;
    }

    private sealed class Session(RemoteConfiguration owner, RemoteOptions remote)
    {
        private readonly CollectorOptions options = owner.options;
        private readonly FleetClient client = new(remote, owner.options);
        private string serverHash = "";
        private string lastContent = "";
        private (string Status, string Message)? report;
        private bool loadedOnce;

        public async Task RunAsync(CancellationToken cancel)
        {
            await Task.Yield();
            try
            {
                await StartAsync(cancel).ConfigureAwait(false);
                bool registered = false;
                // A seed of its own for each collector spreads a fleet's polls, and a replay polls at the same times.
                var jitter = new Random(remote.Id.Aggregate(17, (hash, c) => unchecked((hash * 31) + c)));
                while (true)
                {
                    if (!registered) registered = await TryRegisterAsync(cancel).ConfigureAwait(false);
                    double spread = 1 + ((jitter.NextDouble() - 0.5) * 0.1);
                    await Task.Delay(remote.PollFrequency * spread, options.Time, cancel).ConfigureAwait(false);
                    await PollAsync(cancel).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                await client.LeaveAsync().ConfigureAwait(false);
            }
            finally
            {
                client.Dispose();
            }
        }

        private async Task StartAsync(CancellationToken cancel)
        {
            if (await PollAsync(cancel).ConfigureAwait(false)) return;
            if (!File.Exists(remote.CacheFile)) return;
            try
            {
                string cached = await File.ReadAllTextAsync(remote.CacheFile, cancel).ConfigureAwait(false);
                await LoadAsync(cached, fromCache: true, cancel).ConfigureAwait(false);
            }
            catch (IOException unreadable)
            {
                RuntimeLog.RemoteTrouble(owner.logger, $"the last good configuration cannot be read: {unreadable.Message}");
            }
        }

        private async Task<bool> TryRegisterAsync(CancellationToken cancel)
        {
            try
            {
                await client.RegisterAsync(cancel).ConfigureAwait(false);
                return true;
            }
            catch (FleetException failure)
            {
                RuntimeLog.RemoteTrouble(owner.logger, $"not registered yet: {failure.Message}");
                return false;
            }
        }

        /// <summary>Asks once. False where the fleet did not answer.</summary>
        private async Task<bool> PollAsync(CancellationToken cancel)
        {
            FleetAnswer answer;
            long started = options.Time.GetTimestamp();
            try
            {
                answer = await client.GetConfigAsync(serverHash, report, cancel).ConfigureAwait(false);
                report = null;
            }
            catch (FleetException failure)
            {
                RuntimeLog.RemoteTrouble(owner.logger, failure.Message);
                return false;
            }
            finally
            {
                owner.metrics.Asked(options.Time.GetElapsedTime(started));
            }
            if (answer.NotModified)
            {
                owner.metrics.NotModified();
                return true;
            }
            serverHash = answer.Hash;
            owner.metrics.Received(answer.Hash);
            // The same bytes again need no second try, good or bad.
            if (loadedOnce && answer.Content == lastContent) return true;
            lastContent = answer.Content;
            loadedOnce = true;
            await TellAsync("APPLYING", "", cancel).ConfigureAwait(false);
            string trouble = await LoadAsync(answer.Content, fromCache: false, cancel).ConfigureAwait(false);
            await TellAsync(trouble.Length == 0 ? "APPLIED" : "FAILED", trouble, cancel).ConfigureAwait(false);
            return true;
        }

        /// <summary>Loads a configuration, each pipeline for itself; gives what went wrong, empty where nothing did.</summary>
        private async Task<string> LoadAsync(string content, bool fromCache, CancellationToken cancel)
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
            string trouble = "";
            owner.metrics.Attempt();
            try
            {
                var findings = await owner.graph.LoadAsync([new SourceText("remotecfg", content)], "", isolate: true, cancel).ConfigureAwait(false);
                trouble = string.Join('\n', findings.Where(f => f.Severity == Severity.Error));
            }
            catch (SyntaxException wrong)
            {
                trouble = wrong.Message;
            }
            if (trouble.Length > 0)
            {
                owner.metrics.Failed();
                RuntimeLog.RemoteTrouble(owner.logger, trouble);
                return trouble;
            }
            owner.metrics.Succeeded(hash, options.Time.UnixMs() / 1000.0);
            RuntimeLog.RemoteApplied(owner.logger, hash);
            if (!fromCache) Keep(content);
            return trouble;
        }

        private void Keep(string content)
        {
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(remote.CacheFile)!);
                string next = remote.CacheFile + ".tmp";
                File.WriteAllText(next, content);
                File.Move(next, remote.CacheFile, overwrite: true);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                RuntimeLog.RemoteTrouble(owner.logger, $"the configuration cannot be kept on disk: {failure.Message}");
            }
        }

        /// <summary>Reports a state at once; where that fails, the next poll carries it.</summary>
        private async Task TellAsync(string status, string message, CancellationToken cancel)
        {
            report = (status, message);
            try
            {
                await client.GetConfigAsync(serverHash, report, cancel).ConfigureAwait(false);
                report = null;
            }
            catch (FleetException failure)
            {
                RuntimeLog.RemoteTrouble(owner.logger, failure.Message);
            }
        }
    }
}
