namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// v1, except that an error is a plain string: the code on the WebSocket (PS-ERR-004, and so no sentence for PS-ERR-005), a sentence
/// in plain JSON over REST (PS-REST-018, PS-REST-019, PS-REST-026, PS-REST-028). Text that is no JSON, or too deep to be read as
/// such, ends the connection with 1003 and is not answered (PS-ERR-001, PS-ERR-002, PS-ENV-007, PS-ROB-002).
/// </summary>
internal sealed class StringErrorServer() : SmallServer(new Variation { StringErrors = true, HangsUpOnBrokenJson = true });
