#pragma once

#include <string>

#include "platform/base/time.h"
#include "platform/http/url.h"
#include "reservation/services.h"

namespace florin::http {
class Client;
}

namespace florin::reservation {

/// The reservation API over HTTP: PATCH and GET of /internal/reservations/{id} below its address.
/// The event's key goes along as Idempotency-Key, its trace id as X-Correlation-ID.
class HttpReservationApi final : public ReservationApi {
public:
    /// `client` outlives this object. `deadline` is of one call. `token` lets us in, as
    /// `Authorization: Bearer`; empty: none is sent.
    HttpReservationApi(http::Client& client, http::Url base, Milliseconds deadline,
                       std::string token = {})
        : client_(client), base_(std::move(base)), deadline_(deadline), token_(std::move(token)) {}

    awaitable<CallResult> set_status(ReservationEvent event, std::string status) override;
    awaitable<std::expected<ReservationView, CallFailure>> find(ReservationEvent event) override;

private:
    awaitable<std::expected<std::string, CallFailure>> call(std::string method,
                                                            ReservationEvent event,
                                                            std::string body);

    http::Client& client_;
    const http::Url base_;
    const Milliseconds deadline_;
    const std::string token_;
};

}  // namespace florin::reservation
