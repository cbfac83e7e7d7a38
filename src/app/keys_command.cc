#include "app/keys_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/command_line.h"
#include "platform/base/ascii.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

namespace json = boost::json;

constexpr std::size_t columns = 7;
using Row = std::array<std::string, columns>;

std::string text_at(const json::object& key, std::string_view name) {
    const json::value* const value = key.if_contains(name);
    if (value == nullptr || !value->is_string()) return "";
    return printable(value->as_string());
}

std::string scopes_of(const json::object& key) {
    std::string names;
    const json::value* const scopes = key.if_contains("scopes");
    if (scopes == nullptr || !scopes->is_array()) return names;
    for (const auto& scope : scopes->as_array()) {
        if (!scope.is_string()) continue;
        names.append(names.empty() ? "" : ",").append(scope.as_string());
    }
    return names;
}

std::string or_text(const std::string& text, std::string_view otherwise) {
    return text.empty() ? std::string(otherwise) : text;
}

Row row_of(const json::object& key) {
    return {text_at(key, "keyId"),
            text_at(key, "merchantId"),
            text_at(key, "hint") + "...",
            text_at(key, "state"),
            or_text(text_at(key, "expiresAt"), "never"),
            or_text(text_at(key, "lastUsedAt"), "never"),
            scopes_of(key) + (text_at(key, "name").empty() ? "" : "  " + text_at(key, "name"))};
}

void print_table(const json::array& keys) {
    std::vector<Row> rows = {
        {"ID", "MERCHANT", "KEY", "STATE", "ENDS", "LAST USED", "SCOPES AND NAME"}};
    for (const auto& key : keys) {
        if (key.is_object()) rows.push_back(row_of(key.as_object()));
    }
    constexpr std::size_t last = columns - 1;
    std::array<std::size_t, columns> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < last; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < last; ++i) fmt::print("{:<{}}  ", row[i], widths[i]);
        fmt::print("{}\n", row[last]);
    }
}

std::string keys_path(const std::string& merchant) {
    return "/api/merchants/" + query_text(merchant) + "/keys";
}

awaitable<json::object> ask(AdminClient& client, std::string method, std::string target,
                            std::string body = {}) {
    const auto answer = co_await client.ask(std::move(method), std::move(target), std::move(body));
    co_return object_of(answer);
}

/// The path of a key whose merchant only the server knows.
awaitable<std::string> path_of(AdminClient& client, std::string id) {
    const auto key = co_await ask(client, "GET", "/api/merchant-keys/" + query_text(id));
    co_return keys_path(text_at(key, "merchantId")) + "/" + query_text(id);
}

awaitable<void> create(AdminClient& client, KeysCreateOptions options, json::object& made) {
    json::object request;
    if (!options.name.empty()) request["name"] = options.name;
    if (!options.scopes.empty()) request["scopes"] = json::value_from(options.scopes);
    if (options.expires_days > 0) request["expiresInDays"] = options.expires_days;
    made = co_await ask(client, "POST", keys_path(options.merchant), json::serialize(request));
}

awaitable<void> rotate(AdminClient& client, KeysActOptions options, json::object& made) {
    json::object request;
    if (options.grace_hours) request["graceHours"] = *options.grace_hours;
    const std::string path = co_await path_of(client, options.id);
    made = co_await ask(client, "POST", path + "/rotate", json::serialize(request));
}

awaitable<void> revoke(AdminClient& client, std::string id, json::object& revoked) {
    const std::string path = co_await path_of(client, std::move(id));
    revoked = co_await ask(client, "DELETE", path);
}

awaitable<void> list(AdminClient& client, std::string merchant, json::array& keys) {
    const std::string path = merchant.empty() ? "/api/merchant-keys" : keys_path(merchant);
    std::string cursor;
    do {
        auto page = co_await ask(client, "GET",
                                 path + "?limit=100" + (cursor.empty() ? "" : "&cursor=" + cursor));
        const json::value* const found = page.if_contains("keys");
        if (found == nullptr || !found->is_array())
            throw std::runtime_error("what answers there is no server of this program");
        for (const auto& key : found->as_array()) keys.push_back(key);
        cursor = text_at(page, "nextCursor");
    } while (!cursor.empty());
}

/// The key alone goes to standard output, so that a script can take it.
void print_issued(const json::object& key) {
    fmt::print(stderr, "Key {} of {} ({}), {}. Keep it now: it is not shown again.\n",
               text_at(key, "keyId"), text_at(key, "merchantId"), scopes_of(key),
               text_at(key, "expiresAt").empty() ? "without an end"
                                                 : "until " + text_at(key, "expiresAt"));
    fmt::print("{}\n", text_at(key, "key"));
}

}  // namespace

int run_keys_create(const KeysCreateOptions& options) {
    runtime::Loop loop("keys");
    AdminClient client(loop, options.server);
    json::object made;
    runtime::run_until_done(loop, create(client, options, made));
    print_issued(made);
    return exit_ok;
}

int run_keys_list(const KeysListOptions& options) {
    runtime::Loop loop("keys");
    AdminClient client(loop, options.server);
    json::array keys;
    runtime::run_until_done(loop, list(client, options.merchant, keys));
    if (options.json) {
        fmt::print("{}\n", json::serialize(keys));
    } else if (keys.empty()) {
        fmt::print(stderr, "There are no keys; `florin keys create` makes one.\n");
    } else {
        print_table(keys);
    }
    return exit_ok;
}

int run_keys_rotate(const KeysActOptions& options) {
    runtime::Loop loop("keys");
    AdminClient client(loop, options.server);
    json::object made;
    runtime::run_until_done(loop, rotate(client, options, made));
    print_issued(made);
    if (const auto* replaced = made.if_contains("replaces");
        replaced != nullptr && replaced->is_object()) {
        fmt::print(stderr, "It replaces {}, which is good until {}.\n",
                   text_at(replaced->as_object(), "keyId"),
                   text_at(replaced->as_object(), "expiresAt"));
    }
    return exit_ok;
}

int run_keys_revoke(const KeysActOptions& options) {
    runtime::Loop loop("keys");
    AdminClient client(loop, options.server);
    json::object revoked;
    runtime::run_until_done(loop, revoke(client, options.id, revoked));
    fmt::print("Revoked {} of {}.\n", text_at(revoked, "keyId"), text_at(revoked, "merchantId"));
    return exit_ok;
}

}  // namespace florin::app
