using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>
/// Finds out which capabilities the server has. One whose interface answers at all is there, and is judged; without a topic, or without
/// an answer, nothing shows it.
/// </summary>
internal static class CapabilitySearch
{
    private const string Offered = "offered";
    private const string Unsupported = "unsupported";

    public static Task<Answer?> AskResumeAsync(ProbeSession probe) => AskAsync(probe, Capability.Resume, async topic =>
    {
        var (client, _) = await probe.ConnectAsync(probe.Target);
        await using var connected = client;
        await client.SendAsync(Request.Subscribe(topic, "conformance-probe").WithRequestId("epoch"));
        var reply = await client.ReadMessageAsync(message => message.IsReply, "the reply to a subscribe");
        return (reply.Epoch is not null, $"a subscribe was answered {reply}");
    });

    public static Task<Answer?> AskHttpAsync(ProbeSession probe) => AskAsync(probe, Capability.Http, async topic =>
    {
        var rest = probe.RestOf(probe.Target);
        var answer = await rest.PostAsync(topic, rest.MessageBody("probe-http", Request.PlainPayload));
        return (IsThere(answer), $"POST of a message to the topic was answered {answer}");
    });

    public static Task<Answer?> AskSseAsync(ProbeSession probe) => AskAsync(probe, Capability.Sse, async topic =>
    {
        await using var stream = await probe.RestOf(probe.Target).StreamAsync("probe", topic, query: "", new ConnectOptions());
        return (IsThere(stream.Answer) && stream.Answer.Status != 406, $"GET of the topic's stream was answered {stream.Answer}");
    });

    /// <summary>A server whose owner gives credentials has identities, and has to refuse a client without one.</summary>
    public static Answer? AskAccess(ProbeSession probe) => probe.Options.Credentials is null
        ? Said(probe, Capability.Access, isThere: false, Credentials.Missing, FindingSource.Assumed)
        : probe.Options.Capabilities is { } declared
            ? Said(probe, Capability.Access, declared.Contains(Capability.Access), "the target file", FindingSource.Declared)
            : Said(probe, Capability.Access, isThere: true, "credentials are given", FindingSource.Declared);

    /// <summary>Many servers have metrics in another format, or a page at every path: these do not have it.</summary>
    public static Task<Answer?> AskMetricsAsync(ProbeSession probe) => AskAsync(probe, Capability.Metrics, async _ =>
    {
        var answer = await probe.RestOf(probe.Target).MetricsAsync(probe.Target);
        return (
            IsThere(answer) && (!answer.IsSuccess || answer.MediaType == OpenMetrics.MediaType),
            $"GET of the metrics was answered {answer.Status} with {answer.MediaType ?? "no Content-Type"}");
    });

    private static bool IsThere(HttpAnswer answer) => answer.Status is not (404 or 405 or 501);

    private static async Task<Answer?> AskAsync(ProbeSession probe, Capability capability, Func<string, Task<(bool, string)>> askAsync)
    {
        if (probe.Options.Capabilities is { } declared)
        {
            return Said(probe, capability, declared.Contains(capability), "the target file", FindingSource.Declared);
        }

        if (probe is not { Topic: { } topic, Created.IsSuccess: true })
        {
            return Said(probe, capability, isThere: false, "without a topic nothing shows it", FindingSource.Assumed);
        }

        try
        {
            var (isThere, evidence) = await askAsync(topic);
            return Said(probe, capability, isThere, evidence, FindingSource.Probed);
        }
        catch (Exception e) when (e is Violation or Interference { Kind: InterferenceKind.Gateway })
        {
            return Said(probe, capability, isThere: false, e.Message, FindingSource.Assumed);
        }
    }

    private static Answer Said(ProbeSession probe, Capability capability, bool isThere, string evidence, FindingSource source)
    {
        if (!isThere)
        {
            probe.Target = probe.Target with { Lacks = [.. probe.Target.Lacks, capability] };
        }

        return new(isThere ? Offered : Unsupported, evidence, source);
    }
}
