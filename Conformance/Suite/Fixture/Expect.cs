using System.Globalization;
using System.Runtime.CompilerServices;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Fixture;

/// <summary>
/// Decisive checks. Each names the expectation that it decides and throws a <see cref="Violation"/> when that does not hold.
/// </summary>
public sealed class Expect
{
    private const int MostItems = 12;
    private const int MostInBothSpellings = 4; // items of a list; the transcript has both of all
    private const int LongestItem = 100;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly Target _target;
    private readonly TimeProvider _time;
    private readonly CancellationToken _cancellation;
    private readonly List<KeyValuePair<string, string>> _observations = [];
    private int _checks;

    internal Expect(Target target, TimeProvider time, CancellationToken cancellation)
    {
        _target = target;
        _time = time;
        _cancellation = cancellation;
    }

    /// <summary>How many checks were decided. A scenario that decides nothing proves nothing.</summary>
    public int Checks => Volatile.Read(ref _checks);

    /// <summary>Which of the legal alternatives were seen.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Observations
    {
        get
        {
            lock (_observations)
            {
                return [.. _observations];
            }
        }
    }

    /// <param name="observed">What was seen instead; a check that has nothing to quote leaves it out.</param>
    public void True(bool condition, string expectation, string observed = "no") =>
        Decide(condition, expectation, () => "yes", () => observed);

    public void Equal<T>(T expected, T observed, string expectation) =>
        Decide(EqualityComparer<T>.Default.Equals(expected, observed), expectation, () => Show(expected), () => Show(observed));

    public void OneOf<T>(IReadOnlyCollection<T> allowed, T observed, string expectation) => Decide(
        allowed.Contains(observed),
        expectation,
        () => $"one of {string.Join(", ", allowed.Select(value => Show(value)))}",
        () => Show(observed));

    /// <summary>The same items in the same order; the report names what is lost, duplicated, unexpected or out of order.</summary>
    public void Sequence(IEnumerable<string> expected, IEnumerable<string> observed, string expectation)
    {
        string[] wanted = [.. expected];
        string[] seen = [.. observed];
        var holds = wanted.SequenceEqual(seen, StringComparer.Ordinal);
        Decide(holds, expectation, () => Show(wanted), () => $"{Show(seen)}{Difference(wanted, seen)}");
    }

    /// <summary>The same items, each as often, in any order.</summary>
    public void SameItems(IEnumerable<string> expected, IEnumerable<string> observed, string expectation) =>
        Sequence(expected.Order(StringComparer.Ordinal), observed.Order(StringComparer.Ordinal), expectation);

    /// <summary>Equal as JSON values; see <see cref="Json.AreEqual(string, string)"/>.</summary>
    public void JsonEqual(string expected, string? observed, string expectation) =>
        Decide(observed is not null && Json.AreEqual(expected, observed), expectation, () => Data(expected), () => Data(observed));

    public void Acked(ServerMessage reply, string expectation) => Decide(reply.IsAck, expectation, () => "an ack", reply.ToString);

    /// <summary>An error with this code, or with any when none is given.</summary>
    /// <exception cref="Unsupported">The target creates unknown topics by itself; another scenario reports that.</exception>
    public void Error(ServerMessage reply, string? code, string expectation)
    {
        if (code == "TOPIC_NOT_FOUND" && reply.IsAck && _target.Accommodations.CreatesTopics)
        {
            throw new Unsupported("the target does not offer topics that have to be created first");
        }

        Decide(
            code is null ? reply.IsError : reply.IsErrorOf(code),
            expectation,
            () => code is null ? "an error" : $"an error {code}",
            reply.ToString);
    }

    public void Status(int expected, HttpAnswer answer, string expectation) =>
        Decide(answer.Status == expected, expectation, () => $"the status {expected}", answer.ToString);

    /// <summary>Polls until the value is seen or the wait is over.</summary>
    public async Task EventuallyAsync<T>(T expected, Func<Task<T>> look, string expectation, TimeSpan? within = null)
    {
        Interlocked.Increment(ref _checks);
        var limit = within ?? _target.Timeouts.Wait;
        var start = _time.GetTimestamp();
        while (true)
        {
            var observed = await look();
            if (EqualityComparer<T>.Default.Equals(expected, observed))
            {
                return;
            }

            if (_time.GetElapsedTime(start) > limit)
            {
                throw new Violation(expectation, Show(expected), $"{Show(observed)} after {limit.TotalSeconds} s");
            }

            await Task.Delay(PollInterval, _time, _cancellation);
        }
    }

    /// <summary>Fails the server on a path of the scenario that a conformant server never takes.</summary>
    public void Fail(string expectation, string expected, string observed) => Decide(false, expectation, () => expected, () => observed);

    /// <summary>Records which legal alternative the server chose; judges nothing.</summary>
    public void Observe(string what, object? value)
    {
        lock (_observations)
        {
            _observations.Add(new(what, Show(value)));
        }
    }

    private void Decide(bool holds, string expectation, Func<string> expected, Func<string> observed)
    {
        Interlocked.Increment(ref _checks);
        if (!holds)
        {
            throw new Violation(expectation, expected(), observed());
        }
    }

    /// <summary>A value of any type in words: message ids in both spellings, no record or tuple as code.</summary>
    private string Show(object? value) => value switch
    {
        null => "nothing",
        bool holds => holds ? "yes" : "no",
        string text when _target.MessageIds.Show(text) is var shown && shown != text => shown,
        string text => $"\"{text.Quoted(300)}\"",
        ITuple parts => string.Join(", ", Enumerable.Range(0, parts.Length).Select(at => Show(parts[at]))),
        IEnumerable<string> { } items => Show([.. items]),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => $"{value}",
    };

    private string Show(string[] items)
    {
        var shown = items.Select(item => (items.Length > MostInBothSpellings ? item : _target.MessageIds.Show(item)).Quoted(LongestItem));
        return items.Length > MostItems
            ? $"[{string.Join(", ", shown.Take(5))}, \u2026, {string.Join(", ", shown.TakeLast(5))}] ({items.Length} items)"
            : $"[{string.Join(", ", shown)}]";
    }

    /// <summary>JSON as it was written; an empty text is named as such.</summary>
    private string Data(string? json) => json switch
    {
        null => "nothing",
        "" => "an empty text",
        _ => _target.MessageIds.Explain(json),
    };

    private string Difference(string[] wanted, string[] seen)
    {
        string[] lost = [.. wanted.Except(seen)];
        string[] unexpected = [.. seen.Except(wanted)];
        var due = wanted.CountBy(id => id).ToDictionary();
        string[] duplicated =
        [
            .. seen.CountBy(id => id).Where(times => due.TryGetValue(times.Key, out var once) && times.Value > once)
                .Select(times => times.Key),
        ];
        var at = wanted.Zip(seen).TakeWhile(pair => pair.First == pair.Second).Count();
        return (lost.Length == 0 ? "" : $"; lost {Show(lost)}")
            + (duplicated.Length == 0 ? "" : $"; duplicated {Show(duplicated)}")
            + (unexpected.Length == 0 ? "" : $"; unexpected {Show(unexpected)}")
            + (lost.Length + duplicated.Length + unexpected.Length == 0 ? $"; out of order from position {at}" : "");
    }
}
