#include "ledger/chain.h"

#include <string>

namespace florin::ledger {
namespace {

void append_number(std::string& out, std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((bits >> shift) & 0xFFU);
}
void append_text(std::string& out, std::string_view text) {
    append_number(out, static_cast<std::int64_t>(text.size()));
    out += text;
}

}  // namespace

crypto::Sha256 chain(std::string_view before, std::int64_t number, const Posting& posting) {
    std::string said;
    said.reserve(256);
    append_text(said, before);
    append_number(said, number);
    append_text(said, posting.merchant);
    said += posting.currency.code();
    said += static_cast<char>(posting.movement);
    said += posting.subject.view();
    append_number(said, posting.step);
    append_number(said, unix_us(posting.at));
    for (const auto& entry : posting.entries) {
        said += static_cast<char>(entry.debit);
        said += static_cast<char>(entry.credit);
        append_number(said, entry.amount);
    }
    return crypto::sha256(said);
}

}  // namespace florin::ledger
