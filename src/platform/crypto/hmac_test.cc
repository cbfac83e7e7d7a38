#include "platform/crypto/hmac.h"

#include <gtest/gtest.h>

namespace florin::crypto {
namespace {

// RFC 4231, test cases 1 and 2.
TEST(Hmac, MatchesTheRfcVectors) {
    EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), {"Hi There"})),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex(hmac_sha256("Jefe", {"what do ya ", "want for nothing?"})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hmac, TakesAnEmptyKeyAsAKey) {
    EXPECT_EQ(hex(hmac_sha256({}, {""})),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Sha256, MatchesTheFipsVector) {
    EXPECT_EQ(hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Encodings, AreTheStandardOnes) {
    const std::uint8_t bytes[] = {0xfb, 0xff, 0x00};
    EXPECT_EQ(hex(bytes), "fbff00");
    EXPECT_EQ(base64(bytes), "+/8A");
    EXPECT_EQ(base64(std::span(bytes, 1)), "+w==");
}

TEST(ConstantTimeCompare, TellsEqualFromDifferent) {
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "abcd"));
}

TEST(Fingerprint, DependsOnKeyAndData) {
    EXPECT_EQ(fingerprint("k", "a"), fingerprint("k", "a"));
    EXPECT_NE(fingerprint("k", "a"), fingerprint("k", "b"));
    EXPECT_NE(fingerprint("k", "a"), fingerprint("", "a"));
}

}  // namespace
}  // namespace florin::crypto
