using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Server.Hosting;

/// <summary><c>/metrics</c>, <c>/-/ready</c>, <c>/-/healthy</c>, and <c>/ready</c> as Mimir and Loki have it.</summary>
internal static class OperationsRoutes
{
    public static void Map(IEndpointRouteBuilder routes, Instruments instruments)
    {
        string[] reading = [HttpMethods.Get, HttpMethods.Head];
        routes.MapMethods("/-/ready", reading, http => http.Response.WriteAsync("Pharos is Ready.\n"));
        routes.MapMethods("/ready", reading, http => http.Response.WriteAsync("ready\n"));
        routes.MapMethods("/-/healthy", reading, http => http.Response.WriteAsync("Pharos is Healthy.\n"));
        routes.MapGet("/metrics", async http =>
        {
            var format = ExpositionWriter.Choose(http.Request.Headers.Accept);
            http.Response.ContentType = ExpositionWriter.ContentType(format);
            ExpositionWriter.Write(instruments.Read(), http.Response.BodyWriter, format);
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        });
    }
}

/// <summary>The version of this build.</summary>
internal static class ProductVersion
{
    public static string Text { get; } = typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
