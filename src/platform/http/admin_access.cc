#include "platform/http/admin_access.h"

#include "platform/crypto/hmac.h"

namespace florin::http {

std::optional<Response> refuse_admin(const AdminAccess& access, const Request& request) {
    if (access.token.empty()) {
        if (!access.token_required) return std::nullopt;
        return problem(403, "admin_api_closed",
                       "in production the admin API is open only with a token: set ADMIN_TOKEN",
                       request.trace_id);
    }
    if (crypto::equal_constant_time(request.headers.get("Authorization"),
                                    "Bearer " + access.token)) {
        return std::nullopt;
    }
    Response response =
        problem(401, "unauthorized", "send the ADMIN_TOKEN of this server as Authorization: Bearer",
                request.trace_id);
    response.headers.add("WWW-Authenticate", "Bearer");
    return response;
}

}  // namespace florin::http
