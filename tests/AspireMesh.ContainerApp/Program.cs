var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.UseUrls("http://0.0.0.0:8080");
var app = builder.Build();
app.Run(static context => context.Response.WriteAsync("ahead of time"));
app.Run();
