using System.Text.Json.Nodes;

namespace Pharos.Alerting;

/// <summary>Creates and closes an alert for each group; its alias is the hash of the group key.</summary>
internal sealed class OpsgenieNotifier(OpsgenieConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int MessageRunesMax = 130;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string key = (await config.ApiKey!.ReadAsync(cancel)).Trim();
        (string, string) authorization = ("Authorization", $"GenieKey {render.Text(key)}");
        string alias = n.GroupHash, source = render.Text(config.Source);
        if (!n.IsFiring)
            return (await http.PostJsonAsync(n, $"{config.ApiUrl}v2/alerts/{alias}/close?identifierType=alias", Json.Object(("source", source)), cancel, authorization)).ToResult(429);
        string message = Limits.Runes(render.Text(config.Message), MessageRunesMax), description = render.Text(config.Description);
        var create = Create(render, alias, message, description, source);
        var reply = (await http.PostJsonAsync(n, $"{config.ApiUrl}v2/alerts", create, cancel, authorization)).ToResult(429);
        string sent = n.SentBody;
        if (reply.IsDelivered && config.UpdateAlerts)
        {
            string update = $"{config.ApiUrl}v2/alerts/{alias}/";
            reply = (await http.PostJsonAsync(n, $"{update}message?identifierType=alias", Json.Object(("message", message)), cancel, authorization)).ToResult(429);
            if (reply.IsDelivered)
                reply = (await http.PostJsonAsync(n, $"{update}description?identifierType=alias", Json.Object(("description", description)), cancel, authorization)).ToResult(429);
        }
        n.SentBody = sent;
        return reply;
    }

    private JsonObject Create(Rendering render, string alias, string message, string description, string source)
    {
        var details = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in render.Data.CommonLabelSet) details[name] = value;
        foreach (var (name, template) in config.Details) details[name] = render.Text(template);
        var body = Json.Object(("alias", alias), ("message", message));
        body.AddText("description", description);
        body["details"] = Json.Of(details);
        body["source"] = source;
        var responders = new JsonArray();
        foreach (var r in config.Responders) AddResponders(responders, r, render);
        if (responders.Count > 0) body["responders"] = responders;
        string tags = render.Text(config.Tags);
        if (tags.Length > 0) body["tags"] = List(tags);
        body.AddText("note", render.Text(config.Note)).AddText("priority", render.Text(config.Priority)).AddText("entity", render.Text(config.Entity));
        string actions = render.Text(config.Actions);
        if (actions.Length > 0) body["actions"] = List(actions);
        return body;
    }

    private static void AddResponders(JsonArray to, OpsgenieResponder r, Rendering render)
    {
        string id = render.Text(r.Id), name = render.Text(r.Name), user = render.Text(r.Username), type = render.Text(r.Type).ToLowerInvariant();
        // "teams" is a list of team names in one text.
        if (type == "teams")
        {
            foreach (string team in name.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)) to.Add(Json.Object(("name", team), ("type", "team")));
            return;
        }
        if (id.Length + name.Length + user.Length == 0) return;
        var json = new JsonObject();
        json.AddText("id", id).AddText("name", name).AddText("username", user);
        json["type"] = type;
        to.Add(json);
    }

    private static JsonArray List(string text) =>
        Json.Array(text.Split(',', StringSplitOptions.TrimEntries).Select(t => (JsonNode?)t));
}
