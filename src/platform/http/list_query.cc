#include "platform/http/list_query.h"

#include <charconv>

namespace florin::http {

std::optional<int> limit_of(const Request& request, int most) {
    constexpr int usual = 20;
    const auto text = request.query_value("limit");
    if (!text) return usual;
    int limit = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, limit);
    if (error != std::errc{} || stop != end || limit < 1 || limit > most) return std::nullopt;
    return limit;
}

std::string complaint_about(const Request& request, std::string_view parameter,
                            std::string_view takes) {
    constexpr std::size_t excerpt_bytes_max = 64;
    const std::string_view given = request.query_value(parameter).value_or("");
    std::string text(parameter);
    text.append(" is \"").append(given.substr(0, excerpt_bytes_max));
    return text.append("\"; it takes ").append(takes);
}

Response invalid_parameter(const Request& request, std::string_view parameter,
                           std::string_view takes) {
    return problem(400, "invalid_parameter", complaint_about(request, parameter, takes),
                   request.trace_id);
}

}  // namespace florin::http
