namespace Pharos.Server.Tests.Mimir;

/// <summary>Pairs of senders: one replica is taken, the other answered 202, and takes over after 30 s of silence.</summary>
public sealed class HaTests
{
    private const string Config = """
        multitenancy_enabled: true
        overrides:
          shop: {accept_ha_samples: true, ha_max_clusters: 2}
          own: {accept_ha_samples: true, ha_cluster_label: site, ha_replica_label: twin}
        """;

    [Fact]
    public async Task Only_the_elected_replica_is_taken_until_it_is_silent()
    {
        await using var api = await TenantApi.StartAsync(Config);
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, Series("eu", "a", "1"), Series("eu", "a", "2"))).Status);
        var (status, text, _) = await api.PushAsync("shop", api.Now, Series("eu", "b", "1"), Series("eu", "b", "2"));
        Assert.Equal(202, status);
        Assert.Equal("replica \"b\" of cluster \"eu\" is not the elected one; its samples are there already (2 samples)", text);
        Assert.Equal(2, await api.MetricAsync("cortex_distributor_deduped_samples_total{cluster=\"eu\",user=\"shop\"}"));
        Assert.Equal(["{__name__=\"up\", cluster=\"eu\", instance=\"1\"}", "{__name__=\"up\", cluster=\"eu\", instance=\"2\"}"], await api.SeriesAsync("up", "shop"));

        api.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(202, (await api.PushAsync("shop", api.Now, Series("eu", "b", "1"))).Status);
        api.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, Series("eu", "b", "1"))).Status);
        Assert.Equal(202, (await api.PushAsync("shop", api.Now, Series("eu", "a", "1"))).Status);
        Assert.Equal(2, await api.MetricAsync("cortex_ha_tracker_elected_replica_changes_total{cluster=\"eu\",user=\"shop\"}"));
        Assert.Contains("{\"userID\":\"shop\",\"cluster\":\"eu\",\"replica\":\"b\"", await api.GetAsync("/distributor/ha_tracker"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_election_outlives_a_restart()
    {
        await using var api = await TenantApi.StartAsync(Config);
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, Series("eu", "a", "1"))).Status);
        await api.RestartAsync();
        Assert.Equal(202, (await api.PushAsync("shop", api.Now, Series("eu", "b", "1"))).Status);
        Assert.Equal(204, (await api.PushAsync("shop", api.Now + 1, Series("eu", "a", "1"))).Status);
    }

    [Fact]
    public async Task More_clusters_than_allowed_are_refused_until_one_falls_silent()
    {
        await using var api = await TenantApi.StartAsync(Config);
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, Series("eu", "a", "1"))).Status);
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, Series("us", "a", "1"))).Status);
        var (status, text, _) = await api.PushAsync("shop", api.Now, Series("asia", "a", "1"));
        Assert.Equal(400, status);
        Assert.Equal(
            "the write request has been rejected because the maximum number of high-availability (HA) clusters has been reached for this tenant (limit: 2) "
            + "(err-mimir-tenant-too-many-ha-clusters). To adjust the related limit, set ha_max_clusters", text);
        Assert.Equal(1, await api.MetricAsync("cortex_discarded_samples_total{reason=\"too_many_ha_clusters\",user=\"shop\"}"));
        api.Time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, Series("asia", "a", "1"))).Status);
    }

    [Fact]
    public async Task Labels_are_the_tenants_own_and_series_without_them_are_taken()
    {
        await using var api = await TenantApi.StartAsync(Config);
        Assert.Equal(204, (await api.PushAsync("own", api.Now, "up{site=\"x\", twin=\"1\"}")).Status);
        Assert.Equal(202, (await api.PushAsync("own", api.Now, "up{site=\"x\", twin=\"2\"}")).Status);
        Assert.Equal(204, (await api.PushAsync("own", api.Now, "up{twin=\"2\"}")).Status);
        Assert.Equal(["{__name__=\"up\", site=\"x\"}", "{__name__=\"up\", twin=\"2\"}"], await api.SeriesAsync("up", "own"));
        Assert.Equal(1, await api.MetricAsync("cortex_distributor_non_ha_samples_received_total{user=\"own\"}"));
        // Other tenants' replicas are ordinary labels.
        Assert.Equal(204, (await api.PushAsync("other", api.Now, Series("eu", "a", "1"), Series("eu", "b", "1"))).Status);
        Assert.Equal(2, (await api.SeriesAsync("up", "other")).Length);
    }

    private static string Series(string cluster, string replica, string instance) => $"up{{cluster=\"{cluster}\", __replica__=\"{replica}\", instance=\"{instance}\"}}";
}
