using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Cli.Commands;

/// <summary>Asks a running server, or a Prometheus or Loki, over its HTTP API.</summary>
internal static class QueryCommand
{
    private static readonly Option<Uri> Url = new("--url")
    {
        Description = "Address of the server. A path is kept: http://mimir/prometheus works.",
        DefaultValueFactory = _ => new Uri("http://127.0.0.1:3000"),
        CustomParser = ParseUrl,
        Recursive = true,
    };

    private static readonly Option<string?> Tenant = new("--tenant")
    {
        Description = "Tenant to ask for (header X-Scope-OrgID).",
        Recursive = true,
    };

    private static readonly Option<string> Output = new("--output", "-o")
    {
        Description = "text, or json for the server's own answer.",
        DefaultValueFactory = _ => "text",
        Recursive = true,
    };

    public static Command Create()
    {
        Output.AcceptOnlyFromAmong("text", "json");
        return new Command("query", HelpText.WithExamples(
            "Queries metrics and logs of a running server.",
            "pharos query instant 'sum by (job) (rate(http_requests_total[5m]))'",
            "pharos query range 'up' --since 1h --step 1m",
            "pharos query logs '{job=\"checkout\"} |= \"error\"' --limit 20",
            "pharos query logs '{job=\"checkout\"}' --tail --tenant shop"))
        {
            Url, Tenant, Output, Instant(), Range(), Logs(),
        };
    }

    private static Argument<string> Expression(string language) => new("EXPR") { Description = $"The query, in {language}." };

    private static Command Instant()
    {
        var expression = Expression("PromQL");
        var at = new Option<string?>("--time") { Description = "Evaluation time: Unix seconds or RFC 3339. Default: now." };
        var command = new Command("instant", HelpText.WithExamples("One value per series at one moment.", "pharos query instant up"))
        {
            expression, at,
        };
        command.SetAction((parsed, cancel) => AskAsync(parsed, "api/v1/query", cancel,
            ("query", parsed.GetValue(expression)), ("time", parsed.GetValue(at))));
        return command;
    }

    private static Command Range()
    {
        var expression = Expression("PromQL");
        var start = new Option<string?>("--start") { Description = "Start: Unix seconds or RFC 3339. Default: --since before the end." };
        var end = new Option<string?>("--end") { Description = "End: Unix seconds or RFC 3339. Default: now." };
        var since = new Option<string>("--since") { Description = "How far back to look where --start is not given.", DefaultValueFactory = _ => "1h" };
        var step = new Option<string>("--step") { Description = "Distance of the points.", DefaultValueFactory = _ => "1m" };
        var command = new Command("range", HelpText.WithExamples("Values over time.", "pharos query range 'rate(http_requests_total[5m])' --since 6h --step 5m"))
        {
            expression, start, end, since, step,
        };
        command.SetAction((parsed, cancel) =>
        {
            if (!PromDuration.TryParse(parsed.GetValue(since), out var back, out string? error)) return Task.FromResult(Usage.Fail($"--since: {error}", ExitCode.Usage));
            if (!PromDuration.TryParse(parsed.GetValue(step), out _, out error)) return Task.FromResult(Usage.Fail($"--step: {error}", ExitCode.Usage));
            if (!TryTime(parsed.GetValue(end), TimeProvider.System.GetUtcNow(), out var to)) return Task.FromResult(Usage.Fail("--end is neither Unix seconds nor RFC 3339", ExitCode.Usage));
            if (!TryTime(parsed.GetValue(start), to - back, out var from)) return Task.FromResult(Usage.Fail("--start is neither Unix seconds nor RFC 3339", ExitCode.Usage));
            return AskAsync(parsed, "api/v1/query_range", cancel,
                ("query", parsed.GetValue(expression)), ("start", Seconds(from)), ("end", Seconds(to)), ("step", parsed.GetValue(step)));
        });
        return command;
    }

    private static Command Logs()
    {
        var expression = Expression("LogQL");
        var since = new Option<string>("--since") { Description = "How far back to look.", DefaultValueFactory = _ => "1h" };
        var limit = new Option<int>("--limit") { Description = "Lines at most.", DefaultValueFactory = _ => 100 };
        var forward = new Option<bool>("--forward") { Description = "Oldest lines first." };
        var tail = new Option<bool>("--tail") { Description = "Follow new lines until Ctrl-C." };
        var command = new Command("logs", HelpText.WithExamples("Log lines, or a metric over them.", "pharos query logs '{job=\"checkout\"} |= \"panic\"' --since 24h"))
        {
            expression, since, limit, forward, tail,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            if (!PromDuration.TryParse(parsed.GetValue(since), out var back, out string? error)) return Usage.Fail($"--since: {error}", ExitCode.Usage);
            if (parsed.GetValue(tail)) return await TailAsync(parsed, parsed.GetValue(expression)!, parsed.GetValue(limit), cancel);
            var end = TimeProvider.System.GetUtcNow();
            return await AskAsync(parsed, "loki/api/v1/query_range", cancel,
                ("query", parsed.GetValue(expression)), ("start", Seconds(end - back)), ("end", Seconds(end)),
                ("limit", parsed.GetValue(limit).ToString()), ("direction", parsed.GetValue(forward) ? "forward" : "backward"));
        });
        return command;
    }

    private static string Seconds(DateTimeOffset time) => (time.ToUnixTimeMilliseconds() / 1000.0).ToString("0.000");

    private static bool TryTime(string? text, DateTimeOffset otherwise, out DateTimeOffset time)
    {
        time = otherwise;
        if (text is null) return true;
        if (double.TryParse(text, out double seconds))
        {
            time = DateTimeOffset.UnixEpoch.AddSeconds(seconds);
            return true;
        }
        return DateTimeOffset.TryParse(text, null, System.Globalization.DateTimeStyles.AssumeUniversal, out time);
    }

    private static Uri Address(ParseResult parsed, string path)
    {
        var root = parsed.GetValue(Url)!;
        return new Uri(root.AbsoluteUri.TrimEnd('/') + "/" + path);
    }

    private static Uri? ParseUrl(ArgumentResult given)
    {
        if (Uri.TryCreate(given.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
        given.AddError($"--url must start with http:// or https://, not {given.Tokens[0].Value}");
        return null;
    }

    private static async Task<int> AskAsync(ParseResult parsed, string path, CancellationToken cancel, params (string Key, string? Value)[] parameters)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, Address(parsed, path))
        {
            Content = new FormUrlEncodedContent(parameters.Where(p => p.Value is not null).Select(p => KeyValuePair.Create(p.Key, p.Value!))),
        };
        if (parsed.GetValue(Tenant) is { } tenant) request.Headers.Add("X-Scope-OrgID", tenant);
        try
        {
            using var response = await http.SendAsync(request, cancel);
            string body = await response.Content.ReadAsStringAsync(cancel);
            if (!response.IsSuccessStatusCode) return Usage.Fail(ErrorText(body, (int)response.StatusCode));
            if (parsed.GetValue(Output) == "json") Console.WriteLine(body.TrimEnd());
            else Print(JsonDocument.Parse(body).RootElement);
            return ExitCode.Done;
        }
        catch (HttpRequestException e)
        {
            return Usage.Fail($"cannot reach {request.RequestUri!.GetLeftPart(UriPartial.Authority)}: {e.Message}; is the server running, and is --url right?");
        }
    }

    private static string ErrorText(string body, int status)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.TryGetProperty("error", out var error)) return error.GetString() ?? body;
        }
        catch (JsonException)
        {
            // Plain text: the answer is the message.
        }
        return $"{body.Trim()} (HTTP {status})";
    }

    private static void Print(JsonElement answer)
    {
        if (answer.TryGetProperty("warnings", out var warnings))
        {
            foreach (var warning in warnings.EnumerateArray()) Console.Error.WriteLine($"warning: {warning.GetString()}");
        }
        var data = answer.GetProperty("data");
        var result = data.GetProperty("result");
        switch (data.GetProperty("resultType").GetString())
        {
            case "vector":
                foreach (var sample in result.EnumerateArray())
                {
                    string value = sample.TryGetProperty("value", out var point) ? Point(point) : Point(sample.GetProperty("histogram"));
                    Console.WriteLine($"{Series(sample.GetProperty("metric"))} => {value}");
                }
                break;
            case "matrix":
                foreach (var series in result.EnumerateArray())
                {
                    Console.WriteLine($"{Series(series.GetProperty("metric"))} =>");
                    foreach (var point in series.TryGetProperty("values", out var values) ? values.EnumerateArray() : series.GetProperty("histograms").EnumerateArray())
                        Console.WriteLine(Point(point));
                }
                break;
            case "streams":
                PrintLines(result);
                break;
            default:
                Console.WriteLine(Point(result));
                break;
        }
    }

    private static void PrintLines(JsonElement streams)
    {
        foreach (var stream in streams.EnumerateArray())
        {
            string labels = Series(stream.GetProperty("stream"));
            foreach (var entry in stream.GetProperty("values").EnumerateArray())
            {
                var at = UnixTime.FromNs(long.Parse(entry[0].GetString()!));
                Console.WriteLine($"{at:yyyy-MM-ddTHH:mm:ss.fffZ} {labels} {entry[1].GetString()}");
            }
        }
    }

    private static string Point(JsonElement point)
    {
        string value = point[1].ValueKind == JsonValueKind.String ? point[1].GetString()! : point[1].GetRawText();
        return $"{value} @[{point[0].GetRawText()}]";
    }

    private static string Series(JsonElement labels)
    {
        var builder = new LabelsBuilder();
        foreach (var label in labels.EnumerateObject()) builder.Set(label.Name, label.Value.GetString()!);
        string name = builder.Get(Labels.MetricName);
        string rest = builder.Remove(Labels.MetricName).ToLabels().ToString();
        return name.Length > 0 ? rest == "{}" ? name : name + rest : rest;
    }

    private static async Task<int> TailAsync(ParseResult parsed, string expression, int limit, CancellationToken cancel)
    {
        var address = new UriBuilder(Address(parsed, "loki/api/v1/tail"));
        address.Scheme = address.Scheme == "https" ? "wss" : "ws";
        address.Query = $"query={Uri.EscapeDataString(expression)}&limit={limit}";
        using var socket = new ClientWebSocket();
        if (parsed.GetValue(Tenant) is { } tenant) socket.Options.SetRequestHeader("X-Scope-OrgID", tenant);
        try
        {
            await socket.ConnectAsync(address.Uri, cancel);
            var buffer = new byte[64 * 1024];
            using var message = new MemoryStream();
            while (socket.State == WebSocketState.Open)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(), cancel);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return socket.CloseStatus == WebSocketCloseStatus.NormalClosure
                        ? ExitCode.Done
                        : Usage.Fail($"the server ended the stream: {socket.CloseStatusDescription}");
                }
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage) continue;
                string text = Encoding.UTF8.GetString(message.GetBuffer(), 0, (int)message.Length);
                message.SetLength(0);
                if (parsed.GetValue(Output) == "json") Console.WriteLine(text);
                else PrintLines(JsonDocument.Parse(text).RootElement.GetProperty("streams"));
            }
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Done;
        }
        catch (WebSocketException e)
        {
            return Usage.Fail($"cannot follow {address.Uri.GetLeftPart(UriPartial.Authority)}: {e.Message}");
        }
    }
}
