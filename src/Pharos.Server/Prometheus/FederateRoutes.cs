using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Server.Http;
using Pharos.Wire.Exposition;

namespace Pharos.Server.Prometheus;

/// <summary><c>/federate?match[]=…</c>: the newest sample of each matching series, for another Prometheus to scrape.</summary>
internal static class FederateRoutes
{
    public static void Map(IEndpointRouteBuilder routes, PromQlEngine engine, TimeProvider time, Func<Labels> externalLabels) =>
        routes.MapGet("/federate", async http =>
        {
            var newest = new SortedDictionary<Labels, VectorSample>();
            try
            {
                foreach (string? selector in http.Request.Query["match[]"])
                {
                    var result = await engine.InstantAsync(http.Tenant(), selector ?? "", time.UnixMs(), cancel: http.RequestAborted);
                    foreach (var sample in result.Vector.Where(s => s.Histogram is null)) newest[sample.Labels] = sample;
                }
            }
            catch (QueryException e)
            {
                http.Response.StatusCode = e.Kind == QueryErrorKind.BadData ? 400 : 500;
                await http.Response.WriteAsync(e.Message + "\n");
                return;
            }
            http.Response.ContentType = ExpositionWriter.TextContentType;
            var text = new ExpositionText(http.Response.BodyWriter, ExpositionFormat.Text);
            string family = "";
            foreach (var (labels, sample) in newest)
            {
                if (labels.Name != family)
                {
                    family = labels.Name;
                    text.Type(Encoding.UTF8.GetBytes(family), MetricType.Unknown);
                }
                var builder = new LabelsBuilder(labels);
                foreach (var (name, value) in externalLabels())
                {
                    if (builder.Get(name).Length == 0) builder.Set(name, value);
                }
                text.Sample(builder.ToLabels().Encoded, sample.Value, sample.TimestampMs);
            }
            text.End();
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        });
}
