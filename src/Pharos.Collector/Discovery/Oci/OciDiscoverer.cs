using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// The instances in compartments of Oracle Cloud, by the private address of their primary interface. Requests are signed with the user's
/// key, as HTTP signatures with RSA and SHA-256.
/// </summary>
internal sealed class OciDiscoverer : IDiscoverer
{
    private readonly OciOptions options;
    private readonly TimeProvider time;
    private readonly DiscoveryHttp http;
    private readonly RSA key = RSA.Create();

    public OciDiscoverer(OciOptions options, DiscoveryContext context)
    {
        this.options = options;
        time = context.Time;
        http = new DiscoveryHttp(context, options.Client, options.RefreshInterval);
        string pem = File.ReadAllText(options.KeyFile);
        if (options.KeyPassphrase.Length > 0 && pem.Contains("ENCRYPTED", StringComparison.Ordinal)) key.ImportFromEncryptedPem(pem, options.KeyPassphrase);
        else key.ImportFromPem(pem);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var targets = new List<Labels>();
        foreach (string compartment in options.Compartments)
        {
            string of = "compartmentId=" + Uri.EscapeDataString(compartment);
            var attachments = (await AllAsync($"/20160918/vnicAttachments?{of}", cancel)).Where(a => a.Text("lifecycleState") is "ATTACHED" or "").ToLookup(a => a.Text("instanceId"), a => a.Text("vnicId"));
            foreach (var instance in await AllAsync($"/20160918/instances?{of}", cancel))
            {
                foreach (string id in attachments[instance.Text("id")])
                {
                    var (card, _) = await GetAsync("/20160918/vnics/" + Uri.EscapeDataString(id), cancel);
                    if (!card.Flag("isPrimary") || card.Text("privateIp").Length == 0) continue;
                    targets.Add(Target(instance, card));
                    break;
                }
            }
        }
        return targets;
    }

    public async ValueTask DisposeAsync()
    {
        await http.DisposeAsync();
        key.Dispose();
    }

    private async Task<List<JsonElement>> AllAsync(string path, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        string page = "";
        do
        {
            var (body, next) = await GetAsync(path + (page.Length > 0 ? "&page=" + Uri.EscapeDataString(page) : ""), cancel);
            all.AddRange(body.Items());
            page = next;
        }
        while (page.Length > 0);
        return all;
    }

    private async Task<(JsonElement Body, string NextPage)> GetAsync(string path, CancellationToken cancel)
    {
        string host = $"iaas.{options.Region}.oraclecloud.com";
        string date = time.GetUtcNow().ToString("R");
        using var request = DiscoveryHttp.Request(HttpMethod.Get, $"https://{host}{path}", ("Date", date));
        string toSign = $"date: {date}\n(request-target): get {request.RequestUri!.PathAndQuery}\nhost: {host}";
        string signature = Convert.ToBase64String(key.SignData(Encoding.ASCII.GetBytes(toSign), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        request.Headers.TryAddWithoutValidation(
            "Authorization", $"Signature version=\"1\",keyId=\"{options.Tenancy}/{options.User}/{options.Fingerprint}\",algorithm=\"rsa-sha256\",headers=\"date (request-target) host\",signature=\"{signature}\"");
        var (body, headers) = await http.SendForHeadersAsync(request, cancel);
        return (body, headers.TryGetValues("opc-next-page", out var next) ? next.First() : "");
    }

    private Labels Target(JsonElement instance, JsonElement card)
    {
        var labels = new MetaLabels("__meta_oci_")
            .Set("region", options.Region).Set("availability_domain", instance.Text("availabilityDomain")).Set("fault_domain", instance.Text("faultDomain"))
            .Set("compartment_id", instance.Text("compartmentId")).Set("instance_id", instance.Text("id")).Set("instance_name", instance.Text("displayName"))
            .Set("instance_state", instance.Text("lifecycleState")).Set("shape", instance.Text("shape")).Set("image_id", instance.Text("imageId"))
            .Set("private_ip", card.Text("privateIp")).Set("public_ip", card.Text("publicIp")).Set("subnet_id", card.Text("subnetId")).Set("hostname", card.Text("hostnameLabel"))
            .SetEach("freeform_tag_", instance.Pairs("freeformTags"));
        foreach (var space in instance.Members("definedTags")) labels.SetEach($"defined_tag_{MetaLabels.Sanitize(space.Name)}_", space.Value.Pairs());
        return labels.At(card.Text("privateIp"), options.Port);
    }
}
