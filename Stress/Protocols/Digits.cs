using System.Globalization;

namespace PubSub.Stress.Protocols;

/// <summary>Numbers as text of fixed width, so that they do not change the length of a frame.</summary>
internal static class Digits
{
    public const int Width = 12;

    public static void Write(long number, Span<byte> target)
    {
        for (var i = Width - 1; i >= 0; i--)
        {
            (number, var digit) = Math.DivRem(number, 10);
            target[i] = (byte)('0' + digit);
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out long number)
    {
        number = 0;
        if (source.Length < Width)
        {
            return false;
        }

        foreach (var digit in source[..Width])
        {
            var value = (uint)(digit - '0');
            if (value > 9)
            {
                return false;
            }

            number = (number * 10) + value;
        }

        return true;
    }

    public static string Text(long number) => number.ToString("D" + Width, CultureInfo.InvariantCulture);
}
