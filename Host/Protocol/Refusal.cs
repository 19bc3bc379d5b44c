namespace PubSub.Hosting.Protocol;

/// <summary>A request that is not carried out.</summary>
/// <param name="Status">The HTTP status, over REST and in the answer to a handshake; an error message has none.</param>
/// <param name="Code">One of <see cref="ErrorCode"/>, for machines.</param>
/// <param name="Text">The field and the rule, for people.</param>
/// <param name="RetryAfter">Milliseconds after which it may pass; null if time changes nothing.</param>
internal readonly record struct Refusal(int Status, string Code, string Text, int? RetryAfter = null);
