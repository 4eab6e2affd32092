using Microsoft.AspNetCore.Http;
using Pharos.Core;

namespace Pharos.Server.Http;

/// <summary>The tenant of a request, as the tenancy middleware resolved it from <c>X-Scope-OrgID</c>.</summary>
internal static class RequestTenant
{
    public const string Header = "X-Scope-OrgID";

    private static readonly object Key = new();

    /// <summary>The tenant; <c>anonymous</c> where multi-tenancy is off.</summary>
    public static TenantId Tenant(this HttpContext http) =>
        http.Items.TryGetValue(Key, out object? tenant) ? (TenantId)tenant! : TenantId.Anonymous;

    public static void SetTenant(this HttpContext http, TenantId tenant) => http.Items[Key] = tenant;
}
