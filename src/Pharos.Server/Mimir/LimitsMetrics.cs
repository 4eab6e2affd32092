using System.Globalization;
using Pharos.Core;
using Pharos.Server.Configuration;

namespace Pharos.Server.Mimir;

/// <summary>Limits as metrics, by the names of Mimir's overrides-exporter: the defaults, and what single tenants have instead.</summary>
internal sealed class LimitsMetrics
{
    private readonly TenantOverrides limits;
    private readonly Gauge defaults;
    private readonly Gauge overrides;
    private readonly HashSet<TenantId> shown = [];

    public LimitsMetrics(TenantOverrides limits, Instruments instruments)
    {
        this.limits = limits;
        defaults = instruments.Gauge("cortex_limits_defaults", "Resource limit defaults for tenants without overrides", "limit_name");
        overrides = instruments.Gauge("cortex_limits_overrides", "Resource limit overrides applied to tenants", "limit_name", "user");
        instruments.BeforeRead(Update);
    }

    private void Update()
    {
        lock (shown)
        {
            var tenants = limits.Config.Overrides.Keys.Concat(limits.Runtime.Keys).ToHashSet();
            foreach (var setting in LimitSettings.Told)
            {
                defaults.With(setting.Name).Set(Number(setting, limits.Config.Limits));
                foreach (var tenant in tenants) overrides.With(setting.Name, tenant.Name).Set(Number(setting, limits.For(tenant)));
                foreach (var gone in shown.Except(tenants)) overrides.Remove(setting.Name, gone.Name);
            }
            shown.Clear();
            shown.UnionWith(tenants);
        }
    }

    private static double Number(LimitSetting setting, TenantLimits of) => double.Parse(setting.ValueText(of), CultureInfo.InvariantCulture);
}
