namespace PubSub.Canaries;

/// <summary>
/// Two sums of which everything is known. A mutation runner that calls them right is believed when it judges the Broker; one that does not
/// is broken, whatever score it gives.
/// </summary>
public static class Canary
{
    /// <summary>Every change of this one is found out by its test: it must be reported killed.</summary>
    public static int Sum(int a, int b) => a + b;

    /// <summary>With <c>&gt;=</c> instead this is the same function: that mutant, and no other, must be reported to survive.</summary>
    public static int Larger(int a, int b) => a > b ? a : b;
}
