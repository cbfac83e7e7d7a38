#pragma once

namespace florin::http {
class Router;
}

namespace florin::web {

/// Adds the description of the HTTP API (/openapi.yaml, /openapi.json) and the page that shows it
/// (/swagger-ui.html). Everything comes out of the binary.
void add_docs_routes(http::Router& router);

}  // namespace florin::web
