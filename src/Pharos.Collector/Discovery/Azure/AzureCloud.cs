namespace Pharos.Collector.Discovery;

/// <summary>Where one of Azure's clouds has its resource manager and its login.</summary>
internal sealed record AzureCloud(string ResourceManager, string Login)
{
    public static AzureCloud Public { get; } = new("https://management.azure.com", "https://login.microsoftonline.com");

    /// <summary>Null for unknown names.</summary>
    public static AzureCloud? Find(string name) => name.ToUpperInvariant() switch
    {
        "" or "AZURECLOUD" or "AZUREPUBLICCLOUD" => Public,
        "AZURECHINACLOUD" => new AzureCloud("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
        "AZUREUSGOVERNMENT" or "AZUREUSGOVERNMENTCLOUD" => new AzureCloud("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
        _ => null,
    };
}
