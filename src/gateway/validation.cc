#include "gateway/validation.h"

#include <algorithm>
#include <charconv>

#include "platform/http/url.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::gateway {
namespace {

constexpr std::size_t id_bytes_max = 128;
constexpr int tags_max = 50;
constexpr std::size_t tag_key_bytes_max = 64;
constexpr std::size_t tag_value_bytes_max = 512;
constexpr std::int64_t delay_ms_max = 86'400'000;

bool blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void require_text(std::string_view value, std::string_view field, Complaints& complaints) {
    if (blank(value)) complaints.add(field, "must not be empty");
    validate_text(value, field, id_bytes_max, complaints);
}

std::optional<Milliseconds> parse_delay(std::string_view text) {
    std::int64_t ms = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (error != std::errc{} || stop != text.data() + text.size() || ms < 0 || ms > delay_ms_max)
        return std::nullopt;
    return Milliseconds(ms);
}

std::optional<Milliseconds> requested_delay(const payment::v1::PaymentMetadata& metadata,
                                            std::string_view header, Complaints& complaints) {
    const auto tag = metadata.tags().find("delay_ms");
    const bool tagged = tag != metadata.tags().end();
    if (!tagged && header.empty()) return std::nullopt;
    const auto delay = parse_delay(tagged ? std::string_view(tag->second) : header);
    if (!delay) {
        complaints.add(tagged ? "metadata.tags.delay_ms" : "x-delay-ms",
                       "must be whole milliseconds, at most one day");
    }
    return delay;
}

Scenario chosen_scenario(const payment::v1::CreatePaymentIntentRequest& request, Scenario fallback,
                         Complaints& complaints) {
    const bool own = request.scenario() != payment::v1::PAYMENT_SCENARIO_UNSPECIFIED;
    const int number = own ? static_cast<int>(request.scenario())
                           : static_cast<int>(request.metadata().scenario());
    if (number == 0) return fallback;
    const auto scenario = scenario_from(number);
    if (!scenario) {
        complaints.add(own ? "scenario" : "metadata.scenario",
                       "must be approve, fail, delay, random or timeout");
    }
    return scenario.value_or(fallback);
}

void validate_metadata(const payment::v1::PaymentMetadata& metadata, Complaints& complaints) {
    validate_text(metadata.source(), "metadata.source", tag_value_bytes_max, complaints);
    validate_text(metadata.user_agent(), "metadata.user_agent", tag_value_bytes_max, complaints);
    validate_text(metadata.ip_address(), "metadata.ip_address", id_bytes_max, complaints);
    validate_text(metadata.session_id(), "metadata.session_id", tag_value_bytes_max, complaints);
    if (metadata.tags_size() > tags_max) complaints.add("metadata.tags", "has too many entries");
    for (const auto& [key, value] : metadata.tags()) {
        if (key.size() > tag_key_bytes_max || value.size() > tag_value_bytes_max) {
            complaints.add("metadata.tags", "has a key or value that is too long");
            break;
        }
    }
}

bool digits(std::string_view text, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void validate_card(const payment::v1::CreditCardDetails& card, Complaints& complaints) {
    std::string number = card.card_number();
    std::erase_if(number, [](char c) { return c == ' ' || c == '-'; });
    if (!digits(number, 12, 19))
        complaints.add("payment_details.credit_card.card_number", "must be a card number");
    const bool month = digits(card.expiry_month(), 1, 2) && card.expiry_month() != "0" &&
                       card.expiry_month() != "00" &&
                       (card.expiry_month().size() == 1 || card.expiry_month() <= "12");
    if (!month) complaints.add("payment_details.credit_card.expiry_month", "must be a month");
    if (!digits(card.expiry_year(), 2, 2) && !digits(card.expiry_year(), 4, 4)) {
        complaints.add("payment_details.credit_card.expiry_year", "must have two or four digits");
    }
    if (!card.cvv().empty() && !digits(card.cvv(), 3, 4)) {
        complaints.add("payment_details.credit_card.cvv", "must have three or four digits");
    }
    validate_text(card.cardholder_name(), "payment_details.credit_card.cardholder_name",
                  id_bytes_max, complaints);
}

}  // namespace

void Complaints::add(std::string_view field, std::string_view what) {
    text_ += text_.empty() ? "bad request: " : "; ";
    text_ += field;
    text_ += ": ";
    text_ += what;
}

void validate_text(std::string_view value, std::string_view field, std::size_t bytes_max,
                   Complaints& complaints) {
    if (value.size() > bytes_max) complaints.add(field, "is too long");
    const bool control =
        std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (control) complaints.add(field, "must not hold control characters");
}

std::optional<Money> validate_money(const common::v1::Money& money, std::string_view field,
                                    Complaints& complaints) {
    const auto currency = money.currency().empty() ? std::optional(Currency::krw())
                                                   : Currency::parse(money.currency());
    if (!currency)
        complaints.add(std::string(field) + ".currency",
                       "must be three upper-case letters (ISO currency)");
    if (money.amount() <= 0) complaints.add(std::string(field) + ".amount", "must be above zero");
    if (!currency || money.amount() <= 0) return std::nullopt;
    return Money{money.amount(), *currency};
}

std::expected<NewPayment, std::string> validate_create(
    const payment::v1::CreatePaymentIntentRequest& request, Scenario default_scenario,
    std::string_view delay_header) {
    Complaints complaints;
    NewPayment made;
    require_text(request.reservation_id(), "reservation_id", complaints);
    require_text(request.user_id(), "user_id", complaints);
    if (!request.has_amount()) {
        complaints.add("amount", "must be given");
    } else if (const auto amount = validate_money(request.amount(), "amount", complaints)) {
        made.intent.amount = *amount;
    }
    if (!payment::v1::PaymentMethod_IsValid(request.method()))
        complaints.add("method", "is not a payment method");
    made.intent.scenario = chosen_scenario(request, default_scenario, complaints);
    if (!request.webhook_url().empty()) {
        const auto url = http::parse_url(request.webhook_url());
        if (!url) complaints.add("webhook_url", url.error());
    }
    validate_text(request.idempotency_key(), "idempotency_key", id_bytes_max, complaints);
    validate_metadata(request.metadata(), complaints);
    made.delay = requested_delay(request.metadata(), delay_header, complaints);
    if (!complaints.none()) return std::unexpected(complaints.text());
    made.intent.reservation_id = request.reservation_id();
    made.intent.user_id = request.user_id();
    made.intent.method = static_cast<int>(request.method());
    made.intent.webhook_url = request.webhook_url();
    if (request.has_metadata()) made.intent.metadata = request.metadata().SerializeAsString();
    return made;
}

void validate_details(const payment::v1::PaymentDetails& details, Complaints& complaints) {
    if (!payment::v1::PaymentMethod_IsValid(details.method())) {
        complaints.add("payment_details.method", "is not a payment method");
    }
    if (details.has_credit_card()) validate_card(details.credit_card(), complaints);
    if (details.has_bank_transfer()) {
        require_text(details.bank_transfer().bank_code(), "payment_details.bank_transfer.bank_code",
                     complaints);
        require_text(details.bank_transfer().account_number(),
                     "payment_details.bank_transfer.account_number", complaints);
    }
    if (details.has_mobile_pay()) {
        require_text(details.mobile_pay().provider(), "payment_details.mobile_pay.provider",
                     complaints);
    }
}

}  // namespace florin::gateway
