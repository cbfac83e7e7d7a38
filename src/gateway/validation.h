#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/payment_intent.h"

namespace payment::v1 {
class CreatePaymentIntentRequest;
class PaymentDetails;
}  // namespace payment::v1
namespace common::v1 {
class Money;
}

namespace florin::gateway {

/// All that is wrong with a request, in one text for people: "bad request: amount: must be above
/// zero; user_id: must not be empty". Values are not echoed: clients match digits in error texts.
class Complaints {
public:
    void add(std::string_view field, std::string_view what);
    [[nodiscard]] bool none() const { return text_.empty(); }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

/// A checked creation request: what to store, and the delay it asks for.
struct NewPayment {
    PaymentIntent intent;
    std::optional<Milliseconds> delay;
};

/// Checks every field. `default_scenario` is for requests that name none; `delay_header` is the
/// call's `x-delay-ms` metadata, empty when absent.
std::expected<NewPayment, std::string> validate_create(
    const payment::v1::CreatePaymentIntentRequest& request, Scenario default_scenario,
    std::string_view delay_header);

/// Checks the form of card, bank or phone details; they are looked at and forgotten.
void validate_details(const payment::v1::PaymentDetails& details, Complaints& complaints);

/// Money of a request; complains under `field`. An empty currency is KRW.
std::optional<Money> validate_money(const common::v1::Money& money, std::string_view field,
                                    Complaints& complaints);

/// The id of an intent, or nothing when it is empty (a complaint) or cannot be one (not found).
void validate_text(std::string_view value, std::string_view field, std::size_t bytes_max,
                   Complaints& complaints);

}  // namespace florin::gateway
