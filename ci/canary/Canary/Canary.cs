namespace PubSub.Canaries;

/// <summary>
/// Two functions whose mutants have known results. A mutation runner that reports them correctly may judge the Broker; one that does not
/// is broken, and its score is not used.
/// </summary>
public static class Canary
{
    /// <summary>Its test notices every mutant: each must be reported killed.</summary>
    public static int Sum(int a, int b) => a + b;

    /// <summary>With <c>&gt;=</c> this is the same function: that mutant, and no other, must be reported to survive.</summary>
    public static int Larger(int a, int b) => a > b ? a : b;
}
