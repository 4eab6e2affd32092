namespace Pharos.PromQL.Tests.Syntax;

public sealed class FormatTests
{
    [Theory]
    [InlineData("sum(rate(x{a=\"b\",c!~\"d.*\"}[5m])) by(job,instance)", "sum by (job, instance) (rate(x{a=\"b\",c!~\"d.*\"}[5m]))")]
    [InlineData("a/on(b)group_left(c)d", "a / on (b) group_left (c) d")]
    [InlineData("{\"http.requests\",\"service.name\"='x'}", "{\"http.requests\",\"service.name\"=\"x\"}")]
    [InlineData("x offset -5m @ 1.5", "x @ 1.500 offset -5m")]
    [InlineData("x[5m:] @ end()", "x[5m:] @ end()")]
    [InlineData("sum without()(x)", "sum without () (x)")]
    [InlineData("-1^2", "-1 ^ 2")]
    [InlineData("1000000 + 0x10 + 1e-7 + Inf", "1e+06 + 16 + 1e-07 + +Inf")]
    [InlineData("topk(5,x)>bool 3", "topk(5, x) > bool 3")]
    [InlineData("'it\\'s'", "\"it's\"")]
    [InlineData("foo[30m:5m] offset 1h", "foo[30m:5m] offset 1h")]
    public void Short_queries_stay_on_one_line(string query, string formatted) => Assert.Equal(formatted, PromQlLanguage.Format(query));

    [Fact]
    public void Long_queries_are_split_as_prometheus_splits_them() => Assert.Equal(
        """
          sum by (job) (rate(http_requests_total{code=~"5..",namespace="production"}[5m]))
        /
          sum by (job) (rate(http_requests_total{namespace="production"}[5m]))
        """,
        PromQlLanguage.Format(
            "sum(rate(http_requests_total{code=~\"5..\",namespace=\"production\"}[5m])) by (job) / sum(rate(http_requests_total{namespace=\"production\"}[5m])) by (job)"));

    [Fact]
    public void Calls_and_aggregations_nest() => Assert.Equal(
        """
        histogram_quantile(
          0.99,
          sum by (le, job) (
            rate(http_request_duration_seconds_bucket{namespace="production",service="checkout"}[5m])
          )
        )
        """,
        PromQlLanguage.Format(
            "histogram_quantile(0.99,sum by(le,job)(rate(http_request_duration_seconds_bucket{namespace=\"production\",service=\"checkout\"}[5m])))"));
}
