#include "app/toml_file.h"

#include <optional>
#include <sstream>

#include <toml++/toml.h>

namespace florin::app {
namespace {

/// The text of a plain value; nothing for a table, a date or an array of such.
std::optional<std::string> text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    if (const auto* number = node.as_floating_point()) {
        std::ostringstream text;
        text << number->get();
        return text.str();
    }
    const auto* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    std::string joined;
    for (const auto& element : *array) {
        const auto text = element.is_array() ? std::nullopt : text_of(element);
        if (!text) return std::nullopt;
        joined += (joined.empty() ? "" : ",") + *text;
    }
    return joined;
}

std::optional<std::string> flatten(const toml::table& table, const std::string& prefix,
                                   std::vector<TomlEntry>& entries) {
    for (const auto& [name, node] : table) {
        const std::string key = prefix + std::string(name.str());
        const std::size_t line = node.source().begin.line;
        if (const auto* inner = node.as_table()) {
            if (auto error = flatten(*inner, key + '_', entries)) return error;
        } else if (auto text = text_of(node)) {
            entries.push_back({key, std::move(*text), line});
        } else {
            return "line " + std::to_string(line) + ": " + key +
                   " must be a text, a number, true, false or a list of texts";
        }
    }
    return std::nullopt;
}

}  // namespace

std::expected<std::vector<TomlEntry>, std::string> parse_toml(std::string_view text) try {
    const toml::table table = toml::parse(text);
    std::vector<TomlEntry> entries;
    if (auto error = flatten(table, "", entries)) return std::unexpected(std::move(*error));
    return entries;
} catch (const toml::parse_error& error) {
    return std::unexpected("line " + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
}

}  // namespace florin::app
