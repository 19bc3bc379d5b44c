using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using PubSub.Benchmarks;

// Results go beside those of the load tool, into a folder that git ignores.
var config = DefaultConfig.Instance.WithArtifactsPath(Path.Combine("results", "benchmarks"));
BenchmarkSwitcher.FromTypes([typeof(Publish), typeof(Encode), typeof(Parse)]).Run(args is [] ? ["--filter", "*"] : args, config);
