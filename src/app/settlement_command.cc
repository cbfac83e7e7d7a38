#include "app/settlement_command.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/command_line.h"
#include "platform/base/ascii.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

namespace json = boost::json;

/// Settles and lists; on one loop.
class Settle {
public:
    Settle(runtime::Loop& loop, const SettleOptions& options)
        : options_(options), client_(loop, options.server) {}

    awaitable<void> run() {
        std::string target = "/api/settlements/run?early=";
        target += options_.early ? "true" : "false";
        if (!options_.day.empty()) target += "&day=" + query_text(options_.day);
        for (bool done = false; !done;) {
            const auto run = object_of(co_await client_.ask("POST", target));
            made_ += run.at("statements").to_number<std::int64_t>();
            day_ = run.at("day").as_string();
            done = run.at("done").as_bool();
        }
        co_await list();
    }

    void print() const {
        if (options_.json) {
            const json::object all{
                {"day", day_}, {"statementsMade", made_}, {"settlements", statements_}};
            fmt::print("{}\n", json::serialize(all));
            return;
        }
        if (statements_.empty()) {
            fmt::print("no money moved on {}: there is nothing to settle\n", day_);
            return;
        }
        fmt::print("{:<32}  {:<3}  {:>14}  {:>14}  {:>14}  {:>12}  {:>14}  {:>14}\n", "MERCHANT",
                   "CUR", "CARRIED OVER", "CAPTURED", "REFUNDED", "FEES", "NET", "PAID");
        for (const auto& statement : statements_) print_line(statement.as_object());
        fmt::print("{}: {} statements, {} of them new with this call\n", day_, statements_.size(),
                   std::min(made_, static_cast<std::int64_t>(statements_.size())));
    }

private:
    awaitable<void> list() {
        std::string cursor;
        do {
            const auto page = object_of(co_await client_.ask(
                "GET", "/api/settlements?limit=100&from=" + day_ + "&to=" + day_ +
                           (cursor.empty() ? "" : "&cursor=" + query_text(cursor))));
            for (const auto& statement : page.at("settlements").as_array())
                statements_.push_back(statement);
            const auto& next = page.at("nextCursor");
            cursor = next.is_null() ? std::string() : std::string(next.as_string());
        } while (!cursor.empty());
    }

    static void print_line(const json::object& s) {
        const auto number = [&s](const char* name) { return s.at(name).to_number<std::int64_t>(); };
        const auto amount = [&s](const char* name) {
            return s.at(name).at("amount").to_number<std::int64_t>();
        };
        fmt::print("{:<32}  {:<3}  {:>14}  {:>14}  {:>14}  {:>12}  {:>14}  {:>14}\n",
                   printable(s.at("merchantId").as_string()), s.at("currency").as_string().c_str(),
                   number("carriedOver"), amount("captures"), amount("refunds"), number("fees"),
                   number("net"), number("paid"));
    }

    const SettleOptions& options_;
    AdminClient client_;
    std::string day_;
    std::int64_t made_ = 0;
    json::array statements_;
};

/// Adds up what the server finds, merchant after merchant; on one loop.
class Reconcile {
public:
    Reconcile(runtime::Loop& loop, const ReconcileOptions& options)
        : options_(options), client_(loop, options.server) {}

    awaitable<void> run() {
        std::string target = "/api/reconciliations?merchantId=" + query_text(options_.merchant);
        std::string day = options_.day;
        std::string after;
        do {
            const auto part = object_of(co_await client_.ask(
                "GET", target + "&day=" + query_text(day) + "&after=" + query_text(after)));
            add(part);
            // The rest is compared for the same day, also past midnight.
            day = part.at("day").as_string();
            const auto& next = part.at("nextMerchant");
            after = next.is_null() ? std::string() : std::string(next.as_string());
        } while (!after.empty());
    }

    void print() const {
        if (options_.json) {
            fmt::print("{}\n", json::serialize(total_));
            return;
        }
        fmt::print("{} with {}: {} merchants, {} payments match, {} under way\n", text("day"),
                   text("gateway"), number("merchants"), number("matched"), number("underWay"));
        print_unknown("missing here", "missingHere");
        print_unknown("missing there", "missingThere");
        print_differing();
        fmt::print("{}\n", all_well() ? "Both sides agree." : "The two sides do not agree.");
    }

    [[nodiscard]] bool all_well() const {
        for (const char* kind : kinds) {
            if (count(kind) > 0) return false;
        }
        return true;
    }

private:
    static constexpr const char* kinds[] = {"missingHere", "missingThere", "differing"};

    void add(const json::object& part) {
        if (total_.empty()) {
            total_ = part;
            total_.erase("nextMerchant");
            return;
        }
        for (const char* name : {"merchants", "matched", "underWay"})
            total_[name] = number(name) + part.at(name).to_number<std::int64_t>();
        for (const char* kind : kinds) {
            const auto& more = part.at(kind).as_object();
            auto& sum = total_.at(kind).as_object();
            sum["count"] = count(kind) + more.at("count").to_number<std::int64_t>();
            for (const auto& payment : more.at("payments").as_array())
                sum.at("payments").as_array().push_back(payment);
        }
    }

    [[nodiscard]] std::string text(const char* name) const {
        return std::string(total_.at(name).as_string());
    }
    [[nodiscard]] std::int64_t number(const char* name) const {
        return total_.at(name).to_number<std::int64_t>();
    }
    [[nodiscard]] std::int64_t count(const char* kind) const {
        return total_.at(kind).at("count").to_number<std::int64_t>();
    }
    static std::string or_dash(const json::value& value) {
        return value.is_null() ? "-" : printable(value.as_string());
    }

    void print_unknown(const char* title, const char* kind) const {
        if (count(kind) > 0) fmt::print("{}: {}\n", title, count(kind));
        for (const auto& one : total_.at(kind).at("payments").as_array()) {
            fmt::print("  {}  {}  {} {} {}\n", or_dash(one.at("paymentId")),
                       or_dash(one.at("gatewayReference")),
                       one.at("amount").to_number<std::int64_t>(), or_dash(one.at("currency")),
                       or_dash(one.at("state")));
        }
    }
    void print_differing() const {
        if (count("differing") > 0) fmt::print("differing: {}\n", count("differing"));
        for (const auto& one : total_.at("differing").at("payments").as_array()) {
            fmt::print("  {}  {}  here {}, there {}\n", or_dash(one.at("paymentId")),
                       or_dash(one.at("gatewayReference")), or_dash(one.at("here")),
                       or_dash(one.at("there")));
        }
    }

    const ReconcileOptions& options_;
    AdminClient client_;
    json::object total_;
};

}  // namespace

int run_settle(const SettleOptions& options) {
    runtime::Loop loop("settle");
    Settle settle(loop, options);
    runtime::run_until_done(loop, settle.run());
    settle.print();
    return exit_ok;
}

int run_reconcile(const ReconcileOptions& options) {
    runtime::Loop loop("reconcile");
    Reconcile reconcile(loop, options);
    runtime::run_until_done(loop, reconcile.run());
    reconcile.print();
    return reconcile.all_well() ? exit_ok : exit_failure;
}

}  // namespace florin::app
