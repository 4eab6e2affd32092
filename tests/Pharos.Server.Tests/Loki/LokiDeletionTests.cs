using System.Text.Json;
using Pharos.Core;

namespace Pharos.Server.Tests.Loki;

public sealed class LokiDeletionTests
{
    private const string Path = "/loki/api/v1/delete";

    [Fact]
    public async Task Lines_are_deleted_listed_and_brought_back()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        Assert.Equal("[]", await api.GetAsync(Path));
        Assert.Equal((204, ""), await SendAsync(api, HttpMethod.Post, $"?query={Uri.EscapeDataString("{app=\"shop\"} |= \"took\"")}&start=1767225000&end={LokiApi.NowNs}"));
        Assert.Equal("1", await CountAsync(api));
        using var list = JsonDocument.Parse(await api.GetAsync(Path));
        var request = Assert.Single(list.RootElement.EnumerateArray());
        string id = request.GetProperty("request_id").GetString()!;
        Assert.Equal(
            $$"""{"request_id":"{{id}}","start_time":1767225000,"end_time":1767225600,"query":"{app=\"shop\"} |= \"took\"","status":"received","created_at":1767225600,"user_id":"anonymous"}""",
            request.GetRawText());
        Assert.Equal((404, "could not find delete request with given id\n"), await SendAsync(api, HttpMethod.Delete, "?request_id=none"));
        Assert.Equal((204, ""), await SendAsync(api, HttpMethod.Delete, "?request_id=" + id));
        Assert.Equal("3", await CountAsync(api));
    }

    [Theory]
    [InlineData("?start=1", "query not set\n")]
    [InlineData("?query={app=\"a\"}", "start time not set\n")]
    [InlineData("?query={app=\"a\"}&start=5&end=4", "start time can't be greater than end time\n")]
    [InlineData("?query={app=\"a\"}&start=5&end=1767225601", "deletes in the future are not allowed\n")]
    [InlineData("?query={app=\"a\"}&start=5&max_interval=x", "could not parse 'max_interval' parameter")]
    [InlineData("?query=rate({app=\"a\"}[1m])&start=5", "a deletion takes a stream selector with filters, not a metric query\n")]
    public async Task Wrong_requests_delete_nothing(string query, string text)
    {
        await using var api = await LokiApi.StartAsync();
        var (status, body) = await SendAsync(api, HttpMethod.Put, query);
        Assert.Equal(400, status);
        Assert.StartsWith(text, body);
        Assert.Equal("[]", await api.GetAsync(Path));
    }

    [Fact]
    public async Task A_tenant_may_be_kept_from_deleting()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { Deletion = false } });
        foreach (var method in (HttpMethod[])[HttpMethod.Post, HttpMethod.Get, HttpMethod.Delete])
            Assert.Equal((403, "deletion is not available for this tenant\n"), await SendAsync(api, method, "?query={app=\"a\"}&start=1"));
    }

    private static async Task<string> CountAsync(LokiApi api)
    {
        using var answer = JsonDocument.Parse(await api.GetAsync("/loki/api/v1/query?query=sum(count_over_time({app=\"shop\"}[1m]))"));
        return answer.RootElement.GetProperty("data").GetProperty("result")[0].GetProperty("value")[1].GetString()!;
    }

    private static async Task<(int Status, string Text)> SendAsync(LokiApi api, HttpMethod method, string query)
    {
        using var request = new HttpRequestMessage(method, Path + query);
        using var response = await api.Client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
