using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Fixture;

/// <summary>
/// A failed precondition is <see cref="Inconclusive"/> and names the requirement that is really broken; a failed check violates its own
/// expectation.
/// </summary>
public static class Preconditions
{
    /// <summary>Requires an ack as a precondition.</summary>
    public static async Task<ServerMessage> Acked(this Task<ServerMessage> reply)
    {
        var message = await reply.Given("the request is answered");
        return message.IsAck
            ? message
            : throw new Inconclusive(
                $"a request that had to be acked was answered {message}",
                message.Requirement,
                new Violation("a request as specified is acked", "an ack", message.ToString()));
    }

    /// <summary>Requires a 2xx status as a precondition.</summary>
    public static async Task<T> Succeeded<T>(this Task<T> answer) where T : HttpAnswer
    {
        var http = await answer.Given("the request is answered");
        return http.IsSuccess
            ? http
            : throw new Inconclusive(
                $"a request that had to succeed was answered {http}",
                http.Requirement,
                new Violation("a request as specified succeeds", "a 2xx status", http.ToString()));
    }

    /// <summary>A control or a precondition: its violation makes the scenario inconclusive.</summary>
    /// <param name="blames">The requirement that is then broken, if the violation does not name one.</param>
    public static async Task<T> Given<T>(this Task<T> control, string precondition, string? blames = null)
    {
        try
        {
            return await control;
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: {precondition}. {violation.Message}", blames ?? violation.Breaks, violation);
        }
    }

    /// <inheritdoc cref="Given{T}"/>
    public static async Task Given(this Task control, string precondition, string? blames = null)
    {
        try
        {
            await control;
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: {precondition}. {violation.Message}", blames ?? violation.Breaks, violation);
        }
    }
}
