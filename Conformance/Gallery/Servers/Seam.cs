namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// One step of the correct server. Every step can be wrapped, so that a wrong server is the correct one and a few lines:
/// <c>server.Rest.Created.Wrap(next => name => next(name) with { Status = 200 })</c>. Wraps add up; the last one runs first.
/// </summary>
/// <remarks>
/// A step is wrapped before the server listens, or, in <see cref="SmallServer.EachTopic"/> and its siblings, before anything uses the
/// object. State that belongs to the wrap lives in variables beside it.
/// </remarks>
/// <typeparam name="TStep">The delegate type of the step.</typeparam>
internal sealed class Seam<TStep>(TStep step)
    where TStep : Delegate
{
    /// <summary>The step with everything that was wrapped around it.</summary>
    public TStep Call { get; private set; } = step;

    /// <param name="around">Gets the present step, and returns the new one.</param>
    public void Wrap(Func<TStep, TStep> around) => Call = around(Call);
}

/// <summary>
/// Makes a correct server behave otherwise: it wraps seams, or sets <see cref="SmallServer.Settings"/> or
/// <see cref="SmallServer.Variation"/>. A server takes any number of changes.
/// </summary>
internal delegate void Change(SmallServer server);
