#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace florin::http {

/// Names and values in the order they arrived or will leave; names compare without case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

    void add(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
    }
    /// The first value of that name; empty when absent.
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] auto begin() const { return fields_.begin(); }
    [[nodiscard]] auto end() const { return fields_.end(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
    std::string method;  // upper case
    std::string path;    // percent-decoded but for %2F and %25: each slash parts segments; no query
    std::vector<std::pair<std::string, std::string>> query;
    Headers headers;
    std::string body;
    std::string trace_id;  // from `traceparent` or `X-Correlation-ID`, else new
    std::string peer;
    std::vector<std::pair<std::string, std::string>> path_parameters;  // set by the router

    /// The first query or path parameter of that name. An empty query parameter counts as left out:
    /// forms send their empty fields so.
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
    [[nodiscard]] std::string_view path_value(std::string_view name) const;
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    Headers headers;
};

/// A JSON answer; `body` is already encoded.
Response json(unsigned status, std::string body);

/// RFC 9457 application/problem+json. `detail` says what was wrong, with which value, and what to
/// do. `code` is a stable machine-readable name (snake_case), the last part of `type`.
Response problem(unsigned status, std::string_view code, std::string_view detail,
                 std::string_view trace_id = {});

std::string_view reason_of(unsigned status);

}  // namespace florin::http
