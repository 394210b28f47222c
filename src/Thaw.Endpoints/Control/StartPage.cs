namespace Thaw.Endpoints.Control;

/// <summary>
/// The plain page at <c>/</c>: what there is on this port. It needs no script and loads nothing else.
/// </summary>
internal static class StartPage
{
    /// <summary>The page.</summary>
    public const string Html = """
        <!doctype html>
        <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <title>Thaw node</title>
          <style>
            :root { color-scheme: light dark; }
            body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
            dt { margin-top: .75rem; }
            dd { margin: 0; }
            code, dt { font-family: ui-monospace, monospace; }
          </style>
        </head>
        <body>
          <header>
            <h1>Thaw node</h1>
            <p>The control port of one node: what it holds, what it does, and whether it is well.</p>
          </header>
          <main>
            <h2>Look</h2>
            <nav aria-label="Pages of this node">
              <dl>
                <dt><a href="/api/v1/stats">/api/v1/stats</a></dt><dd>Counters since start, and gauges.</dd>
                <dt><a href="/api/v1/mounts">/api/v1/mounts</a></dt><dd>Mounts, and what is cached of each.</dd>
                <dt><a href="/api/v1/jobs">/api/v1/jobs</a></dt><dd>Jobs of this run.</dd>
                <dt><a href="/readyz">/readyz</a></dt><dd>Whether the node can serve, and if not, why.</dd>
                <dt><a href="/healthz">/healthz</a></dt><dd>Whether the process answers.</dd>
                <dt><a href="/metrics">/metrics</a></dt><dd>Metrics for Prometheus.</dd>
                <dt><a href="/openapi/v1.json">/openapi/v1.json</a></dt><dd>The API as an OpenAPI document.</dd>
              </dl>
            </nav>
            <h2>Do</h2>
            <p>From a shell: <code>thaw ls</code>, <code>thaw load models/</code>, <code>thaw pin models/</code>.</p>
          </main>
        </body>
        </html>

        """;
}
