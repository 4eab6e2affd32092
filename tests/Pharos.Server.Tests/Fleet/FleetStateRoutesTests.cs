using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Fleet;
using Pharos.Server.Fleet;
using Pharos.Server.Http;
using Pharos.Storage.Catalogue;

namespace Pharos.Server.Tests.Fleet;

public sealed class FleetStateRoutesTests
{
    [Fact]
    public async Task A_collector_is_listed_with_health_last_poll_and_pipelines_to_its_own_tenant_only()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var folder = Places.NewFolder();
        var time = new ManualTimeProvider();
        await using var catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), time);
        var collectors = new CollectorRegistry(catalogue, time);
        collectors.GetConfig(TenantId.Parse("team"), new ConfigRequest("edge-1", "", new Dictionary<string, string>(), null, null));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.UseTenancy(multitenancy: true);
        app.UseRouting();
        FleetStateRoutes.Map(app, collectors);
        await app.StartAsync(cancel);

        string own = await AskAsync(app, "team");
        string other = await AskAsync(app, "other");

        Assert.Matches("""^\[\{"id":"edge-1","health":"healthy","lastSeenAt":"[^"]+","pipelines":\[\],"servedHash":"[^"]*","configStatus":"unset","configMessage":""\}\]$""", own);
        Assert.Equal("[]", other);
    }

    private static async Task<string> AskAsync(WebApplication app, string tenant)
    {
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        http.DefaultRequestHeaders.Add("X-Scope-OrgID", tenant);
        return await http.GetStringAsync(new Uri("/api/pharos/v1/collectors", UriKind.Relative), TestContext.Current.CancellationToken);
    }
}
