using NUnit.Framework;

namespace PubSub.Canaries;

public sealed class CanaryTests
{
    [Test]
    public void A_sum_is_a_sum() => Assert.That(Canary.Sum(2, 3), Is.EqualTo(5));

    [TestCase(1, 2)]
    [TestCase(2, 1)]
    [TestCase(2, 2)]
    public void The_larger_of_two_is_the_larger(int a, int b) => Assert.That(Canary.Larger(a, b), Is.EqualTo(2));
}
