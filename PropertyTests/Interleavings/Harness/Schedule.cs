using System.Globalization;

namespace PubSub.Interleavings.Harness;

/// <summary>
/// Chooses the next fiber at each point. The first option is to stay, or else the first fiber that can go on. It records its choices, so
/// that it can be run again.
/// </summary>
internal sealed class Schedule
{
    private readonly IReadOnlyList<int> _given;
    private readonly Random? _random;
    private readonly double _restlessness;
    private readonly List<Choice> _choices = [];

    private Schedule(IReadOnlyList<int> given, Random? random = null)
    {
        _given = given;
        _random = random;
        _restlessness = random is null ? 0 : random.NextDouble();
    }

    /// <summary>No fiber is interrupted.</summary>
    public static Schedule Straight => new([]);

    /// <summary>Fibers are interrupted at random; the seed also decides how often.</summary>
    public static Schedule Random(int seed) => new([], new Random(seed));

    /// <summary>First these choices; then no fiber is interrupted.</summary>
    public static Schedule Of(IReadOnlyList<int> choices) => new(choices);

    /// <summary>Reads the text of <see cref="ToString"/>.</summary>
    public static Schedule Parse(string text)
    {
        var choices = new List<int>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (place, chosen) = (Number(word.Split(':')[0]), Number(word.Split(':')[1]));
            choices.AddRange(Enumerable.Repeat(0, place - choices.Count));
            choices.Add(chosen);
        }

        return new(choices);

        static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);
    }

    /// <summary>How often it interrupted a fiber that could have gone on.</summary>
    public int Preemptions { get; private set; }

    public int Choose(int options, bool canStay)
    {
        var place = _choices.Count;
        var chosen = place < _given.Count ? _given[place]
            : _random is not null && _random.NextDouble() < _restlessness ? _random.Next(options)
            : 0;
        if (chosen >= options)
        {
            throw new InvalidOperationException("the program did not run the same way again");
        }

        _choices.Add(new Choice(chosen, options, canStay, Preemptions));
        Preemptions += canStay && chosen > 0 ? 1 : 0;
        return chosen;
    }

    /// <summary>The next schedule, depth first, with at most <paramref name="preemptions"/>; null after the last.</summary>
    public Schedule? Next(int preemptions)
    {
        for (var place = _choices.Count - 1; place >= 0; place--)
        {
            var choice = _choices[place];
            if (choice.Chosen + 1 < choice.Options && choice.Before + (choice.CanStay ? 1 : 0) <= preemptions)
            {
                return new([.. _choices.Take(place).Select(earlier => earlier.Chosen), choice.Chosen + 1]);
            }
        }

        return null;
    }

    /// <summary>The choices other than the first option: "place:option".</summary>
    public override string ToString() =>
        string.Join(' ', _choices.Index().Where(choice => choice.Item.Chosen > 0).Select(choice => $"{choice.Index}:{choice.Item.Chosen}"));

    private readonly record struct Choice(int Chosen, int Options, bool CanStay, int Before);
}
