using PubSub.Conformance.Reports;
using PubSub.Conformance.Running;

namespace PubSub.Conformance.Tests;

internal static class Stories
{
    /// <summary>What the scenario did and why it has its verdict, for the message of a failed test.</summary>
    public static string ToStory(this Outcome outcome) => Story.Of(outcome.ToResult(), outcome.Requirement);
}
