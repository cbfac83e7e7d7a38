#include "platform/http/tls.h"

#include <stdexcept>

#include <boost/asio/ssl/context.hpp>

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
    explicit ContextWithProtocol(std::string protocol)
        : ssl::context(ssl::context::tls_server), protocol_(std::move(protocol)) {
        SSL_CTX_set_alpn_select_cb(native_handle(), choose_protocol, &protocol_);
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
    TlsContext context(new ContextWithProtocol(protocol));
    context->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                         ssl::context::no_compression);
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

}  // namespace florin::http
