using NUnit.Framework;

// No namespace: it is of the whole assembly.
#pragma warning disable CA1050

/// <summary>
/// Test projects that use the whole machine take turns, also where <c>dotnet test</c> starts several at once: what one measures or waits for, the other
/// would spoil. Compiled into each of them.
/// </summary>
[SetUpFixture]
public sealed class OneAtATime : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private FileStream? _turn;

    /// <summary>Waits for its turn; a runner that starts many processes at once and has them wait for nothing says PUBSUB_TESTS_TOGETHER.</summary>
    [OneTimeSetUp]
    public async Task TakeTurnAsync()
    {
        var file = Path.Combine(Path.GetTempPath(), $"pubsubspec-tests-{Environment.UserName}.lock");
        using var deadline = new CancellationTokenSource(Patience);
        while (_turn is null && Environment.GetEnvironmentVariable("PUBSUB_TESTS_TOGETHER") is null)
        {
            try
            {
                _turn = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(Interval, deadline.Token); // somebody else's turn
            }
        }
    }

    /// <summary>NUnit calls this when all tests are done.</summary>
    [OneTimeTearDown]
    public void Dispose() => _turn?.Dispose();
}
