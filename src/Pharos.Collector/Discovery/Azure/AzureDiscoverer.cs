using System.Net;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Azure's virtual machines, also those of scale sets, by the private address of their primary interface. Interfaces are asked for one by
/// one, a few at a time.
/// </summary>
internal sealed class AzureDiscoverer : IDiscoverer
{
    private const string ComputeVersion = "api-version=2022-03-01";
    private const string NetworkVersion = "api-version=2021-08-01&$expand=IPConfigurations/PublicIPAddress";
    private const string ScaleSetNetworkVersion = "api-version=2018-10-01&$expand=IPConfigurations/PublicIPAddress";
    private const int AtOnceMax = 10;

    private readonly AzureOptions options;
    private readonly DiscoveryHttp http;
    private readonly DiscoveryHttp own;
    private readonly AzureLogin login;

    public AzureDiscoverer(AzureOptions options, DiscoveryContext context, Func<string, string?>? environment = null)
    {
        this.options = options;
        http = new DiscoveryHttp(context, options.Client, options.RefreshInterval);
        own = new DiscoveryHttp(context, HttpClientOptions.Default, TimeSpan.FromSeconds(10));
        login = new AzureLogin(new AzureIdentity(options.Cloud.Login, options.Cloud.ResourceManager, options.Authentication, options.TenantId, options.ClientId, options.ClientSecret), http, own, context.Time, environment);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string token = await login.TokenAsync(cancel);
        string subscription = $"/subscriptions/{options.SubscriptionId}", group = options.ResourceGroup.Length > 0 ? "/resourceGroups/" + options.ResourceGroup : "";
        string compute = $"{subscription}{group}/providers/Microsoft.Compute/";
        var machines = (await AllAsync($"{compute}virtualMachines", token, cancel)).Select(m => (Machine: m, Set: "")).ToList();
        foreach (var set in await AllAsync($"{compute}virtualMachineScaleSets", token, cancel))
        {
            foreach (var machine in await AllAsync(set.Text("id") + "/virtualMachines", token, cancel)) machines.Add((machine, set.Text("name")));
        }
        using var room = new SemaphoreSlim(AtOnceMax);
        var targets = await Task.WhenAll(machines.Select(async m =>
        {
            await room.WaitAsync(cancel);
            try
            {
                return await TargetAsync(m.Machine, m.Set, token, cancel);
            }
            finally
            {
                room.Release();
            }
        }));
        return targets.OfType<Labels>().ToList();
    }

    public async ValueTask DisposeAsync()
    {
        await http.DisposeAsync();
        await own.DisposeAsync();
    }

    private async Task<List<JsonElement>> AllAsync(string path, string token, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        await foreach (var page in http.PagesAsync($"{options.Cloud.ResourceManager}{path}?{ComputeVersion}", p => p.Text("nextLink"), cancel, ("Authorization", "Bearer " + token))) all.AddRange(page.Items("value"));
        return all;
    }

    /// <summary>Null where the machine has no primary interface with an address.</summary>
    private async Task<Labels?> TargetAsync(JsonElement machine, string set, string token, CancellationToken cancel)
    {
        string id = machine.Text("id");
        var properties = machine.At("properties");
        var labels = new MetaLabels("__meta_azure_")
            .Set("subscription_id", options.SubscriptionId).Set("tenant_id", options.TenantId).Set("machine_id", id)
            .Set("machine_resource_group", Part(id, "resourceGroups")).Set("machine_name", machine.Text("name")).Set("machine_computer_name", properties.Text("osProfile", "computerName"))
            .Set("machine_os_type", properties.Text("storageProfile", "osDisk", "osType")).Set("machine_location", machine.Text("location"))
            .Set("machine_size", properties.Text("hardwareProfile", "vmSize") is { Length: > 0 } size ? size : machine.Text("sku", "name"))
            .Set("machine_scale_set", set).SetEach("machine_tag_", machine.Pairs("tags"));
        foreach (var reference in properties.Items("networkProfile", "networkInterfaces"))
        {
            if (await InterfaceAsync(reference.Text("id"), set.Length > 0, token, cancel) is not { } found || found.At("properties", "virtualMachine").ValueKind != JsonValueKind.Object) continue;
            if (!found.Flag("properties", "primary")) continue;
            foreach (var configuration in found.Items("properties", "ipConfigurations"))
            {
                labels.Set("machine_public_ip", configuration.Text("properties", "publicIPAddress", "properties", "ipAddress"));
                if (configuration.Text("properties", "privateIPAddress") is { Length: > 0 } address) return labels.Set("machine_private_ip", address).At(address, options.Port);
            }
        }
        return null;
    }

    /// <summary>Null where it went away meanwhile.</summary>
    private async Task<JsonElement?> InterfaceAsync(string id, bool ofSet, string token, CancellationToken cancel)
    {
        try
        {
            return await http.GetAsync($"{options.Cloud.ResourceManager}{id}?{(ofSet ? ScaleSetNetworkVersion : NetworkVersion)}", cancel, ("Authorization", "Bearer " + token));
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The part of an id after a name, whose case differs from service to service.</summary>
    private static string Part(string id, string name)
    {
        string[] parts = id.Split('/');
        int at = Array.FindIndex(parts, p => p.Equals(name, StringComparison.OrdinalIgnoreCase));
        return at >= 0 && at + 1 < parts.Length ? parts[at + 1] : "";
    }
}
