using Microsoft.Extensions.Logging;

namespace Pharos.Alerting;

/// <summary>What the notifiers of one configuration share.</summary>
internal sealed class NotifierTools(
    NotificationTemplates templates, HttpSenders http, TimeProvider time, Func<ReceiverFirewall> firewall, ILogger logger)
{
    public NotificationTemplates Templates { get; } = templates;
    public HttpSenders Http { get; } = http;
    public TimeProvider Time { get; } = time;

    /// <summary>As it is now: the tenant's limits may change.</summary>
    public ReceiverFirewall Firewall => firewall();

    public ILogger Logger { get; } = logger;
}

/// <summary>
/// The usual course of a notifier: render, send, and turn what goes wrong into a result.
/// </summary>
internal abstract class NotifierBase(NotifierTools tools) : INotifier
{
    protected NotifierTools Tools { get; } = tools;

    public async Task<SendResult> SendAsync(Notification notification, CancellationToken cancel)
    {
        try
        {
            return await SendOnceAsync(notification, Tools.Templates.For(notification), cancel);
        }
        catch (Templates.TemplateException e)
        {
            return SendResult.Failed($"template: {e.Message}");
        }
        catch (HttpRequestException e)
        {
            return SendResult.Again(Describe(e));
        }
        catch (IOException e)
        {
            return SendResult.Again(e.Message);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            return SendResult.Again(e.Message);
        }
        catch (NotifyException e)
        {
            return new SendResult(e.Message, e.Retry, e.Reason);
        }
        catch (UnauthorizedAccessException e)
        {
            return SendResult.Failed(e.Message);
        }
        catch (TimeoutException e)
        {
            return SendResult.Again(e.Message, FailureReason.ContextDeadlineExceeded);
        }
    }

    protected abstract Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel);

    private static string Describe(HttpRequestException e) =>
        e.InnerException is { } inner && !e.Message.Contains(inner.Message, StringComparison.Ordinal) ? $"{e.Message}: {inner.Message}" : e.Message;
}

/// <summary>A notification cannot be sent, for a reason that the integration itself found.</summary>
internal sealed class NotifyException(string message, bool retry = false, FailureReason reason = FailureReason.Other) : Exception(message)
{
    public bool Retry { get; } = retry;
    public FailureReason Reason { get; } = reason;
}
