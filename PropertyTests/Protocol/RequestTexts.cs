using System.Text;

namespace PubSub.PropertyTests.Protocol;

/// <summary>Makes requests as JSON.</summary>
internal static class RequestTexts
{
    public static readonly string[] Types = ["subscribe", "publish", "unsubscribe", "ping"];

    /// <summary>A request of a type with every known member; <paramref name="field"/> has another value, or none if it is null.</summary>
    public static string Json(string type, string field = "", string? raw = null)
    {
        string? Member(string name, string legal) => name == field ? raw : legal;
        var message = Object(("id", Member("message.id", "\"m1\"")), ("payload", Member("message.payload", "1")));
        return Object(
            ("type", Member("type", $"\"{type}\"")),
            ("topic", Member("topic", "\"orders\"")),
            ("client_id", Member("client_id", "\"me\"")),
            ("message", Member("message", message)),
            ("last_n", Member("last_n", "5")),
            ("request_id", Member("request_id", "\"r1\"")));
    }

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static string Object(params (string Name, string? Raw)[] members) =>
        "{" + string.Join(',', members.Where(member => member.Raw is not null).Select(member => $"\"{member.Name}\":{member.Raw}")) + "}";
}
