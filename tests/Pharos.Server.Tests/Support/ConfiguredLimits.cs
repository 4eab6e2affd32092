using Pharos.Core;
using Pharos.Server.Configuration;

namespace Pharos.Server.Tests.Support;

/// <summary>Limits of a configuration that a test may change.</summary>
internal sealed class ConfiguredLimits : ITenantLimits
{
    public ServerConfig Config { get; set; } = new();

    public TenantLimits For(TenantId tenant) => Config.LimitsOf(tenant);
}
