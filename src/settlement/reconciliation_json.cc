#include "settlement/reconciliation_json.h"

#include <iterator>

#include <fmt/format.h>

#include "platform/base/json_text.h"

namespace florin::settlement {
namespace {

/// `,"name":"text"`, or null for an empty text.
void add_text(std::string& out, std::string_view name, std::string_view text) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
    if (text.empty()) {
        out += "null";
    } else {
        append_json_string(out, text);
    }
}

void append(std::string& out, const Missing& missing) {
    fmt::format_to(std::back_inserter(out), R"({{"amount":{},"currency":"{}")",
                   missing.amount.minor, missing.amount.currency.code());
    add_text(out, "paymentId", missing.payment ? missing.payment->text() : std::string());
    add_text(out, "gatewayReference", missing.reference);
    add_text(out, "state", missing.state);
    out += '}';
}

void append(std::string& out, const Difference& difference) {
    fmt::format_to(std::back_inserter(out), R"({{"paymentId":"{}")", difference.payment.text());
    add_text(out, "gatewayReference", difference.reference);
    add_text(out, "here", difference.here);
    add_text(out, "there", difference.there);
    out += '}';
}

template <class T>
void add_found(std::string& out, std::string_view name, const Found<T>& found) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":{{"count":{},"payments":[)", name,
                   found.count);
    for (const auto& one : found.told) {
        if (&one != &found.told.front()) out += ',';
        append(out, one);
    }
    out += "]}";
}

}  // namespace

std::string reconciliation_json(const Reconciled& reconciled) {
    const auto& report = reconciled.report;
    std::string out =
        fmt::format(R"({{"day":"{}","gateway":"{}","merchants":{},"matched":{},"underWay":{})",
                    text_of(reconciled.day), reconciled.gateway, reconciled.merchants,
                    report.matched, report.under_way);
    add_found(out, "missingHere", report.missing_here);
    add_found(out, "missingThere", report.missing_there);
    add_found(out, "differing", report.differing);
    add_text(out, "nextMerchant", reconciled.next);
    return out + '}';
}

}  // namespace florin::settlement
