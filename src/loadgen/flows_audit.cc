#include "loadgen/flows_audit.h"

#include <fmt/format.h>

#include "platform/base/random.h"
#include "platform/runtime/loop.h"

namespace florin::loadgen {
namespace {

constexpr unsigned readers = 16;
constexpr std::chrono::milliseconds poll{10};
constexpr std::uint64_t sample_salt = 0xF10E;

class Auditor {
public:
    Auditor(FlowClient& client, const FlowMix& mix, std::span<const FlowRecord> flows,
            double detailed_percent)
        : client_(client),
          mix_(mix),
          flows_(flows),
          detailed_percent_(detailed_percent),
          reconciliation_(flows) {}

    awaitable<Audit> run(runtime::Loop& loop) {
        for (unsigned i = 0; i < readers; ++i) {
            ++active_;
            runtime::spawn(loop, "bench audit", read());
        }
        while (active_ > 0) co_await runtime::sleep_for(poll);
        audit_.findings = reconciliation_.finish();
        co_return std::move(audit_);
    }

private:
    awaitable<void> read() {
        while (next_merchant_ < mix_.merchants) co_await read_list(next_merchant_++);
        while (next_flow_ < flows_.size()) {
            const std::size_t flow = next_flow_++;
            if (flows_[flow].acknowledged() && is_sampled(flow)) co_await read_payment(flow);
        }
        --active_;
    }

    [[nodiscard]] bool is_sampled(std::size_t flow) const {
        return Random(Random::mix(flow) + sample_salt).unit() * 100 < detailed_percent_;
    }

    awaitable<void> read_list(std::uint32_t merchant) {
        const std::string first =
            fmt::format("/payments?merchantId={}&limit=100", merchant_name(mix_, merchant));
        std::string cursor;
        do {
            std::string target = first;
            if (!cursor.empty()) target += "&cursor=" + cursor;
            const auto answer = co_await client_.get(std::move(target));
            const auto page = answer && answer->status == 200 ? parse_page(answer->body)
                                                              : std::optional<SeenPage>{};
            if (!page) co_return failed(answer);
            for (const auto& seen : page->payments) reconciliation_.listed(merchant, seen);
            cursor = page->next;
        } while (!cursor.empty());
    }

    awaitable<void> read_payment(std::size_t flow) {
        const auto answer = co_await client_.get(
            fmt::format("/payments/{}?merchantId={}", flows_[flow].told.id.text(),
                        merchant_name(mix_, flows_[flow].merchant)));
        if (answer && answer->status == 404) co_return reconciliation_.missing(flow);
        const auto seen = answer && answer->status == 200 ? parse_payment(answer->body)
                                                          : std::optional<SeenPayment>{};
        if (!seen) co_return failed(answer);
        reconciliation_.detailed(flow, *seen);
    }

    void failed(const FlowClient::Result& answer) {
        ++audit_.failed;
        if (!audit_.first_error.empty()) return;
        audit_.first_error = answer ? fmt::format("reading back was answered with {}: {}",
                                                  answer->status, answer->body.substr(0, 300))
                                    : answer.error().text;
    }

    FlowClient& client_;
    const FlowMix& mix_;
    std::span<const FlowRecord> flows_;
    double detailed_percent_;
    Reconciliation reconciliation_;
    Audit audit_;
    std::uint32_t next_merchant_ = 0;
    std::size_t next_flow_ = 0;
    unsigned active_ = 0;
};

}  // namespace

awaitable<Audit> audit_flows(runtime::Loop& loop, FlowClient& client, const FlowMix& mix,
                             std::span<const FlowRecord> flows, double detailed_percent) {
    Auditor auditor(client, mix, flows, detailed_percent);
    co_return co_await auditor.run(loop);
}

}  // namespace florin::loadgen
