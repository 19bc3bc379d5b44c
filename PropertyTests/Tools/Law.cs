using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace PubSub.PropertyTests.Tools;

/// <summary>Checks that a property is true of all generated cases; FsCheck searches for a counterexample.</summary>
internal static class Law
{
    /// <summary>Multiplies the number of cases of every law: <c>PUBSUB_LAW_FACTOR</c>, from 1.</summary>
    private static readonly int Factor =
        int.Parse(Environment.GetEnvironmentVariable("PUBSUB_LAW_FACTOR") ?? "1", CultureInfo.InvariantCulture);

    /// <summary>The seed of the cases: <c>PUBSUB_LAW_SEED</c>, an odd number; a new one for each check if it is not set.</summary>
    private static readonly ulong? Seed =
        Environment.GetEnvironmentVariable("PUBSUB_LAW_SEED") is { } seed ? ulong.Parse(seed, CultureInfo.InvariantCulture) : null;

    /// <summary>
    /// Whether a case that breaks a law is shrunk before it is shown. Not if <c>PUBSUB_LAW_SHRINK</c> is 0: mutation testing (ci/mutation)
    /// only needs to know that the fault was found.
    /// </summary>
    private static readonly bool Shrinks = Environment.GetEnvironmentVariable("PUBSUB_LAW_SHRINK") != "0";

    /// <summary>
    /// Checks a law, which fails by being false or by throwing. It must not use NUnit assertions: one that fails would be reported for
    /// every case of the shrinking.
    /// </summary>
    public static void Holds<T>(Gen<T> cases, Func<T, bool> law, int times = 300) =>
        Prop.ForAll(cases.ToArbitrary(), law).Check(Times(times));

    /// <summary>Checks a law of rows of steps. A failing row is shrunk to the steps that it needs.</summary>
    public static void HoldsForRows<T>(Gen<T> steps, int atMost, Func<T[], bool> law, int times = 300) =>
        Holds(RowsOf(steps, atMost), Shorter, law, times);

    /// <summary>Checks a law of cases that <paramref name="shrink"/> can make smaller.</summary>
    public static void Holds<T>(Gen<T> cases, Func<T, IEnumerable<T>> shrink, Func<T, bool> law, int times = 300) =>
        Prop.ForAll(Shrinks ? Arb.From(cases, shrink) : Arb.From(cases), law).Check(Times(times));

    public static Gen<T[]> RowsOf<T>(Gen<T> steps, int atMost) =>
        Gen.Choose(0, atMost).SelectMany(length => steps.ArrayOf(length));

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
