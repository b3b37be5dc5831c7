using System.Security.Cryptography.X509Certificates;
using AspireMesh.TestKit;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>nginx and HAProxy doing the same two hops with mutual TLS, one worker each, connections kept alive.</summary>
internal static class RivalPairs
{
    public static ProxyPair Nginx(string folder, int app)
    {
        var (near, far) = (FreePort.Next(), FreePort.Next());
        File.WriteAllText(Path.Combine(folder, "near.conf"), NginxConf(folder, "near", $$"""
            upstream peer { server 127.0.0.1:{{far}}; keepalive 128; keepalive_requests 1000000; }
            server {
              listen 127.0.0.1:{{near}};
              keepalive_requests 1000000;
              location / {
                proxy_pass https://peer;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_ssl_protocols TLSv1.3;
                proxy_ssl_certificate {{folder}}/web.pem;
                proxy_ssl_certificate_key {{folder}}/web.key;
                proxy_ssl_trusted_certificate {{folder}}/ca.pem;
                proxy_ssl_verify on;
                proxy_ssl_name api.test;
                proxy_ssl_session_reuse on;
              }
            }
            """));
        File.WriteAllText(Path.Combine(folder, "far.conf"), NginxConf(folder, "far", $$"""
            upstream app { server 127.0.0.1:{{app}}; keepalive 128; keepalive_requests 1000000; }
            server {
              listen 127.0.0.1:{{far}} ssl;
              keepalive_requests 1000000;
              ssl_protocols TLSv1.3;
              ssl_certificate {{folder}}/api.pem;
              ssl_certificate_key {{folder}}/api.key;
              ssl_client_certificate {{folder}}/ca.pem;
              ssl_verify_client on;
              location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
            }
            """));
        return new ProxyPair("nginx-h1", near, [ProxyPair.Start("nginx", "-c", Path.Combine(folder, "near.conf")), ProxyPair.Start("nginx", "-c", Path.Combine(folder, "far.conf"))]);
    }

    public static ProxyPair Haproxy(string folder, int app)
    {
        var (near, far) = (FreePort.Next(), FreePort.Next());
        const string common = """
            global
              nbthread 1
              maxconn 4000
            defaults
              mode http
              timeout connect 5s
              timeout client 60s
              timeout server 60s
              http-reuse always

            """;
        File.WriteAllText(Path.Combine(folder, "near.cfg"), common + $"""
            frontend in
              bind 127.0.0.1:{near}
              default_backend peer
            backend peer
              server peer 127.0.0.1:{far} ssl crt {folder}/web.both ca-file {folder}/ca.pem verify required verifyhost api.test sni str(api.test) alpn h2 ssl-min-ver TLSv1.3

            """);
        File.WriteAllText(Path.Combine(folder, "far.cfg"), common + $"""
            frontend in
              bind 127.0.0.1:{far} ssl crt {folder}/api.both ca-file {folder}/ca.pem verify required alpn h2 ssl-min-ver TLSv1.3
              default_backend app
            backend app
              server app 127.0.0.1:{app}

            """);
        return new ProxyPair("haproxy-h2", near, [ProxyPair.Start("haproxy", "-db", "-f", Path.Combine(folder, "near.cfg")), ProxyPair.Start("haproxy", "-db", "-f", Path.Combine(folder, "far.cfg"))]);
    }

    /// <summary>The app at the end: nginx with one small answer, so that the app is never what is measured.</summary>
    public static ProxyPair App(string folder)
    {
        var port = FreePort.Next();
        File.WriteAllText(Path.Combine(folder, "app.conf"), NginxConf(folder, "app", $$"""
            server {
              listen 127.0.0.1:{{port}};
              keepalive_requests 1000000;
              location / { default_type text/plain; return 200 "{{new string('x', 1024)}}"; }
            }
            """));
        return new ProxyPair("no proxy", port, [ProxyPair.Start("nginx", "-c", Path.Combine(folder, "app.conf"))]);
    }

    /// <summary>Certificates for both rivals: the same kind of key and life as ours.</summary>
    public static void WriteCertificates(string folder)
    {
        var certificates = new TestCertificates(now: TimeProvider.System.GetUtcNow());
        File.WriteAllText(Path.Combine(folder, "ca.pem"), certificates.RootPem);
        foreach (var name in new[] { "web", "api" })
        {
            using var svid = certificates.Issue(new SvidShape { Uris = [certificates.IdOf(name)], DnsNames = [$"{name}.test"] });
            var key = svid.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
            File.WriteAllText(Path.Combine(folder, $"{name}.pem"), svid.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, $"{name}.key"), key);
            File.WriteAllText(Path.Combine(folder, $"{name}.both"), svid.ExportCertificatePem() + "\n" + key + "\n");
        }
    }

    private static string NginxConf(string folder, string name, string http) => $$"""
        daemon off;
        worker_processes 1;
        pid {{folder}}/{{name}}.pid;
        error_log {{folder}}/{{name}}.log warn;
        events { worker_connections 4000; }
        http {
          access_log off;
          client_body_temp_path {{folder}}/{{name}}-body;
          proxy_temp_path {{folder}}/{{name}}-proxy;
          fastcgi_temp_path {{folder}}/{{name}}-f;
          uwsgi_temp_path {{folder}}/{{name}}-u;
          scgi_temp_path {{folder}}/{{name}}-s;
          {{http}}
        }
        """;
}
