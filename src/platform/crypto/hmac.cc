#include "platform/crypto/hmac.h"

#include <memory>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#include "platform/base/require.h"

namespace florin::crypto {
namespace {

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct MacContextFree {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

// Fetching an algorithm walks OpenSSL's provider tables (microseconds): once a process is enough.
EVP_MAC_CTX* hmac_template() {
    static const std::unique_ptr<EVP_MAC_CTX, MacContextFree> made = [] {
        EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
        require(mac != nullptr, "OpenSSL provides HMAC");
        std::unique_ptr<EVP_MAC_CTX, MacContextFree> context(EVP_MAC_CTX_new(mac));
        EVP_MAC_free(mac);
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_end()};
        require(EVP_MAC_CTX_set_params(context.get(), parameters) == 1, "OpenSSL provides SHA-256");
        return context;
    }();
    return made.get();
}

const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    require(algorithm != nullptr, "OpenSSL provides SHA-256");
    return algorithm;
}

}  // namespace

Sha256 hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts) {
    const std::unique_ptr<EVP_MAC_CTX, MacContextFree> context(EVP_MAC_CTX_dup(hmac_template()));
    // OpenSSL takes a null key as "keep the key": give an empty one an address.
    const std::string_view safe_key = key.data() != nullptr ? key : std::string_view("");
    bool done = EVP_MAC_init(context.get(), bytes_of(safe_key), safe_key.size(), nullptr) == 1;
    for (const auto part : parts) {
        done = done && EVP_MAC_update(context.get(), bytes_of(part), part.size()) == 1;
    }
    Sha256 mac{};
    std::size_t size = 0;
    done = done && EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) == 1;
    require(done && size == mac.size(), "HMAC-SHA256 of valid input succeeds");
    return mac;
}

Sha256 sha256(std::string_view data) {
    Sha256 digest{};
    unsigned int size = 0;
    const int done =
        EVP_Digest(data.data(), data.size(), digest.data(), &size, sha256_algorithm(), nullptr);
    require(done == 1 && size == digest.size(), "SHA-256 of valid input succeeds");
    return digest;
}

std::string hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text.push_back(digits[byte >> 4U]);
        text.push_back(digits[byte & 0xFU]);
    }
    return text;
}

std::string base64(std::span<const std::uint8_t> bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

bool equal_constant_time(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::array<std::uint8_t, 16> fingerprint(std::string_view key, std::string_view data) {
    const std::string_view used_key = key.substr(0, crypto_generichash_KEYBYTES_MAX);
    std::array<std::uint8_t, 16> digest{};
    const int failed =
        crypto_generichash(digest.data(), digest.size(), bytes_of(data), data.size(),
                           used_key.empty() ? nullptr : bytes_of(used_key), used_key.size());
    require(failed == 0, "BLAKE2b of valid input succeeds");
    return digest;
}

}  // namespace florin::crypto
