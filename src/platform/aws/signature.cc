#include "platform/aws/signature.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "platform/base/ascii.h"
#include "platform/crypto/hmac.h"

namespace florin::aws {
namespace {

using Field = std::pair<std::string, std::string>;

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// The path on the wire is encoded already, and is encoded again for the signature: so it is for
// every service except S3.
std::string canonical_path(std::string_view path) {
    if (path.empty()) return "/";
    std::string encoded;
    for (const char c : path) {
        if (is_unreserved(c) || c == '/') {
            encoded += c;
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

std::string canonical_query(std::string_view query) {
    std::vector<Field> fields;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const std::string_view field = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (field.empty()) continue;
        const auto equals = std::min(field.find('='), field.size());
        fields.emplace_back(field.substr(0, equals),
                            field.substr(std::min(equals + 1, field.size())));
    }
    std::ranges::sort(fields);
    std::string text;
    for (const auto& [name, value] : fields)
        text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
    return text;
}

/// Without spaces at its ends, and runs of them within as one.
std::string folded(std::string_view value) {
    std::string text;
    for (const char c : value) {
        const bool space = c == ' ' || c == '\t';
        if (!space) {
            text += c;
        } else if (!text.empty() && text.back() != ' ') {
            text += ' ';
        }
    }
    if (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

/// Lower-case names in order, each once; repeated headers have their values joined by commas.
std::vector<Field> canonical_headers(const http::Headers& headers) {
    std::vector<Field> fields;
    for (const auto& [name, value] : headers) {
        std::string key = lower(name);
        const auto same = std::ranges::find(fields, key, &Field::first);
        if (same == fields.end()) {
            fields.emplace_back(std::move(key), folded(value));
        } else {
            same->second += "," + folded(value);
        }
    }
    std::ranges::sort(fields, {}, &Field::first);
    return fields;
}

std::string names_of(const std::vector<Field>& fields) {
    std::string names;
    for (const auto& [name, value] : fields) {
        if (!names.empty()) names += ';';
        names += name;
    }
    return names;
}

std::string_view text_of(const crypto::Sha256& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string canonical_request(const SignedParts& request, const std::vector<Field>& headers,
                              const std::string& signed_names) {
    const auto question = std::min(request.target.find('?'), request.target.size());
    std::string text(request.method);
    text += '\n' + canonical_path(request.target.substr(0, question)) + '\n';
    text += canonical_query(request.target.substr(std::min(question + 1, request.target.size())));
    text += '\n';
    for (const auto& [name, value] : headers)
        text.append(name).append(1, ':').append(value).append(1, '\n');
    text += '\n' + signed_names + '\n' + crypto::hex(crypto::sha256(request.body));
    return text;
}

}  // namespace

std::string amz_date(Instant at) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<Seconds>(at - day));
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string canonical_request(const SignedParts& request) {
    const auto headers = canonical_headers(request.headers);
    return canonical_request(request, headers, names_of(headers));
}

std::string signing_key(std::string_view secret_access_key, SigningScope scope,
                        std::string_view date) {
    const auto dated = crypto::hmac_sha256(fmt::format("AWS4{}", secret_access_key), {date});
    const auto regional = crypto::hmac_sha256(text_of(dated), {scope.region});
    const auto served = crypto::hmac_sha256(text_of(regional), {scope.service});
    return std::string(text_of(crypto::hmac_sha256(text_of(served), {"aws4_request"})));
}

std::string authorization(const SignedParts& request, const Credentials& credentials,
                          SigningScope scope, Instant at) {
    const auto headers = canonical_headers(request.headers);
    const std::string names = names_of(headers);
    const std::string time = amz_date(at);
    const std::string date = time.substr(0, 8);
    const std::string scope_text =
        fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
    const std::string to_sign =
        fmt::format("{}\n{}\n{}\n{}", algorithm, time, scope_text,
                    crypto::hex(crypto::sha256(canonical_request(request, headers, names))));
    const auto signature =
        crypto::hmac_sha256(signing_key(credentials.secret_access_key, scope, date), {to_sign});
    return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm,
                       credentials.access_key_id, scope_text, names, crypto::hex(signature));
}

}  // namespace florin::aws
