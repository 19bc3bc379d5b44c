using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about what they retain and how they replay it.</summary>
internal static class Replay
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("rpl-newest-first", "A replay begins with the newest message.")
        {
            Change = parts => parts with { Topic = seed => new NewestFirst(seed) },
            Kills = [new("PS-RPL-001", "a last_n of 2 replays the newest 2")],
            Also = ["PS-REST-002", "PS-PUB-005", "PS-FAN-003", "PS-RPL-002", "PS-RPL-004", "PS-RPL-008", "PS-RPL-009", "PS-RPL-010", "PS-RPL-011", "PS-PING-004"],
        },
    ];

    private sealed class NewestFirst(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) => base.Replayed(lastN).Reverse();
    }
}
