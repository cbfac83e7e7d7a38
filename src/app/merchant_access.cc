#include "app/merchant_access.h"

#include <array>
#include <string>

#include "merchants/authenticator.h"
#include "payments/payment_json.h"

namespace florin::app {
namespace {

using http::Request;
using http::Response;
using merchants::Denial;
using merchants::Scope;

Scope scope_of(payments::Access access) {
    switch (access) {
        case payments::Access::Read:
            return Scope::PaymentsRead;
        case payments::Access::Write:
            return Scope::PaymentsWrite;
        case payments::Access::Refund:
            break;
    }
    return Scope::RefundsWrite;
}

/// `challenge` says after RFC 6750 what is wrong with the credentials.
Response refusal(unsigned status, std::string_view message, const std::string& challenge) {
    Response response = http::json(
        status, payments::error_json(status == 401 ? "UNAUTHORIZED" : "FORBIDDEN", message, {}));
    response.headers.add("WWW-Authenticate", "Bearer realm=\"florin\"" + challenge);
    return response;
}

Response refusal(Denial denial, Scope scope) {
    const std::string invalid = ", error=\"invalid_token\"";
    switch (denial) {
        case Denial::NoKey:
            return refusal(401,
                           "An API key is missing: send Authorization: Bearer flk_... or "
                           "X-Api-Key: flk_...",
                           "");
        case Denial::UnknownKey:
            return refusal(401, "This is not an API key of this server", invalid);
        case Denial::Expired:
            return refusal(401, "This API key has expired; use the one that replaces it", invalid);
        case Denial::Revoked:
            return refusal(401, "This API key was revoked", invalid);
        case Denial::MissingScope:
            break;
    }
    const std::string name(merchants::name_of(scope));
    return refusal(403, "This API key has no scope " + name,
                   ", error=\"insufficient_scope\", scope=\"" + name + '"');
}

const char* label_of(Denial denial) {
    switch (denial) {
        case Denial::NoKey:
            return "no_key";
        case Denial::UnknownKey:
            return "unknown_key";
        case Denial::Expired:
            return "expired";
        case Denial::Revoked:
            return "revoked";
        case Denial::MissingScope:
            break;
    }
    return "missing_scope";
}

class Access final : public payments::Authorization {
public:
    Access(merchants::Authenticator& authenticator, telemetry::Metrics& metrics)
        : authenticator_(authenticator), other_merchant_(counter(metrics, "other_merchant")) {
        for (std::size_t i = 0; i < denied_.size(); ++i)
            denied_[i] = counter(metrics, label_of(static_cast<Denial>(i)));
    }

    awaitable<std::expected<std::string, Response>> authenticate(const Request& request,
                                                                 payments::Access access) override {
        const Scope scope = scope_of(access);
        auto merchant = co_await authenticator_.merchant_of(merchants::key_in(request), scope);
        if (merchant) co_return *std::move(merchant);
        denied_[static_cast<std::size_t>(merchant.error())].add();
        co_return std::unexpected(refusal(merchant.error(), scope));
    }

    Response other_merchant() override {
        other_merchant_.add();
        return refusal(403, "This API key belongs to another merchant",
                       ", error=\"insufficient_scope\"");
    }

private:
    static telemetry::Counter counter(telemetry::Metrics& metrics, const char* reason) {
        return metrics.counter("florin_api_key_denials_total",
                               "Payment requests refused because of their API key.",
                               {{"reason", reason}});
    }

    merchants::Authenticator& authenticator_;
    std::array<telemetry::Counter, static_cast<std::size_t>(Denial::MissingScope) + 1> denied_;
    telemetry::Counter other_merchant_;
};

}  // namespace

std::shared_ptr<payments::Authorization> merchant_access(merchants::Authenticator& authenticator,
                                                         telemetry::Metrics& metrics) {
    return std::make_shared<Access>(authenticator, metrics);
}

}  // namespace florin::app
