namespace PubSub.Stress;

/// <summary>Reports progress on standard error: one changing line on a terminal, otherwise a line for each step.</summary>
internal static class Progress
{
    private static readonly bool Live = !Console.IsErrorRedirected;
    private static bool _showing;

    public static void Say(string what)
    {
        Done();
        Console.Error.Write(Live ? what : what + Environment.NewLine);
        _showing = Live;
    }

    /// <summary>Erases the changing line.</summary>
    public static void Done()
    {
        if (_showing)
        {
            Console.Error.Write("\r\u001b[2K");
            _showing = false;
        }
    }
}
