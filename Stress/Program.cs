using PubSub.Stress.CommandLine;

return Tool.Run(args);
