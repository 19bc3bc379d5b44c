namespace PubSub.Conformance.Gallery;

/// <summary>Every stranger. Each file of this folder holds the strangers of one kind.</summary>
internal static class Strangers
{
    public static IReadOnlyList<Stranger> All { get; } =
    [
        .. Foreign.Identity.All,
        .. Foreign.Delivery.All,
        .. Foreign.Requests.All,
        .. Foreign.Rest.All,
        .. Foreign.Hostile.All,
        .. Foreign.WantedOtherwise.All,
    ];
}
