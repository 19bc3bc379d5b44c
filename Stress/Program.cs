using System.CommandLine;
using PubSub.Stress;

return Tool.Run(args);
