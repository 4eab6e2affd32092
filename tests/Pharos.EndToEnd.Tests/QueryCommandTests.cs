using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary><c>pharos query</c> as an operator runs it.</summary>
public sealed class QueryCommandTests
{
    [Fact]
    public async Task A_server_is_asked_at_its_address()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        using (http)
        await using (server)
        {
            var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "query", "instant", "vector(42)", "--url", http.BaseAddress!.AbsoluteUri);
            Assert.True(exit == 0, output);
            Assert.Contains("42", output);
            Assert.Equal(0, await server.TerminateAsync());
        }
        var (unreached, said) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "query", "instant", "up", "--url", "http://127.0.0.1:1");
        Assert.Equal(1, unreached);
        Assert.Contains("cannot reach http://127.0.0.1:1", said);
        var (wrong, why) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "query", "instant", "up", "--url", "127.0.0.1");
        Assert.Equal(2, wrong);
        Assert.Contains("--url must start with http", why);
    }
}
