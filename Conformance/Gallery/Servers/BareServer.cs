namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// v1, except that DELETE is answered with 204 and no body (PS-REST-006, PS-REST-012, PS-DEL-009) and that the listing is a bare
/// array (PS-REST-004).
/// </summary>
internal sealed class BareServer() : SmallServer(new Variation { BareList = true, DeletionStatus = 204 });
