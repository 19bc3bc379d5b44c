using System.CommandLine;

namespace PubSub.Stress.Verbs;

/// <summary>A verb that measures servers: it starts them, runs its loads, and writes the results.</summary>
internal abstract class ScenarioVerb : Verb
{
    private readonly ServerOptions _servers;
    private readonly Option<string?> _out = OptionFactory.Out();

    protected ScenarioVerb(string name, string question, string details, bool compares)
        : base(name, question, details)
    {
        _servers = new ServerOptions(this, compares);
        Add(_out);
    }

    /// <summary>Settings of the servers that this verb starts, where the defaults would decide the outcome.</summary>
    protected virtual (string Name, string Value)[] Settings => [];

    /// <summary>Runs all loads.</summary>
    protected abstract void Measure(Bench bench, ParseResult parsed);

    protected T Add<T>(T option)
        where T : Option
    {
        base.Add(option);
        return option;
    }

    protected sealed override bool Run(ParseResult parsed)
    {
        using var lineup = _servers.Open(parsed, Settings);
        var bench = new Bench(Name, lineup, parsed.GetValue(_out));
        return bench.CloseAfter(() => Measure(bench, parsed));
    }
}
