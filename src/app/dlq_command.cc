#include "app/dlq_command.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/command_line.h"
#include "platform/base/ascii.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

namespace json = boost::json;

constexpr const char* webhooks = "webhooks";
constexpr int page_max = 100;

std::string text_at(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || value->is_null()) return "";
    return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
}

/// One line of the table.
struct Row {
    std::string id;
    std::string group;
    std::string about;
    std::string attempts;
    std::string since;
    std::string why;
};

Row row_of_letter(const json::object& letter) {
    return {text_at(letter, "id"),
            text_at(letter, "group"),
            text_at(letter, "topic") + " " + text_at(letter, "key"),
            text_at(letter, "attempts"),
            text_at(letter, "created_at"),
            text_at(letter, "error_type") + ": " + text_at(letter, "error_message")};
}

Row row_of_webhook(const json::object& webhook) {
    Row row{text_at(webhook, "webhook_id"),
            webhooks,
            text_at(webhook, "status") + " " + text_at(webhook, "payment_intent_id"),
            "0",
            text_at(webhook, "created_at"),
            "to " + text_at(webhook, "url")};
    const auto* attempts = webhook.if_contains("attempts");
    if (attempts != nullptr && attempts->is_array() && !attempts->as_array().empty()) {
        row.attempts = std::to_string(attempts->as_array().size());
        const auto& last = attempts->as_array().back();
        if (last.is_object()) row.why += ": " + text_at(last.as_object(), "error");
    }
    return row;
}

void print_table(std::vector<Row> rows) {
    rows.insert(rows.begin(), {"ID", "GROUP", "ABOUT", "ATTEMPTS", "SINCE", "WHY"});
    std::size_t id = 0;
    std::size_t group = 0;
    std::size_t about = 0;
    for (auto& row : rows) {
        for (auto* text : {&row.group, &row.about, &row.why}) *text = printable(*text);
        id = std::max(id, row.id.size());
        group = std::max(group, row.group.size());
        about = std::max(about, row.about.size());
    }
    for (const auto& row : rows) {
        fmt::print("{:<{}}  {:<{}}  {:<{}}  {:>8}  {:<24}  {}\n", row.id, id, row.group, group,
                   row.about, about, row.attempts, row.since, row.why);
    }
}

/// What waits, as the server tells it.
struct Found {
    json::array letters;
    json::array webhooks;
    bool more = false;

    [[nodiscard]] int count() const { return static_cast<int>(letters.size() + webhooks.size()); }
};

class Dlq {
public:
    Dlq(runtime::Loop& loop, const AdminServer& server) : client_(loop, server) {}

    /// Up to `limit`, newest first.
    awaitable<Found> find(std::string group, int limit) {
        Found found;
        if (group != webhooks) co_await take_letters(group, limit, found);
        if (group.empty() || group == webhooks) co_await take_webhooks(group.empty(), limit, found);
        co_return found;
    }

    /// Of either kind: a letter, else a webhook.
    awaitable<AdminAnswer> show(std::string id) {
        auto letter = co_await client_.ask("GET", "/api/dead-letters/" + query_text(id));
        if (letter.status != 404) co_return letter;
        auto webhook = co_await client_.ask("GET", "/api/gateway/webhooks/" + query_text(id));
        co_return webhook.status == 404 ? std::move(letter) : std::move(webhook);
    }

    awaitable<AdminAnswer> redrive(std::string id) {
        auto letter =
            co_await client_.ask("POST", "/api/dead-letters/" + query_text(id) + "/redrive");
        if (letter.status != 404) co_return letter;
        auto webhook =
            co_await client_.ask("POST", "/api/gateway/webhooks/" + query_text(id) + "/resend");
        co_return webhook.status == 404 ? std::move(letter) : std::move(webhook);
    }

    awaitable<AdminAnswer> discard(std::string id) {
        auto letter =
            co_await client_.ask("POST", "/api/dead-letters/" + query_text(id) + "/discard");
        if (letter.status != 404) co_return letter;
        const auto webhook = co_await client_.ask("GET", "/api/gateway/webhooks/" + query_text(id));
        if (!webhook.ok()) co_return letter;
        co_return AdminAnswer{
            409,
            R"({"detail":"a webhook is not discarded: it goes when RETENTION_HOURS are over"})"};
    }

    /// The ids of a whole group, oldest first: the order in which its messages came.
    awaitable<std::vector<std::string>> ids_of(std::string group) {
        const Found found = co_await find(std::move(group), std::numeric_limits<int>::max());
        std::vector<std::string> ids;
        for (const auto& letter : found.letters) ids.push_back(text_at(letter.as_object(), "id"));
        for (const auto& webhook : found.webhooks)
            ids.push_back(text_at(webhook.as_object(), "webhook_id"));
        std::ranges::sort(ids);  // ids ascend with time
        co_return ids;
    }

private:
    /// What comes page by page.
    struct List {
        std::string path;
        std::string query;
        std::string parameter;  // names a page; the next one is called "next_" and its name
        std::string name;
        bool may_be_missing = false;  // as in a process without a gateway: then nothing waits
    };

    awaitable<void> take_letters(std::string group, int limit, Found& found) {
        const std::string query = group.empty() ? "" : "&group=" + query_text(group);
        co_await take({"/api/dead-letters", query, "before", "dead_letters"}, limit, found,
                      found.letters);
    }
    awaitable<void> take_webhooks(bool may_be_missing, int limit, Found& found) {
        co_await take({"/api/gateway/dead-letters", "", "cursor", "webhooks", may_be_missing},
                      limit, found, found.webhooks);
    }

    awaitable<void> take(List list, int limit, Found& found, json::array& into) {
        std::string next;
        while (found.count() < limit) {
            std::string target = fmt::format("{}?limit={}{}", list.path,
                                             std::min(page_max, limit - found.count()), list.query);
            if (!next.empty()) target += "&" + list.parameter + "=" + query_text(next);
            const auto answer = co_await client_.ask("GET", std::move(target));
            if (answer.status == 404 && list.may_be_missing) co_return;
            json::object page = object_of(answer);
            for (auto& one : page.at(list.name).as_array()) into.push_back(std::move(one));
            next = text_at(page, "next_" + list.parameter);
            if (next.empty()) co_return;
        }
        found.more = true;
    }

    AdminClient client_;
};

std::string name_of_result(const AdminAnswer& answer) {
    if (!answer.ok()) return "FAILED";
    const json::object told = object_of(answer);
    if (told.contains("resent")) return "SENT AGAIN";
    const std::string result = text_at(told, "result");
    return result.empty() ? text_at(told, "state") : result;
}

std::string reason_of(const AdminAnswer& answer) {
    return answer.ok() ? text_at(object_of(answer), "error_message") : answer.detail();
}

/// Does one thing to each; goes on after a failure, and ends with 1 then.
class Act {
public:
    using Method = awaitable<AdminAnswer> (Dlq::*)(std::string);

    Act(runtime::Loop& loop, const DlqActOptions& options, Method method)
        : options_(options), dlq_(loop, options.server), method_(method) {}

    awaitable<void> run() {
        std::vector<std::string> ids = options_.ids;
        if (!options_.all_of_group.empty()) ids = co_await dlq_.ids_of(options_.all_of_group);
        for (const auto& id : ids) note(id, co_await (dlq_.*method_)(id));
        if (options_.json) {
            fmt::print("{}\n", json::serialize(json::object{{"done", done_},
                                                            {"failed", failed_},
                                                            {"results", std::move(results_)}}));
        } else {
            fmt::print("{} done, {} failed\n", done_, failed_);
        }
    }
    [[nodiscard]] int exit_code() const { return failed_ == 0 ? exit_ok : exit_failure; }

private:
    void note(const std::string& id, const AdminAnswer& answer) {
        ++(answer.ok() ? done_ : failed_);
        const std::string result = name_of_result(answer);
        const std::string reason = reason_of(answer);
        if (options_.json) {
            results_.push_back(json::object{
                {"id", id}, {"ok", answer.ok()}, {"result", result}, {"reason", reason}});
            return;
        }
        fmt::print("{}  {}{}\n", printable(id), result,
                   reason.empty() ? "" : ": " + printable(reason));
        std::fflush(stdout);
    }

    const DlqActOptions& options_;
    Dlq dlq_;
    const Method method_;
    json::array results_;
    int done_ = 0;
    int failed_ = 0;
};

int run_act(const DlqActOptions& options, Act::Method method) {
    runtime::Loop loop("dlq");
    Act act(loop, options, method);
    runtime::run_until_done(loop, act.run());
    return act.exit_code();
}

awaitable<void> list(Dlq& dlq, const DlqListOptions& options) {
    const Found found = co_await dlq.find(options.group, options.limit);
    if (options.json) {
        fmt::print("{}\n", json::serialize(json::object{{"dead_letters", found.letters},
                                                        {"webhooks", found.webhooks},
                                                        {"more", found.more}}));
        co_return;
    }
    if (found.count() == 0) {
        fmt::print("nothing waits for you\n");
        co_return;
    }
    std::vector<Row> rows;
    for (const auto& letter : found.letters) rows.push_back(row_of_letter(letter.as_object()));
    for (const auto& webhook : found.webhooks) rows.push_back(row_of_webhook(webhook.as_object()));
    print_table(std::move(rows));
    if (found.more) fmt::print("… and more: --limit, --group\n");
    fmt::print("\n`florin dlq show ID` tells more, `florin dlq redrive ID` tries it again.\n");
}

awaitable<void> show(Dlq& dlq, const DlqShowOptions& options, int& exit_code) {
    const auto answer = co_await dlq.show(options.id);
    if (answer.status == 404) {
        fmt::print(stderr, "florin: {}\n", printable(answer.detail()));
        exit_code = exit_failure;
        co_return;
    }
    const json::object told = object_of(answer);
    if (options.json) {
        fmt::print("{}\n", json::serialize(told));
        co_return;
    }
    for (const auto& [name, value] : told)
        fmt::print("{:<18} {}\n", std::string_view(name), printable(text_at(told, name)));
}

}  // namespace

int run_dlq_list(const DlqListOptions& options) {
    runtime::Loop loop("dlq");
    Dlq dlq(loop, options.server);
    runtime::run_until_done(loop, list(dlq, options));
    return exit_ok;
}

int run_dlq_show(const DlqShowOptions& options) {
    runtime::Loop loop("dlq");
    Dlq dlq(loop, options.server);
    int exit_code = exit_ok;
    runtime::run_until_done(loop, show(dlq, options, exit_code));
    return exit_code;
}

int run_dlq_redrive(const DlqActOptions& options) {
    return run_act(options, &Dlq::redrive);
}

int run_dlq_discard(const DlqActOptions& options) {
    return run_act(options, &Dlq::discard);
}

}  // namespace florin::app
