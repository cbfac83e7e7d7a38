#include "platform/transfer/digest.h"

#include <cstring>

#include <openssl/evp.h>

#include "platform/base/require.h"
#include "platform/crypto/hmac.h"

namespace florin::transfer {

void RunningDigest::Deleter::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

RunningDigest::RunningDigest() : context_(EVP_MD_CTX_new()) {
    require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
            "SHA-256 is always there");
}

RunningDigest::~RunningDigest() = default;

void RunningDigest::add(std::string_view bytes) {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1,
            "a digest takes all bytes");
}

std::string RunningDigest::hex() const {
    const std::unique_ptr<evp_md_ctx_st, Deleter> copy(EVP_MD_CTX_new());
    crypto::Sha256 digest;
    require(copy && EVP_MD_CTX_copy_ex(copy.get(), context_.get()) == 1 &&
                EVP_DigestFinal_ex(copy.get(), digest.data(), nullptr) == 1,
            "a digest can be read");
    return crypto::hex(digest);
}

void RowSum::add(std::string_view row) {
    const crypto::Sha256 digest = crypto::sha256(row);
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), digest.data(), sizeof words);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        const std::uint64_t both = sum_[i] + words[i];
        const std::uint64_t all = both + carry;
        carry =
            static_cast<std::uint64_t>(both < words[i]) + static_cast<std::uint64_t>(all < both);
        sum_[i] = all;
    }
    ++rows_;
}

std::string RowSum::hex() const {
    std::array<std::uint8_t, sizeof sum_> bytes;
    std::memcpy(bytes.data(), sum_.data(), bytes.size());
    return crypto::hex(bytes);
}

}  // namespace florin::transfer
