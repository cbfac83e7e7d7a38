#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boost::json {
class value;
}

namespace florin::http {

/// The fields of one JSON body; collects all that is wrong with them. Absent and null are the same.
class JsonFields {
public:
    enum class Body : std::uint8_t { Required, Optional };

    JsonFields(const std::string& body, Body body_rule);
    ~JsonFields();
    JsonFields(const JsonFields&) = delete;
    JsonFields& operator=(const JsonFields&) = delete;

    /// A misspelt field would be left out silently: complains of those that are not `known`.
    void refuse_others(std::initializer_list<std::string_view> known);

    /// Null when it is absent.
    [[nodiscard]] const boost::json::value* find(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
    [[nodiscard]] bool is_list(std::string_view name) const;
    /// Empty when it is absent; complains when it is longer, blank or has control characters.
    std::string text(std::string_view name, std::size_t characters_max);
    /// The same, and complains when it is absent.
    std::string required_text(std::string_view name, std::size_t characters_max);
    std::optional<std::int64_t> number(std::string_view name, std::int64_t least,
                                       std::int64_t most);
    /// Empty when it is absent; complains when it is empty, too long, or names one twice.
    std::vector<std::string> texts(std::string_view name, std::size_t count_max,
                                   std::size_t characters_max);

    void complain(const std::string& what);
    /// That a field is this value where it should be what `takes` says.
    void complain_of(std::string_view name, const boost::json::value& value,
                     std::string_view takes);
    [[nodiscard]] const std::string& complaints() const { return complaints_; }

private:
    std::unique_ptr<boost::json::value> body_;
    std::string complaints_;
};

}  // namespace florin::http
