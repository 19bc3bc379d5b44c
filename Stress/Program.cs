using PubSub.Stress;

const int Ok = 0, Failed = 1, BadUsage = 2;

Verb[] verbs = [FanOut.Verb, Idle.Verb, Slow.Verb, JoinStorm.Verb];

if (args is [] or ["--help" or "-h"])
{
    Console.WriteLine("PubSub.Stress VERB [options]: loads a pub/sub server over WebSocket and checks every promise it makes.\n");
    foreach (var verb in verbs)
    {
        Console.WriteLine($"  {verb.Name,-12}{verb.Question}");
    }

    Console.WriteLine("\nVERB --help lists its options. Exit code: 0 all promises kept, 1 one broken, 2 bad usage.");
    return args is [] ? BadUsage : Ok;
}

try
{
    var verb = Array.Find(verbs, v => v.Name == args[0]) ?? throw new UsageError($"{args[0]}: no such verb, see --help");
    if (args.AsSpan(1).IndexOfAny("--help", "-h") >= 0)
    {
        Console.WriteLine($"PubSub.Stress {verb.Name}: {verb.Question}\n\n{verb.Help}");
        return Ok;
    }

    return verb.Run(new Arguments(args.AsSpan(1))) ? Ok : Failed;
}
catch (UsageError e)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return BadUsage;
}
catch (RunFailed e)
{
    Console.Error.WriteLine($"FAILED: {e.Message}");
    return Failed;
}
