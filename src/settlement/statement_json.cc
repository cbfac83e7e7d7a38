#include "settlement/statement_json.h"

#include <iterator>

#include <fmt/format.h>

#include "platform/base/json_text.h"

namespace florin::settlement {
namespace {

void append(std::string& out, const Statement& s) {
    fmt::format_to(std::back_inserter(out), R"({{"settlementId":"{}","merchantId":)", s.id.text());
    append_json_string(out, s.merchant);
    fmt::format_to(
        std::back_inserter(out),
        R"(,"day":"{}","currency":"{}","carriedOver":{},"captures":{{"count":{},"amount":{}}},)"
        R"("refunds":{{"count":{},"amount":{}}},"fees":{},"net":{},"paid":{},"carriedForward":{},)"
        R"("receivedFromGateway":{},"ledgerTransaction":{},)"
        R"("covers":{{"after":{},"through":{}}},"madeAt":")",
        text_of(s.day), s.currency.code(), s.carried_over, s.captures.count, s.captures.amount,
        s.refunds.count, s.refunds.amount, s.fees, s.net, s.paid, s.carried_forward().payable,
        s.received, s.ledger_number ? std::to_string(*s.ledger_number) : "null", s.after_number,
        s.through_number);
    append_rfc3339(out, unix_us(s.made_at));
    out += "\"}";
}

}  // namespace

std::string statement_json(const Statement& statement) {
    std::string out;
    append(out, statement);
    return out;
}

std::string statements_json(const std::vector<Statement>& statements, bool more) {
    std::string out = R"({"settlements":[)";
    for (const auto& statement : statements) {
        if (&statement != &statements.front()) out += ',';
        append(out, statement);
    }
    out += R"(],"nextCursor":)";
    out += more ? '"' + statements.back().id.text() + '"' : "null";
    return out + '}';
}

}  // namespace florin::settlement
