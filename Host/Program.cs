var app = WebApplication.CreateSlimBuilder(args).Build();
app.Run();

/// <summary>The entry point, public so that tests can start the Host in their own process.</summary>
public partial class Program;
