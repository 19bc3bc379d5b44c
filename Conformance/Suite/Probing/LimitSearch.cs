using System.Text;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>Finds out the message size limit of the server, and how many messages it retains.</summary>
internal static class LimitSearch
{
    /// <summary>Message counts: one more than the specification's default, and one more than any usual choice.</summary>
    private static readonly int[] Rings = [101, 1_001];

    private const int Window = 50;
    private const int SmallestMessage = 512;

    /// <summary>Larger messages are not tried; in bytes.</summary>
    private const int LargestMessage = 1024 * 1024;

    /// <summary>How many of the messages of the probe's topic are replayed.</summary>
    public static async Task<Answer?> AskRingAsync(ProbeSession probe)
    {
        if (probe.Options.Limits is { } declared)
        {
            return new($"{declared.Ring}", "the target file", FindingSource.Declared);
        }

        if (!probe.CanPublish)
        {
            return new($"{probe.Target.Limits.Ring}", "nothing can be published", FindingSource.Assumed);
        }

        var published = new List<string>();
        try
        {
            foreach (var count in Rings)
            {
                await PublishAsync(probe, published, count);
                var replayed = await ReplayedAsync(probe, count);
                var kept = replayed.Count(published.Contains);
                if (!published.TakeLast(kept).SequenceEqual(replayed.TakeLast(kept)) || kept == 0)
                {
                    return new(
                        $"{probe.Target.Limits.Ring}",
                        $"of {count} messages {kept} were replayed, and not the newest",
                        FindingSource.Assumed);
                }

                if (kept < count)
                {
                    probe.Target = probe.Target with { Limits = probe.Target.Limits with { Ring = kept } };
                    return new($"{kept}", $"of {count} messages the newest {kept} were replayed");
                }
            }

            return new(
                $"{probe.Target.Limits.Ring}",
                $"all of {published.Count} messages were replayed, and more were not tried",
                FindingSource.Assumed);
        }
        catch (Violation violation)
        {
            return new($"{probe.Target.Limits.Ring}", $"after {published.Count} messages: {violation.Message}", FindingSource.Assumed);
        }
    }

    /// <summary>How large a publish may be.</summary>
    public static async Task<Answer?> AskMessageBytesAsync(ProbeSession probe)
    {
        var usual = probe.Target.Limits.MessageBytes;
        if (probe.Options.Limits is { } declared)
        {
            return new($"{declared.MessageBytes} bytes", "the target file", FindingSource.Declared);
        }

        if (!probe.CanPublish)
        {
            return new($"{usual} bytes", "nothing can be published", FindingSource.Assumed);
        }

        var (taken, refused) = await TakesAsync(probe, usual) ? (usual, (int?)null) : (0, usual);
        for (var size = taken == 0 ? SmallestMessage : usual + 1;
            refused is null ? size <= LargestMessage : size < refused;
            size = 2 * size)
        {
            if (!await TakesAsync(probe, size))
            {
                refused = size;
                break;
            }

            taken = size;
        }

        if (refused is not { } high)
        {
            probe.Target = probe.Target with { IsMessageLimitKnown = false };
            return new($"over {LargestMessage / 1024} KiB", $"a publish of {taken} bytes was acked, and a larger one was not tried");
        }

        if (taken == 0)
        {
            return new($"{usual} bytes", $"a publish of {high} bytes was refused already", FindingSource.Assumed);
        }

        // Most limits are round numbers, so try the very next size first.
        var next = taken + 1;
        while (high - taken > 1)
        {
            if (await TakesAsync(probe, next))
            {
                taken = next;
            }
            else
            {
                high = next;
            }

            next = taken + ((high - taken) / 2);
        }

        probe.Target = probe.Target with { Limits = probe.Target.Limits with { MessageBytes = taken } };
        return new($"{taken} bytes", $"a publish of {taken} bytes was acked, and one of {high} bytes was not");
    }

    private static async Task<bool> TakesAsync(ProbeSession probe, int bytes)
    {
        try
        {
            var (client, _) = await probe.ConnectAsync(probe.Target);
            await using var connected = client;
            var empty = Request.Publish(probe.Topic!, "size", "\"\"").WithRequestId("size").To(probe.Target);
            var room = bytes - Encoding.UTF8.GetByteCount(empty.ToString());
            await client.SendTextAsync(empty.With("message.payload", Json.Quote(new string('x', Math.Max(0, room)))).ToString());
            return (await client.ReadMessageAsync(message => message.IsReply, "the reply to a large publish")).IsAck;
        }
        catch (Violation)
        {
            return false;
        }
    }

    private static async Task PublishAsync(ProbeSession probe, List<string> published, int count)
    {
        var (client, _) = await probe.ConnectAsync(probe.Target);
        await using var connected = client;
        while (published.Count < count)
        {
            string[] some = [.. Enumerable.Range(published.Count + 1, Math.Min(Window, count - published.Count)).Select(n => $"ring-{n}")];
            foreach (var id in some)
            {
                await client.SendAsync(Request.Publish(probe.Topic!, id).WithRequestId(id));
            }

            foreach (var id in some)
            {
                var reply = await client.ReadMessageAsync(message => message.IsReply, $"the reply to the publish of {id}");
                published.Add(reply.IsAck ? id : throw new Violation("a publish is acked", "an ack", reply.ToString()));
            }
        }
    }

    /// <summary>The ids of the events that a new subscriber receives ahead of a message published after its ack.</summary>
    private static async Task<List<string>> ReplayedAsync(ProbeSession probe, int lastN)
    {
        const string Sentinel = "ring-sentinel";
        var (reader, _) = await probe.ConnectAsync(probe.Target);
        await using var reading = reader;
        var replayed = new List<string>();
        await reader.SendAsync(Request.Subscribe(probe.Topic!, "conformance-probe", lastN).WithRequestId("replay"));
        var reply = await reader.ReadMessageAsync(message => Keep(message).IsReply, "the ack of a subscribe");
        if (!reply.IsAck)
        {
            throw new Violation("a subscribe with last_n is acked", "an ack", reply.ToString());
        }

        var (publisher, _) = await probe.ConnectAsync(probe.Target);
        await using var publishing = publisher;
        await publisher.SendAsync(Request.Publish(probe.Topic!, Sentinel).WithRequestId("sentinel"));
        await reader.ReadMessageAsync(message => Keep(message) is { IsEvent: true, MessageId: Sentinel }, "the message behind the replay");
        return replayed;

        ServerMessage Keep(ServerMessage message)
        {
            if (message is { IsEvent: true, MessageId: { } id and not Sentinel })
            {
                replayed.Add(id);
            }

            return message;
        }
    }
}
