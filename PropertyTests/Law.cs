using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace PubSub.PropertyTests;

/// <summary>A sentence that is true of every case; FsCheck looks for one of which it is not.</summary>
internal static class Law
{
    /// <summary>Every law is checked so many times as often as usual: <c>PUBSUB_LAW_FACTOR</c>, from 1.</summary>
    private static readonly int Factor = int.Parse(Environment.GetEnvironmentVariable("PUBSUB_LAW_FACTOR") ?? "1", CultureInfo.InvariantCulture);

    /// <summary>Cases are drawn from this seed, <c>PUBSUB_LAW_SEED</c>, instead of from a new one each time; an odd number.</summary>
    private static readonly ulong? Seed =
        Environment.GetEnvironmentVariable("PUBSUB_LAW_SEED") is { } seed ? ulong.Parse(seed, CultureInfo.InvariantCulture) : null;

    /// <summary>
    /// Whether a case that breaks a law is made smaller before it is shown; not if <c>PUBSUB_LAW_SHRINK</c> is 0: whoever breaks the broker on
    /// purpose (ci/mutation) wants to know only that it was noticed.
    /// </summary>
    private static readonly bool Shrinks = Environment.GetEnvironmentVariable("PUBSUB_LAW_SHRINK") != "0";

    /// <summary>Checks a law. It fails by being false or by throwing; never by an NUnit assertion, which would outlive the shrinking.</summary>
    public static void Holds<T>(Gen<T> cases, Func<T, bool> law, int times = 300) =>
        Prop.ForAll(cases.ToArbitrary(), law).Check(Times(times));

    /// <summary>As above for rows of steps: a failing row is shrunk to the steps that it needs.</summary>
    public static void HoldsForRows<T>(Gen<T> steps, int atMost, Func<T[], bool> law, int times = 300) =>
        Holds(RowsOf(steps, atMost), Shorter, law, times);

    /// <summary>As above for cases that can be shrunk in some way.</summary>
    public static void Holds<T>(Gen<T> cases, Func<T, IEnumerable<T>> shrink, Func<T, bool> law, int times = 300) =>
        Prop.ForAll(Shrinks ? Arb.From(cases, shrink) : Arb.From(cases), law).Check(Times(times));

    public static Gen<T[]> RowsOf<T>(Gen<T> steps, int atMost) => Gen.Choose(0, atMost).SelectMany(length => steps.ArrayOf(length));

    private static Config Times(int times)
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(checked(times * Factor)).WithQuietOnSuccess(true);
        return Seed is { } seed ? config.WithReplay(seed, 1) : config;
    }

    /// <summary>The row without a half of it, without a quarter, and so on to a single step.</summary>
    public static IEnumerable<T[]> Shorter<T>(T[] row)
    {
        for (var chunk = row.Length / 2; chunk > 0; chunk /= 2)
        {
            for (var start = 0; start + chunk <= row.Length; start += chunk)
            {
                yield return [.. row[..start], .. row[(start + chunk)..]];
            }
        }
    }
}
