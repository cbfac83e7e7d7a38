#pragma once

#include <string>

namespace florin::http::testing {

/// A key and a certificate for "localhost" that vouches for itself, in a folder of their own that
/// goes with it. One at a time in a process.
class SelfSigned {
public:
    SelfSigned();
    ~SelfSigned();
    SelfSigned(const SelfSigned&) = delete;
    SelfSigned& operator=(const SelfSigned&) = delete;

    [[nodiscard]] std::string certificate_file() const { return folder_ + "/certificate.pem"; }
    [[nodiscard]] std::string key_file() const { return folder_ + "/key.pem"; }

private:
    const std::string folder_;
};

}  // namespace florin::http::testing
