using Pharos.Core;
using Pharos.Server.Prometheus.Searching;

namespace Pharos.Server.Tests.Prometheus;

/// <summary><c>/api/v1/search/*</c> as clients of Prometheus ask it.</summary>
public sealed class SearchRoutesTests
{
    [Fact]
    public async Task Names_are_found_by_parts_of_them_in_batches()
    {
        await using var api = await StartAsync();
        Assert.Equal(
            """
            {"results":[{"name":"prom_http_total"},{"name":"prom_up"}]}
            {"results":[{"name":"sort"}]}
            {"status":"success","has_more":false}

            """, await LinesAsync(api, "metric_names?batch_size=2"));
        Assert.Equal("""{"results":[{"name":"sort"},{"name":"prom_up"}]}""", await FirstAsync(api, "metric_names?sort_by=alpha&sort_dir=dsc&limit=2"));
        Assert.EndsWith("""{"status":"success","has_more":true}""" + "\n", await LinesAsync(api, "metric_names?limit=2"), StringComparison.Ordinal);
        Assert.Equal("""{"results":[{"name":"prom_http_total"}]}""", await FirstAsync(api, "metric_names?search[]=ht"));
        Assert.Equal("""{"results":[]}""", await FirstAsync(api, "metric_names?search[]=HT"));
        Assert.Equal("""{"results":[{"name":"prom_http_total"}]}""", await FirstAsync(api, "metric_names?search[]=HT&case_sensitive=false"));
        Assert.Equal("""{"results":[{"name":"prom_up","type":"gauge","help":"Whether it is up.","unit":""}]}""", await FirstAsync(api, "metric_names?search[]=up&include_metadata=true"));
        Assert.Equal("""{"results":[{"name":"prom_up"}]}""", await FirstAsync(api, "metric_names?match[]={job=\"b\"}"));
        Assert.Equal("""{"results":[{"name":"job"}]}""", await FirstAsync(api, "label_names?search[]=jo"));
        Assert.Equal("""{"results":[{"name":"a"},{"name":"b"}]}""", await FirstAsync(api, "label_values?label=job"));
        // Only the last hour is looked at unless the request says otherwise.
        Assert.Equal("""{"results":[{"name":"old"}]}""", await FirstAsync(api, "metric_names?search[]=old&start=0"));
        Assert.Equal("""{"results":[]}""", await FirstAsync(api, "metric_names?search[]=old"));
    }

    [Fact]
    public async Task Better_names_come_first_and_worse_than_the_threshold_do_not_come()
    {
        await using var api = await StartAsync();
        // A beginning is as good as the whole; of sort, "rt" is one run of 2 after 2 of 4 characters: (4 - 2/4) / 4.
        Assert.Equal("""{"results":[{"name":"sort","score":0.875}]}""", await FirstAsync(api, "metric_names?search[]=rt&include_score=true&fuzz_threshold=87"));
        Assert.Equal("""{"results":[]}""", await FirstAsync(api, "metric_names?search[]=rt&fuzz_threshold=88"));
        Assert.Equal("""{"results":[{"name":"sort","score":1},{"name":"prom_up","score":0.9}]}""", await FirstAsync(api, "metric_names?search[]=so&search[]=_up&include_score=true&sort_by=score&fuzz_alg=jarowinkler"));
        Assert.Equal("""{"results":[]}""", await FirstAsync(api, "metric_names?search[]=sotr&fuzz_alg=jarowinkler"));
        Assert.Equal("""{"results":[{"name":"sort"}]}""", await FirstAsync(api, "metric_names?search[]=sotr&fuzz_alg=jarowinkler&fuzz_threshold=90"));
    }

    [Theory]
    [InlineData("martha", "marhta", 0.9611)]
    [InlineData("dixon", "dicksonx", 0.8133)]
    [InlineData("a", "b", 0)]
    [InlineData("köln", "köln", 1)]
    public void Jaro_Winkler_is_as_published(string one, string other, double score)
    {
        Assert.Equal(score, NameScores.JaroWinkler(Runes(one), Runes(other)), 4);
        Assert.Equal(score, NameScores.JaroWinkler(Runes(other), Runes(one)), 4);
    }

    [Theory]
    [InlineData("metric_names?fuzz_threshold=101", "must be 0-100")]
    [InlineData("metric_names?fuzz_alg=soundex", "unsupported fuzz_alg")]
    [InlineData("metric_names?sort_by=size", "invalid sort_by")]
    [InlineData("metric_names?sort_dir=asc", "sort_dir is only valid when sort_by is set")]
    [InlineData("metric_names?sort_by=score", "requires search[]")]
    [InlineData("metric_names?limit=-1", "invalid limit")]
    [InlineData("label_values", "missing required parameter")]
    public async Task Parameters_without_sense_are_refused(string request, string message)
    {
        await using var api = await StartAsync();
        Assert.Contains(message, await api.TextAsync("/api/v1/search/" + request, 400), StringComparison.Ordinal);
    }

    private static int[] Runes(string text) => [.. text.EnumerateRunes().Select(r => r.Value)];

    private static async Task<string> FirstAsync(QueryApi api, string request) => (await LinesAsync(api, request)).Split('\n')[0];

    private static Task<string> LinesAsync(QueryApi api, string request) => api.TextAsync("/api/v1/search/" + request, media: "application/x-ndjson");

    private static async Task<QueryApi> StartAsync()
    {
        var api = await QueryApi.StartAsync();
        foreach (var (name, job, atMs) in ((string, string, long)[])[("prom_http_total", "a", 60_000), ("prom_up", "b", 60_000), ("sort", "a", 60_000), ("old", "a", 7_200_000)])
            api.Store.Add(Labels.Of((Labels.MetricName, name), ("job", job)), QueryApi.NowMs - atMs, 1);
        api.Store.Add(new MetricMetadata("prom_up", MetricType.Gauge, "Whether it is up.", ""));
        return api;
    }
}
