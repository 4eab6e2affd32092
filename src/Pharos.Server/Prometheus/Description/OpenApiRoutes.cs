using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Prometheus.Description;

/// <summary><c>/api/v1/openapi.yaml</c>: the routes that this process serves below its <c>/api/v1</c>, as OpenAPI.</summary>
internal static class OpenApiRoutes
{
    private const string Root = "/api/v1", Own = "/openapi.yaml";

    public static void Map(IEndpointRouteBuilder routes, PrometheusStatus status) => routes.MapGet(Root + Own, http =>
    {
        // As with Prometheus, a version that is not known gets the usual one.
        string version = http.Request.Query["openapi_version"] == "3.2" ? "3.2.0" : "3.1.0";
        string root = status.ApiRoot ?? PathOf((RouteEndpoint)http.GetEndpoint()!)[..^Own.Length];
        var endpoints = http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();
        using var text = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(Describe(version, status, http.Request.PathBase + root, Paths(endpoints, root)))).Save(text, assignAnchors: false);
        http.Response.ContentType = "application/yaml; charset=utf-8";
        return http.Response.WriteAsync(text.ToString().Replace("...\n", "", StringComparison.Ordinal), http.RequestAborted);
    });

    private static readonly ApiOperation Foreign = new("Not part of Prometheus's API.", null) { Media = null };

    /// <summary>Paths below the root with the methods that are served.</summary>
    private static IEnumerable<(string Path, IEnumerable<string> Methods)> Paths(IEnumerable<RouteEndpoint> endpoints, string root) =>
        from endpoint in endpoints
        let path = PathOf(endpoint)
        where path.StartsWith(root + "/", StringComparison.Ordinal) && !path.Contains("{**", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        group method.ToLowerInvariant() by path[root.Length..] into methods
        orderby methods.Key
        select (methods.Key, methods.Distinct().Order(StringComparer.Ordinal).AsEnumerable());

    private static string PathOf(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText?.TrimStart('/');

    private static YamlMappingNode Describe(string version, PrometheusStatus status, string url, IEnumerable<(string Path, IEnumerable<string> Methods)> paths)
    {
        var described = new YamlMappingNode();
        foreach (var (path, methods) in paths)
        {
            var operations = new YamlMappingNode();
            foreach (string method in methods) operations.Add(method, Operation(path, method, ApiOperations.ByPath.GetValueOrDefault(path, Foreign)));
            described.Add(path, operations);
        }
        return Map(
            ("openapi", Text(version)),
            ("info", Map(("title", status.Application + ": the Prometheus API"), ("version", Text(status.Version)))),
            ("servers", new YamlSequenceNode(Map(("url", url)))),
            ("paths", described),
            ("components", Map(("schemas", Schemas()))));
    }

    /// <summary>Every shape by its name, and the error.</summary>
    private static YamlMappingNode Schemas()
    {
        var schemas = Map(("Error", Error()));
        foreach (var (name, shape) in ApiShapes.ByName) schemas.Add(name, ShapeNotation.Schema(shape));
        return schemas;
    }

    private static YamlMappingNode Operation(string path, string method, ApiOperation operation)
    {
        var found = Map(("operationId", method + path.Replace("/", "-", StringComparison.Ordinal).Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal)), ("summary", operation.About));
        // Only the query's POST takes a form; the admin paths read their URL as well.
        bool form = method == "post" && operation.Body is null && operation.Parameters.Length > 0 && !path.StartsWith("/admin/", StringComparison.Ordinal);
        var outside = operation.Parameters.Where(p => !form || InPath(path, p)).Select(p => Parameter(path, p)).ToList();
        if (outside.Count > 0) found.Add("parameters", new YamlSequenceNode(outside));
        if (form) found.Add("requestBody", Form(operation.Parameters.Where(p => !InPath(path, p)).ToList()));
        else if (operation.Body is { } body) found.Add("requestBody", Map(("required", "true"), ("content", Map((body, new YamlMappingNode())))));
        var success = Map(("description", operation.About));
        if (operation.Media is { } media) success.Add("content", Map((media, media == "application/json" ? Map(("schema", Envelope(operation.Data))) : new YamlMappingNode())));
        found.Add("responses", Map(
            (operation.Status.ToString(CultureInfo.InvariantCulture), success),
            ("default", Map(("description", "What is wrong."), ("content", Map(("application/json", Map(("schema", Map(("$ref", "#/components/schemas/Error")))))))))));
        return found;
    }

    private static bool InPath(string path, ApiParameter parameter) => path.Contains($"{{{parameter.Name}}}", StringComparison.Ordinal);

    private static YamlMappingNode Parameter(string path, ApiParameter parameter)
    {
        var node = Map(("name", parameter.Name), ("in", InPath(path, parameter) ? "path" : "query"), ("description", parameter.About));
        if (parameter.Required) node.Add("required", "true");
        node.Add("schema", Schema(parameter));
        return node;
    }

    private static YamlMappingNode Form(List<ApiParameter> parameters)
    {
        var properties = new YamlMappingNode();
        foreach (var parameter in parameters)
        {
            var schema = Schema(parameter);
            schema.Add("description", parameter.About);
            properties.Add(parameter.Name, schema);
        }
        var whole = Map(("type", "object"), ("properties", properties));
        var required = parameters.Where(p => p.Required).Select(p => p.Name).ToList();
        if (required.Count > 0) whole.Add("required", List(required));
        return Map(("content", Map(("application/x-www-form-urlencoded", Map(("schema", whole))))));
    }

    private static YamlMappingNode Schema(ApiParameter parameter) =>
        parameter.Name.EndsWith("[]", StringComparison.Ordinal) ? Map(("type", "array"), ("items", Map(("type", parameter.Type)))) : Map(("type", parameter.Type));

    private static YamlMappingNode Envelope(string? data) => Map(
        ("type", "object"), ("required", List(["status", "data"])),
        ("properties", Map(
            ("status", Map(("type", "string"), ("enum", List(["success"])))), ("data", data is null ? new YamlMappingNode() : ShapeNotation.Schema(data)),
            ("warnings", Strings()), ("infos", Strings()))),
        ("additionalProperties", "false"));

    private static YamlMappingNode Error() => Map(
        ("type", "object"), ("required", List(["status", "errorType", "error"])),
        ("properties", Map(
            ("status", Map(("type", "string"), ("enum", List(["error"])))), ("errorType", Map(("type", "string"))), ("error", Map(("type", "string"))),
            ("warnings", Strings()), ("infos", Strings()))));

    private static YamlMappingNode Strings() => Map(("type", "array"), ("items", Map(("type", "string"))));

    private static YamlSequenceNode List(IEnumerable<string> values) => new(values.Select(v => new YamlScalarNode(v)));

    /// <summary>A scalar that stays a string whatever it looks like.</summary>
    private static YamlScalarNode Text(string value) => new(value) { Style = YamlDotNet.Core.ScalarStyle.DoubleQuoted };

    private static YamlMappingNode Map(params (string Name, YamlNode Value)[] members)
    {
        var node = new YamlMappingNode();
        foreach (var (name, value) in members) node.Add(name, value);
        return node;
    }
}
