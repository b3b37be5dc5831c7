using AspireMesh.Hosting.Kubernetes;
using AspireMesh.Protocol.Policies;
using Shop.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
builder.AddKubernetesEnvironment("k8s").WithDashboard(false);

var cache = builder.AddProject<Projects.Shop_Cache>("cache")
    .WithEndpoint(scheme: "tcp", name: "redis", env: "CACHE_PORT");
var cacheConnection = builder.AddConnectionString("cache-connection", ReferenceExpression.Create($"{cache.GetEndpoint("redis").Property(EndpointProperty.HostAndPort)}"));

var catalog = builder.AddProject<Projects.Shop_Catalog>("catalog")
    .WithReplicas(2)
    .WithReference(cacheConnection, connectionName: "cache")
    .WithHttpHealthCheck("/health")
    .WaitFor(cache);

var inventory = builder.AddProject<Projects.Shop_Inventory>("inventory")
    .WithHttpEndpoint(name: "grpc")
    .WithHttpHealthCheck("/health", endpointName: "http")
    .WithStockStore();
// Not by the endpoint's env: that would take it out of the addresses ASP.NET is told to listen on.
inventory.WithEnvironment("GRPC_PORT", $"{inventory.GetEndpoint("grpc").Property(EndpointProperty.TargetPort)}");

var payments = builder.AddExecutable("payments", "node", "../Shop.Payments", "server.js")
    .WithHttpEndpoint(env: "PORT")
    .WithHttpHealthCheck("/health")
    .PublishAsDockerFile();

var orders = builder.AddProject<Projects.Shop_Orders>("orders")
    .WithReference(inventory)
    .WithReference(payments.GetEndpoint("http"))
    .WithHttpHealthCheck("/health")
    .WaitFor(inventory)
    .WaitFor(payments);

var frontend = builder.AddProject<Projects.Shop_Frontend>("frontend")
    .WithReference(catalog)
    .WithReference(orders)
    .WithHttpHealthCheck("/health")
    .WithExternalHttpEndpoints()
    .WaitFor(catalog)
    .WaitFor(orders);

var mesh = builder.AddServiceMesh();
// A slow replica of the catalogue is not worth waiting for: the other one is asked.
mesh.Edge(frontend, catalog)
    .WithTimeout(t => t with { Request = TimeSpan.FromSeconds(4), PerTry = TimeSpan.FromSeconds(2) })
    .WithRetry(r => r with { MaxRetries = 3, Conditions = r.Conditions | RetryConditions.PerTryTimeout });
// A payment that takes long is asked for again: payments knows an order by its number, so nobody is charged twice.
mesh.Edge(orders, payments)
    .WithTimeout(t => t with { Request = TimeSpan.FromSeconds(7), PerTry = TimeSpan.FromSeconds(1) })
    .WithRetry(r => r with { MaxRetries = 3, NonIdempotentMethods = true, Conditions = r.Conditions | RetryConditions.PerTryTimeout, BudgetRatio = 1 });
// Orders says who called: its sidecar works on requests, so both ends of a call are in its trace.
orders.WithMeshIdentityHeader();

// Who says who a workload is: the mesh's own CA, or what the cluster has (`-- --Shop:Identity=spire`, `cert-manager`).
if (builder.Configuration["Shop:Identity"] == "spire") mesh.WithSpire();
if (builder.Configuration["Shop:Identity"] == "cert-manager") mesh.WithCertManager("shop-ca", kind: "ClusterIssuer");
// A client of old outside the mesh, with an SVID of its own, may come with TLS 1.2 (`-- --Shop:Tls12=true`).
if (builder.Configuration["Shop:Tls12"] == "true") mesh.WithTls12();

mesh.PublishMeshTo(MeshBackend.AspireMesh);

builder.Build().Run();
