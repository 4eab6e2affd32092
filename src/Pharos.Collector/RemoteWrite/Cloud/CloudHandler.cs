namespace Pharos.Collector.RemoteWrite;

/// <summary>Lets each request in as the cloud wants it.</summary>
internal sealed class CloudHandler(CloudLogin login, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        await login.LetInAsync(request, cancel);
        return await base.SendAsync(request, cancel);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) login.DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.Dispose(disposing);
    }
}
