using Microsoft.Extensions.Configuration;
using PubSub.Hosting;

namespace PubSub.PropertyTests.Tools;

internal static class TestSettings
{
    /// <summary>The settings of these variables, and the defaults of all others.</summary>
    public static Settings Read(params (string Name, string Value)[] variables) =>
        Settings.Read(new ConfigurationBuilder()
            .AddInMemoryCollection(variables.Select(variable => KeyValuePair.Create(variable.Name, (string?)variable.Value)))
            .Build());
}
