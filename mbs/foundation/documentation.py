"""/docs: the interactive page of the API, from vendored assets, with no request to anywhere else."""

from importlib import resources
from pathlib import Path

from flask import Flask, Response

from mbs.foundation.errors import NotFound
from mbs.foundation.security import public

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MyBizStream API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = """window.onload = () => {
  SwaggerUIBundle({
    url: "/api/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: false,
    validatorUrl: null, defaultModelsExpandDepth: 0, displayRequestDuration: true,
    presets: [SwaggerUIBundle.presets.apis],
  });
};
"""

# The bundle styles elements inline; scripts come from this host only.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


def install(app: Flask) -> None:
    """Serve the page."""
    assets = Path(str(resources.files("flask_swagger_ui").joinpath("dist")))

    @app.get("/docs")
    @public
    def documentation_page() -> Response:
        return _page(PAGE, "text/html; charset=utf-8")

    @app.get("/docs/start.js")
    @public
    def documentation_start() -> Response:
        return _page(START, "text/javascript; charset=utf-8")

    @app.get("/docs/assets/<name>")
    @public
    def documentation_asset(name: str) -> Response:
        if name not in ASSETS:
            raise NotFound
        # Read at once: a file object would outlive the bulkhead's slot.
        response = Response((assets / name).read_bytes(), content_type=ASSETS[name])
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


def _page(text: str, content_type: str) -> Response:
    return Response(text, content_type=content_type, headers={"Content-Security-Policy": POLICY})
