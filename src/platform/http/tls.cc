#include "platform/http/tls.h"

#include <stdexcept>
#include <vector>

#include <boost/asio/ssl/context.hpp>

#include "platform/base/require.h"

namespace ssl = boost::asio::ssl;

namespace florin::http {
namespace {

/// Chooses our one protocol when the client offers it. `offered` is a list of length-prefixed
/// names.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* wanted) {
    const auto& protocol = *static_cast<const std::string*>(wanted);
    for (unsigned int at = 0; at < offered_size; at += offered[at] + 1U) {
        if (at + 1 + offered[at] > offered_size) break;
        const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1, offered[at]);
        if (name != protocol) continue;
        *chosen = offered + at + 1;
        *chosen_size = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A context that carries the name of its protocol for as long as it lives.
class ContextWithProtocol final : public ssl::context {
public:
    ContextWithProtocol(ssl::context::method role, std::string protocol)
        : ssl::context(role), protocol_(std::move(protocol)) {
        set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                    ssl::context::no_compression);
    }
    void choose() { SSL_CTX_set_alpn_select_cb(native_handle(), choose_protocol, &protocol_); }
    void offer() {
        if (protocol_.empty()) return;
        std::vector<unsigned char> offered(1, static_cast<unsigned char>(protocol_.size()));
        offered.insert(offered.end(), protocol_.begin(), protocol_.end());
        require(SSL_CTX_set_alpn_protos(native_handle(), offered.data(),
                                        static_cast<unsigned int>(offered.size())) == 0,
                "OpenSSL has memory for the name of a protocol");
    }

private:
    std::string protocol_;
};

}  // namespace

void TlsDeleter::operator()(ssl::context* context) const {
    delete static_cast<ContextWithProtocol*>(context);
}

TlsContext server_tls(const std::string& certificate_file, const std::string& key_file,
                      const std::string& protocol) {
    auto* const server = new ContextWithProtocol(ssl::context::tls_server, protocol);
    TlsContext context(server);
    server->choose();
    boost::system::error_code failed;
    context->use_certificate_chain_file(certificate_file, failed);
    if (failed) {
        throw std::runtime_error("cannot use the certificate " + certificate_file +
                                 " (TLS_CERT_FILE): " + failed.message());
    }
    context->use_private_key_file(key_file, ssl::context::pem, failed);
    if (failed)
        throw std::runtime_error("cannot use the key " + key_file +
                                 " (TLS_KEY_FILE): " + failed.message());
    return context;
}

TlsContext client_tls(const std::string& ca_file, const std::string& protocol) {
    auto* const client = new ContextWithProtocol(ssl::context::tls_client, protocol);
    TlsContext context(client);
    client->offer();
    context->set_verify_mode(ssl::verify_peer);
    context->set_default_verify_paths();
    if (ca_file.empty()) return context;
    boost::system::error_code failed;
    context->load_verify_file(ca_file, failed);
    if (failed) {
        throw std::runtime_error("cannot use the trusted roots in " + ca_file + ": " +
                                 failed.message());
    }
    return context;
}

}  // namespace florin::http
