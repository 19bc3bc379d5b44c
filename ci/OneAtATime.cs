using NUnit.Framework;

// No namespace: NUnit then applies the fixture to the whole assembly.
#pragma warning disable CA1050

/// <summary>
/// Test projects that use the whole machine run one at a time, also when <c>dotnet test</c> starts several at once: a second project
/// would distort what the first one measures or waits for. This file is compiled into each of them.
/// </summary>
[SetUpFixture]
public sealed class OneAtATime : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private FileStream? _turn;

    /// <summary>Waits for a lock file that all test processes of this user share. Does not wait if PUBSUB_TESTS_TOGETHER is set.</summary>
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
                await Task.Delay(Interval, deadline.Token); // another process has the lock
            }
        }
    }

    /// <summary>Releases the lock when all tests are done.</summary>
    [OneTimeTearDown]
    public void Dispose() => _turn?.Dispose();
}
