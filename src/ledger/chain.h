#pragma once

#include <cstdint>
#include <string_view>

#include "ledger/posting.h"
#include "platform/crypto/hmac.h"

namespace florin::ledger {

/// The hash that ties a posting to all before it in its book: SHA-256 over the previous one
/// (`before`, empty for the first), its number and everything it says, each text with its length
/// in front. Whoever changes a booked posting has to change every hash after it.
crypto::Sha256 chain(std::string_view before, std::int64_t number, const Posting& posting);

}  // namespace florin::ledger
