#include "platform/http/self_signed.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace florin::http::testing {
namespace {

template <auto release>
struct Releaser {
    template <class Object>
    void operator()(Object* object) const {
        release(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Releaser<X509_free>>;
using File = std::unique_ptr<std::FILE, Releaser<std::fclose>>;

void add_extension(X509* certificate, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

Certificate certificate_for(EVP_PKEY* key) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* const name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("florin test"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), NID_subject_alt_name, "DNS:localhost");
    X509_sign(certificate.get(), key, EVP_sha256());
    return certificate;
}

}  // namespace

SelfSigned::SelfSigned()
    : folder_(std::filesystem::temp_directory_path() /
              ("florin-tls-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = certificate_for(key.get());
    PEM_write_X509(File(std::fopen(certificate_file().c_str(), "w")).get(), certificate.get());
    PEM_write_PrivateKey(File(std::fopen(key_file().c_str(), "w")).get(), key.get(), nullptr,
                         nullptr, 0, nullptr, nullptr);
}

SelfSigned::~SelfSigned() {
    std::filesystem::remove_all(folder_);
}

}  // namespace florin::http::testing
