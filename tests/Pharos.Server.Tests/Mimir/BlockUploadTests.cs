using System.Text.Json.Nodes;
using Pharos.Metrics.Tools;

namespace Pharos.Server.Tests.Mimir;

/// <summary>Blocks that a tenant uploads: verified, then part of its answers and of nobody else's.</summary>
public sealed class BlockUploadTests
{
    private const string Config = """
        multitenancy_enabled: true
        limits: {compactor_block_upload_enabled: true}
        overrides:
          off: {compactor_block_upload_enabled: false}
          small: {compactor_block_upload_max_block_size_bytes: 10}
          short: {compactor_blocks_retention_period: 1h}
        """;

    [Fact]
    public async Task An_uploaded_block_is_verified_and_answers_queries_of_its_tenant()
    {
        await using var api = await TenantApi.StartAsync(Config);
        using var made = Places.NewFolder();
        var (id, folder, meta) = Make(api, made);
        string path = "/api/v1/upload/block/" + id;
        Assert.Equal(404, (await api.SendAsync(HttpMethod.Get, path + "/check", "a")).Status);
        Assert.Equal((404, $"upload of block {id} not started yet"), await PostAsync(api, path + "/files?path=index", File.ReadAllBytes(Path.Combine(folder, "index"))));
        Assert.Equal((200, ""), await PostAsync(api, path + "/start", meta));
        Assert.Equal("{\"result\":\"uploading\"}", await api.GetAsync(path + "/check", "a"));
        // A restart leaves what was sent.
        Assert.Equal((200, ""), await PostAsync(api, path + "/files?path=index", File.ReadAllBytes(Path.Combine(folder, "index"))));
        await api.RestartAsync();
        Assert.Equal((400, "file chunks/000001 of the block was not uploaded"), await PostAsync(api, path + "/finish", []));
        Assert.Equal((400, "meta.json is not allowed"), await PostAsync(api, path + "/files?path=meta.json", [1]));
        Assert.Equal((400, "invalid path: \"../../../x\""), await PostAsync(api, path + "/files?path=../../../x", [1]));
        Assert.Equal((400, "unexpected file \"chunks/000002\": it is not in thanos.files of the block's meta.json"), await PostAsync(api, path + "/files?path=chunks/000002", [1]));
        byte[] chunks = await File.ReadAllBytesAsync(Path.Combine(folder, "chunks", "000001"));
        Assert.Equal((400, $"file size doesn't match meta.json: chunks/000001 has {chunks.Length - 1} bytes, {chunks.Length} were announced"), await PostAsync(api, path + "/files?path=chunks/000001", chunks[..^1]));
        Assert.Equal((400, $"file size doesn't match meta.json: chunks/000001 has more, {chunks.Length} were announced"), await PostAsync(api, path + "/files?path=chunks/000001", [.. chunks, 0]));
        Assert.Equal((200, ""), await PostAsync(api, path + "/files?path=chunks/000001", chunks));
        Assert.Equal((200, ""), await PostAsync(api, path + "/finish", []));
        Assert.Equal("{\"result\":\"complete\"}", await api.GetAsync(path + "/check", "a"));
        Assert.Equal(["{__name__=\"uploaded\"}"], await api.SeriesAsync("uploaded", "a"));
        Assert.Empty(await api.SeriesAsync("uploaded", "b"));
        Assert.Equal((409, "block already exists"), await PostAsync(api, path + "/start", meta));
    }

    [Fact]
    public async Task A_damaged_block_is_not_taken_in_and_check_says_why()
    {
        await using var api = await TenantApi.StartAsync(Config);
        using var made = Places.NewFolder();
        var (id, folder, meta) = Make(api, made);
        string path = "/api/v1/upload/block/" + id;
        byte[] chunks = await File.ReadAllBytesAsync(Path.Combine(folder, "chunks", "000001"));
        chunks[^2] ^= 1;
        await PostAsync(api, path + "/start", meta);
        await PostAsync(api, path + "/files?path=index", File.ReadAllBytes(Path.Combine(folder, "index")));
        await PostAsync(api, path + "/files?path=chunks/000001", chunks);
        Assert.Equal((200, ""), await PostAsync(api, path + "/finish", []));
        Assert.StartsWith("{\"result\":\"failed\",\"error\":\"block validation failed: chunks/000001: ", await api.GetAsync(path + "/check", "a"), StringComparison.Ordinal);
        Assert.Empty(await api.SeriesAsync("uploaded", "a"));
        Assert.Equal((200, ""), await PostAsync(api, path + "/start", meta));
        Assert.Equal("{\"result\":\"uploading\"}", await api.GetAsync(path + "/check", "a"));
    }

    [Fact]
    public async Task What_a_block_must_not_be_is_refused_at_the_start()
    {
        await using var api = await TenantApi.StartAsync(Config);
        using var made = Places.NewFolder();
        var (id, _, meta) = Make(api, made);
        string start = $"/api/v1/upload/block/{id}/start";
        Assert.Equal((400, "block upload is disabled; set compactor_block_upload_enabled"), await PostAsync(api, start, meta, "off"));
        Assert.Equal((413, "block exceeds the maximum block size limit of 10 bytes (compactor_block_upload_max_block_size_bytes)"), await PostAsync(api, start, meta, "small"));
        Assert.Equal(422, (await PostAsync(api, start, meta, "short")).Status);
        Assert.Equal((400, "invalid block ID"), await PostAsync(api, "/api/v1/upload/block/x/start", meta));
        Assert.Equal(400, (await PostAsync(api, start, "[]"u8.ToArray())).Status);
        Assert.Equal((400, "unsupported external label: cluster"), await PostAsync(api, start, With(meta, thanos => thanos["labels"] = new JsonObject { ["cluster"] = "eu" })));
        Assert.Equal((400, "block contains downsampled data of 300000 ms; only blocks of raw samples are taken"), await PostAsync(api, start, With(meta, thanos => thanos["downsample"] = new JsonObject { ["resolution"] = 300000 })));
        Assert.Equal((400, "thanos.files of meta.json must list index and chunks with rel_path and size_bytes"), await PostAsync(api, start, With(meta, thanos => thanos.Remove("files"))));
        Assert.Equal(404, (await api.SendAsync(HttpMethod.Get, $"/api/v1/upload/block/{id}/check", "a")).Status);
    }

    /// <summary>A block of a day ago, and its meta.json as a sender would write it.</summary>
    private static (string Id, string Folder, byte[] Meta) Make(TenantApi api, string into)
    {
        string text = Path.Combine(into, "in.om");
        File.WriteAllText(text, $"uploaded 1 {(api.Now / 1000) - 86_400}\n# EOF\n");
        string id = new OpenMetricsImport(into, api.Time).Run(text, null, default).Blocks.Single(), folder = Path.Combine(into, id);
        var meta = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")))!;
        var files = new JsonArray();
        foreach (string name in (string[])["index", "chunks/000001"]) files.Add(new JsonObject { ["rel_path"] = name, ["size_bytes"] = new FileInfo(Path.Combine(folder, name)).Length });
        files.Add(new JsonObject { ["rel_path"] = "meta.json" });
        meta["thanos"] = new JsonObject { ["labels"] = new JsonObject { ["__org_id__"] = "other" }, ["files"] = files };
        return (id, folder, System.Text.Encoding.UTF8.GetBytes(meta.ToJsonString()));
    }

    private static byte[] With(byte[] meta, Action<JsonObject> change)
    {
        var root = JsonNode.Parse(meta)!;
        change(root["thanos"]!.AsObject());
        return System.Text.Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static async Task<(int Status, string Text)> PostAsync(TenantApi api, string path, byte[] body, string tenant = "a")
    {
        using var content = new ByteArrayContent(body);
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, path, tenant, content);
        return (status, text);
    }
}
