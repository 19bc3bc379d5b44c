using System.Diagnostics;
using NUnit.Framework;

namespace PubSub.PropertyTests.Nodes;

/// <summary>REDIS may hold a password.</summary>
[Category("Nodes")]
public sealed class SettingLaws
{
    [TestCase("127.0.0.1:6379,pasword=se-cr-et")]
    [TestCase("127.0.0.1:6379,password=se-cr-et,connectTimeout=soon")]
    [TestCase(",password=se-cr-et")]
    public async Task A_REDIS_that_is_not_legal_ends_the_start_with_2_and_is_not_shown(string redis)
    {
        var start = NodeProcess.Command(NodeProcess.Built);
        start.Environment["REDIS"] = redis;
        start.RedirectStandardError = start.RedirectStandardOutput = true;
        using var node = Process.Start(start)!;
        var (errors, output) = (node.StandardError.ReadToEndAsync(), node.StandardOutput.ReadToEndAsync());
        await node.WaitForExitAsync().WaitAsync(Tools.Threads.Patience);

        Assert.That(node.ExitCode, Is.EqualTo(2));
        Assert.That(await errors, Does.StartWith("REDIS must be ").And.Not.Contain("se-cr-et"));
        Assert.That(await output, Does.Not.Contain("se-cr-et"));
    }
}
