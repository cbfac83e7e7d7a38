#pragma once

#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace florin::http {

struct TlsDeleter {
    void operator()(boost::asio::ssl::context* context) const;
};
using TlsContext = std::unique_ptr<boost::asio::ssl::context, TlsDeleter>;

/// A server's TLS (1.2 and newer) from PEM files, offering `protocol` by ALPN ("h2" or "http/1.1").
/// Throws `std::runtime_error` that names the file and the reason.
TlsContext server_tls(const std::string& certificate_file, const std::string& key_file,
                      const std::string& protocol);

/// A client's TLS (1.2 and newer) that trusts the system's roots and those in `ca_file` (PEM), when
/// one is named, and offers `protocol` by ALPN, when one is named. Throws `std::runtime_error` that
/// names the file and the reason.
TlsContext client_tls(const std::string& ca_file, const std::string& protocol);

}  // namespace florin::http
