using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>Servers that die of what a client sends.</summary>
internal static partial class Deaths
{
    private const int Deep = 1_000;
    private const int LongName = 255;

    public static IReadOnlyList<Stranger> All { get; } =
    [
        Fragile(new("stranger-dies-ten-ways-launched", "It dies in ten ways, and the suite that launched it starts it again.")
        {
            Keeper = Keeper.Suite,
        }),
        Fragile(new("stranger-dies-ten-ways-supervised", "It dies in ten ways, and a supervisor starts it again after a moment.")
        {
            Keeper = Keeper.Supervisor,
        }),
        Fragile(new("stranger-dies-ten-ways", "It dies in ten ways, and stays dead.")),
        DiesOfRefusals(new("stranger-dies-of-refusals", "It dies of every request that it has to refuse, and stays dead.")),
        DiesOfRefusals(new(
            "stranger-dies-of-refusals-launched",
            "It dies of every request that it has to refuse, and the suite starts it again.")
        {
            Keeper = Keeper.Suite,
        }),
        new Stranger("stranger-a-quarter-second-away", "Every answer takes 250 ms, also under load.")
        {
            Options = options => options with { AllowLoad = true },
        }
            .Does(LongLine.Far(TimeSpan.FromMilliseconds(250))),
    ];

    private static Stranger DiesOfRefusals(Stranger stranger) => stranger
        .EachSession(session => session.Refuse.Wrap(next => bad =>
        {
            session.Server.Die.Call();
            next(bad);
        }))
        .Does(server => server.Rest.Refuse.Wrap(next => fault =>
        {
            if (fault.Status is not (404 or 409))
            {
                server.Die.Call();
            }

            return next(fault);
        }))
        .DiesOf(
            "PS-ENV-001/every-message-has-a-type",
            "PS-ENV-002/acks-events-and-errors-are-dated",
            "PS-ENV-003/every-message-is-dated-in-utc",
            "PS-ENV-005/absent-is-not-invented",
            "PS-ENV-007/one-reply-to-each-bad-request",
            "PS-ENV-010/what-is-no-request-id",
            "PS-ENV-011/errors-take-no-short-cut",
            "PS-ENV-013/a-member-given-twice",
            "PS-ERR-001/a-byte-order-mark",
            "PS-ERR-001/a-payload-that-is-no-json",
            "PS-ERR-001/json-that-breaks-off",
            "PS-ERR-001/no-json",
            "PS-ERR-002/a-barrage-leaves-everything-in-place",
            "PS-ERR-002/a-thousand-in-a-row",
            "PS-ERR-003/no-type-or-no-such-type",
            "PS-ERR-004/code-and-message",
            "PS-ERR-005/the-field-and-the-rule",
            "PS-ERR-006/behind-a-long-payload",
            "PS-ERR-006/echoed-on-every-bad-request",
            "PS-ERR-007/no-object",
            "PS-ERR-008/four-codes",
            "PS-ERR-009/a-refused-publish",
            "PS-ERR-009/a-refused-publish-is-not-retained",
            "PS-ERR-009/a-refused-subscribe",
            "PS-ERR-009/a-refused-unsubscribe",
            "PS-ERR-010/a-binary-message",
            "PS-OBS-007/refused-publishes-do-not-count",
            "PS-PUB-003/topic-message-or-id-missing-or-of-the-wrong-type",
            "PS-PUB-009/id-empty-or-too-long",
            "PS-PUB-010/no-payload",
            "PS-REST-008/no-name-no-topic",
            "PS-REST-009/bad-body",
            "PS-REST-009/body-that-is-not-utf-8",
            "PS-REST-017/every-way-to-send-it",
            "PS-REST-018/every-error",
            "PS-REST-019/every-code",
            "PS-REST-022/control-character",
            "PS-REST-022/too-long",
            "PS-REST-022/unpaired-surrogate",
            "PS-REST-026/detail-names-field-and-rule",
            "PS-REST-027/every-illegal-path",
            "PS-REST-031/whatever-name-was-asked-for",
            "PS-REST-032/dot-segments",
            "PS-ROB-001/no-http-at-all",
            "PS-ROB-001/random-frames-from-rude-clients",
            "PS-ROB-001/random-requests-from-rude-clients",
            "PS-ROB-002/wherever-it-is-deep",
            "PS-ROB-006/unpaired-surrogates",
            "PS-RPL-006/no-integer-from-0-to-2147483647",
            "PS-SUB-003/topic-or-client-id-missing-or-no-string",
            "PS-SUB-010/client-id-empty-or-too-long",
            "PS-SUB-011/no-legal-topic-name",
            "PS-UNS-007/topic-or-client-id-missing-or-no-string",
            "PS-WS-004/every-kind-of-message");

    private static Stranger Fragile(Stranger stranger) =>
        (stranger.Keeper == Keeper.None ? Pinned(stranger) : stranger.DiesOf(DeathResult.Probe))
        .Does(server => server.EachSession(session =>
        {
            // A binary message; a ping without a request_id; a deep document.
            session.Receive.Wrap(next => (type, text) =>
            {
                var json = Encoding.UTF8.GetString(text.Span);
                if (type == WebSocketMessageType.Binary || json == "{\"type\":\"ping\"}" || Brackets().Count(json) > Deep)
                {
                    server.Die.Call();
                }

                next(type, text);
            });

            // A message over the limit.
            session.RefuseTooLarge.Wrap(next => type =>
            {
                server.Die.Call();
                next(type);
            });

            // An unsubscribe without a subscription.
            session.Unsubscribe.Wrap(next => (topic, request) =>
            {
                if (!topic.Has(session.Queue))
                {
                    server.Die.Call();
                }

                return next(topic, request);
            });
        }))
        .Does(server => server.EachFilter(filter =>
        {
            // An opcode that is reserved; a reset within a frame.
            filter.FromClient.Wrap(next => frame =>
            {
                if (!Enum.IsDefined(frame.Opcode))
                {
                    server.Die.Call();
                }

                return next(frame);
            });
            filter.Receive.Wrap(next => async (buffer, cancellation) =>
            {
                try
                {
                    return await next(buffer, cancellation);
                }
                catch (IOException) when (filter.IsWithinFrame)
                {
                    server.Die.Call();
                    throw;
                }
            });
        }))
        .Does(server => server.EachConnection(connection => connection.ReadLineAsync.Wrap(next => async (longest, cancellation) =>
        {
            // A preface of HTTP/2.
            var line = await next(longest, cancellation);
            if (line == "PRI * HTTP/2.0")
            {
                server.Die.Call();
            }

            return line;
        })))
        .Does(server => server.Rest.Fault.Wrap(next => name =>
        {
            // A name that is too long.
            if (name.Length > LongName)
            {
                server.Die.Call();
            }

            return next(name);
        }))
        .EachSession(session => session.Refuse.Wrap(next => bad =>
        {
            // A last_n that is not an integer from 0 on.
            if (bad.Message.StartsWith("last_n", StringComparison.Ordinal))
            {
                session.Server.Die.Call();
            }

            next(bad);
        }))
        .DiesOf(
            "PS-ENV-004/echoed-on-acks-and-errors",
            "PS-ENV-005/absent-is-not-invented",
            "PS-ENV-007/one-reply-to-each-bad-request",
            "PS-ENV-007/one-reply-to-each-of-a-long-mixed-sequence",
            "PS-ENV-007/one-reply-to-each-request-without-id",
            "PS-ENV-011/errors-take-no-short-cut",
            "PS-ENV-011/replies-in-the-order-of-the-requests",
            "PS-ENV-013/a-member-given-twice",
            "PS-ERR-001/no-json",
            "PS-ERR-002/a-barrage-leaves-everything-in-place",
            "PS-ERR-004/code-and-message",
            "PS-ERR-005/the-field-and-the-rule",
            "PS-ERR-006/echoed-on-every-bad-request",
            "PS-ERR-007/no-object",
            "PS-ERR-008/four-codes",
            "PS-ERR-010/a-binary-message",
            "PS-OBS-009/unsubscribe-without-a-subscription",
            "PS-PING-003/as-specified",
            "PS-PING-003/without-request-id",
            "PS-REST-018/every-error",
            "PS-REST-019/every-code",
            "PS-REST-021/every-kind-of-character",
            "PS-REST-021/every-legal-length",
            "PS-REST-022/too-long",
            "PS-REST-023/odd-names-deleted",
            "PS-REST-023/odd-names-fetched",
            "PS-REST-023/odd-names-listed",
            "PS-REST-023/odd-names-over-websocket",
            "PS-REST-026/detail-names-field-and-rule",
            "PS-REST-027/every-illegal-path",
            "PS-REST-031/whatever-name-was-asked-for",
            "PS-ROB-001/a-megabyte-of-brackets",
            "PS-ROB-001/no-http-at-all",
            "PS-ROB-001/random-frames-from-rude-clients",
            "PS-ROB-002/wherever-it-is-deep",
            "PS-ROB-004/whatever-it-is-made-of",
            "PS-ROB-005/reset-within-a-frame",
            "PS-RPL-006/no-integer-from-0-to-2147483647",
            "PS-UNS-004/from-another-connection",
            "PS-UNS-005/not-subscribed",
            "PS-WS-011/reserved-opcode",
            "PS-WS-013/framing-error-1002");

    // The probe does not test what the user declares, so this server does not die of the probe.
    private static Stranger Pinned(Stranger stranger) => stranger with
    {
        Probing = door => new ProbeOptions { Url = door.Origin, Limits = new Limits(), Accommodations = Accommodations.None },
    };

    [GeneratedRegex("[[{]")]
    private static partial Regex Brackets();
}
