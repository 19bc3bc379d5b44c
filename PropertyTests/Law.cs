using FsCheck;
using FsCheck.Fluent;

namespace PubSub.PropertyTests;

/// <summary>A sentence that is true of every case; FsCheck looks for one of which it is not.</summary>
internal static class Law
{
    /// <summary>Checks a law. It fails by being false or by throwing; never by an NUnit assertion, which would outlive the shrinking.</summary>
    public static void Holds<T>(Gen<T> cases, Func<T, bool> law, int times = 300) =>
        Prop.ForAll(cases.ToArbitrary(), law).Check(Times(times));

    /// <summary>As above for rows of steps: a failing row is shrunk to the steps that it needs.</summary>
    public static void HoldsForRows<T>(Gen<T> steps, int atMost, Func<T[], bool> law, int times = 300)
    {
        var rows = Gen.Choose(0, atMost).SelectMany(length => steps.ArrayOf(length));
        Prop.ForAll(Arb.From(rows, Shorter), law).Check(Times(times));
    }

    private static Config Times(int times) => Config.QuickThrowOnFailure.WithMaxTest(times).WithQuietOnSuccess(true);

    private static IEnumerable<T[]> Shorter<T>(T[] row)
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
