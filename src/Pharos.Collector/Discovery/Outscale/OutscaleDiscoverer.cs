using System.Text.Json;
using Pharos.Collector.Http;
using Pharos.Core;
using Pharos.Wire.Signing;

namespace Pharos.Collector.Discovery;

/// <summary>Outscale's virtual machines, by their private address or else their public one.</summary>
internal sealed class OutscaleDiscoverer(OutscaleOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);
    private readonly SignatureV4 signature = new(options.Region, "api", "OSC");

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string secret = options.SecretKeyFile.Length > 0 ? (await File.ReadAllTextAsync(options.SecretKeyFile, cancel)).Trim() : options.SecretKey;
        var credentials = new AwsCredentials(options.AccessKey, secret);
        var targets = new List<Labels>();
        string next = "";
        do
        {
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(next.Length > 0 ? new Dictionary<string, string> { ["NextPageToken"] = next } : []);
            using var request = DiscoveryHttp.Request(HttpMethod.Post, options.Endpoint + "/ReadVms");
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            signature.Sign(request, body, credentials, context.Time.GetUtcNow());
            var page = await http.SendAsync(request, cancel);
            targets.AddRange(page.Items("Vms").Select(Target).OfType<Labels>());
            next = page.Text("NextPageToken");
        }
        while (next.Length > 0);
        return targets;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels? Target(JsonElement machine)
    {
        string own = machine.Text("PrivateIp"), open = machine.Text("PublicIp"), address = own.Length > 0 ? own : open;
        if (address.Length == 0) return null;
        return new MetaLabels("__meta_outscale_vm_")
            .Set("instance_id", machine.Text("VmId")).Set("region", options.Region).Set("subregion", machine.Text("Placement", "SubregionName")).Set("state", machine.Text("State"))
            .Set("private_ip", own).Set("public_ip", open).SetEach("tag_", machine.Items("Tags").Where(t => t.Text("Key").Length > 0).Select(t => (t.Text("Key"), t.Text("Value"))))
            .At(address, options.Port);
    }
}
