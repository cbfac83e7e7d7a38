#include "loadgen/life.h"

#include <charconv>
#include <cstdio>

#include "gateway/webhooks/signature.h"
#include "loadgen/receiver.h"
#include "platform/base/random.h"
#include "platform/grpc/channel.h"
#include "platform/runtime/loop.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::loadgen {
namespace {

namespace pb = payment::v1;
using Time = std::chrono::steady_clock::time_point;

constexpr std::int64_t amount = 50'000;
constexpr const char* create_path = "/payment.v1.PaymentService/CreatePaymentIntent";
constexpr const char* status_path = "/payment.v1.PaymentService/GetPaymentStatus";
constexpr std::chrono::milliseconds tick{1};
constexpr std::chrono::milliseconds poll{100};

std::int64_t us_between(Time from, Time to) {
    return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

/// The value of a key in the webhook's fixed compact form.
std::string_view value_of(std::string_view body, std::string_view key) {
    const auto at = body.find(key);
    if (at == std::string_view::npos) return {};
    auto rest = body.substr(at + key.size());
    return rest.substr(0, rest.find_first_of("\",}"));
}

/// One run. All of it happens on one loop, so nothing is shared between threads.
class Run {
public:
    Run(runtime::Loop& loop, const LifeOptions& options, LifeReport& report)
        : loop_(loop),
          options_(options),
          report_(report),
          receiver_(loop, [this](const ArrivedWebhook& webhook) { webhook_arrived(webhook); }),
          run_id_(std::to_string(Random(seed_from_system()).next() % 1'000'000'000)) {
        for (unsigned i = 0; i < options.connections; ++i) {
            channels_.push_back(std::make_unique<grpc::Channel>(
                loop, grpc::ChannelOptions{options.host, options.port}));
        }
        for (const auto& share : options.scenarios) {
            for (unsigned i = 0; i < share.weight; ++i) wheel_.push_back(share.scenario);
        }
        const auto total =
            options.rate * static_cast<double>((options.warmup + options.duration).count());
        lives_.resize(static_cast<std::size_t>(total));
        warm_from_ =
            static_cast<std::size_t>(options.rate * static_cast<double>(options.warmup.count()));
    }

    awaitable<void> drive() {
        webhook_url_ = "http://127.0.0.1:" + std::to_string(receiver_.listen()) + "/webhook";
        start_ = std::chrono::steady_clock::now();
        Time next_line = start_ + std::chrono::seconds(1);
        while (begun_ < lives_.size()) {
            begin_due();
            show_progress(next_line);
            co_await runtime::sleep_for(tick);
        }
        const Time give_up = std::chrono::steady_clock::now() + options_.grace + options_.delay;
        while (!settled() && std::chrono::steady_clock::now() < give_up) {
            show_progress(next_line);
            co_await runtime::sleep_for(poll);
        }
        reconcile();
        ended_ = true;
        // Coroutines that still wait hold references to this run.
        while (active_ > 0) co_await runtime::sleep_for(poll);
    }

private:
    struct Life {
        Time sent;
        gateway::Scenario scenario = gateway::Scenario::Approve;
        bool acknowledged = false;
        bool ended = false;  // failed, or read back
        std::uint8_t webhooks = 0;
        pb::PaymentStatus told = pb::PAYMENT_STATUS_UNSPECIFIED;
    };

    [[nodiscard]] Time intended(std::size_t n) const {
        return start_ + std::chrono::microseconds(static_cast<std::int64_t>(static_cast<double>(n) *
                                                                            1e6 / options_.rate));
    }

    void begin_due() {
        const Time now = std::chrono::steady_clock::now();
        while (begun_ < lives_.size() && intended(begun_) <= now &&
               creating_ < options_.outstanding_max) {
            ++creating_;
            ++active_;
            runtime::spawn(loop_, "bench create", create(begun_++));
        }
    }

    grpc::Channel& channel(std::size_t n) { return *channels_[n % channels_.size()]; }

    awaitable<void> create(std::size_t n) {
        Life& life = lives_[n];
        life.scenario = wheel_[n % wheel_.size()];
        life.sent = std::chrono::steady_clock::now();
        const auto answer = co_await channel(n).call<pb::CreatePaymentIntentResponse>(
            create_path, request_for(n), {});
        --creating_;
        const Time now = std::chrono::steady_clock::now();
        if (!answer) {
            life.ended = true;
            ++report_.failed;
            if (report_.first_error.empty()) {
                report_.first_error =
                    std::string(grpc::name_of(answer.error().code)) + ": " + answer.error().message;
            }
        } else {
            life.acknowledged = true;
            ++report_.acknowledged;
            last_acknowledged_ = now;
            if (n >= warm_from_) report_.create.record(us_between(intended(n), now));
            if (!options_.webhooks) co_await wait_for_outcome(n, answer->payment_intent_id());
        }
        --active_;
    }

    pb::CreatePaymentIntentRequest request_for(std::size_t n) const {
        pb::CreatePaymentIntentRequest request;
        request.set_reservation_id("bench-" + run_id_ + "-" + std::to_string(n));
        request.set_user_id("bench-user-" + std::to_string(Random::mix(n) % options_.users));
        request.mutable_amount()->set_amount(amount);
        request.mutable_amount()->set_currency("KRW");
        request.set_scenario(static_cast<pb::PaymentScenario>(lives_[n].scenario));
        (*request.mutable_metadata()->mutable_tags())["delay_ms"] =
            std::to_string(options_.delay.count());
        if (options_.webhooks) request.set_webhook_url(webhook_url_);
        if (options_.idempotency) request.set_idempotency_key(request.reservation_id());
        return request;
    }

    awaitable<void> wait_for_outcome(std::size_t n, std::string id) {
        co_await runtime::sleep_for(options_.delay);
        while (!ended_ && !lives_[n].ended) {
            co_await read_back(n, id);
            if (!lives_[n].ended) co_await runtime::sleep_for(poll);
        }
    }

    void webhook_arrived(const ArrivedWebhook& webhook) {
        const Time now = std::chrono::steady_clock::now();
        const std::string prefix = R"("reservation_id":"bench-)" + run_id_ + "-";
        const auto digits = value_of(webhook.body, prefix);
        std::size_t n = lives_.size();
        std::from_chars(digits.data(), digits.data() + digits.size(), n);
        if (n >= lives_.size()) return;  // of another run
        Life& life = lives_[n];
        if (life.webhooks < 255) ++life.webhooks;
        if (life.webhooks > 1) {
            ++report_.duplicated;
            return;
        }
        if (n >= warm_from_)
            report_.webhook_lateness.record(us_between(life.sent + options_.delay, now));
        const bool valid =
            gateway::verify_webhook_signature(options_.secret, webhook.body, webhook.signature) &&
            value_of(webhook.body, R"("amount":)") == std::to_string(amount) &&
            pb::PaymentStatus_Parse(std::string(value_of(webhook.body, R"("status":")")),
                                    &life.told) &&
            as_planned(life.scenario, life.told);
        if (!valid) ++report_.wrong;
        if (ended_) return;
        ++active_;
        runtime::spawn(
            loop_, "bench read",
            read_after_webhook(n, std::string(value_of(webhook.body, R"("payment_id":")"))));
    }

    awaitable<void> read_after_webhook(std::size_t n, std::string id) {
        co_await read_back(n, std::move(id));
        --active_;
    }

    awaitable<void> read_back(std::size_t n, std::string id) {
        pb::GetPaymentStatusRequest request;
        request.set_payment_intent_id(id);
        const Time asked = std::chrono::steady_clock::now();
        const auto answer =
            co_await channel(n).call<pb::GetPaymentStatusResponse>(status_path, request, {});
        if (!answer) co_return;  // no answer is no outcome: counted as lost at the end
        if (n >= warm_from_)
            report_.read_back.record(us_between(asked, std::chrono::steady_clock::now()));
        const auto status = answer->payment().status();
        if (!options_.webhooks &&
            (status == pb::PAYMENT_STATUS_PENDING || status == pb::PAYMENT_STATUS_PROCESSING))
            co_return;
        lives_[n].ended = true;
        const bool agrees =
            options_.webhooks ? status == lives_[n].told : as_planned(lives_[n].scenario, status);
        if (!agrees) ++report_.wrong;
    }

    static bool as_planned(gateway::Scenario scenario, pb::PaymentStatus status) {
        switch (scenario) {
            case gateway::Scenario::Approve:
            case gateway::Scenario::Delay:
                return status == pb::PAYMENT_STATUS_COMPLETED;
            case gateway::Scenario::Fail:
                return status == pb::PAYMENT_STATUS_FAILED;
            case gateway::Scenario::Random:
                return status == pb::PAYMENT_STATUS_COMPLETED ||
                       status == pb::PAYMENT_STATUS_FAILED;
            case gateway::Scenario::Timeout:
                return status == pb::PAYMENT_STATUS_EXPIRED;
        }
        return false;
    }

    // The head of the array ends first, so this looks at each life about once.
    bool settled() {
        while (settled_ < lives_.size() && lives_[settled_].ended) ++settled_;
        return settled_ == lives_.size();
    }

    void reconcile() {
        report_.begun = begun_;
        for (const auto& life : lives_) {
            if (life.acknowledged && !life.ended) ++report_.lost;
        }
        report_.seconds = std::chrono::duration<double>(last_acknowledged_ - start_).count();
    }

    void show_progress(Time& next_line) {
        const Time now = std::chrono::steady_clock::now();
        if (!options_.progress || now < next_line) return;
        next_line += std::chrono::seconds(1);
        std::fprintf(stderr,
                     "%4.0f s  begun %zu  acknowledged %llu (+%llu)  failed %llu  create p99 %.2f "
                     "ms  webhook p99 %.2f ms\n",
                     std::chrono::duration<double>(now - start_).count(), begun_,
                     static_cast<unsigned long long>(report_.acknowledged),
                     static_cast<unsigned long long>(report_.acknowledged - shown_),
                     static_cast<unsigned long long>(report_.failed),
                     static_cast<double>(report_.create.percentile(0.99)) / 1e3,
                     static_cast<double>(report_.webhook_lateness.percentile(0.99)) / 1e3);
        shown_ = report_.acknowledged;
    }

    runtime::Loop& loop_;
    const LifeOptions& options_;
    LifeReport& report_;
    Receiver receiver_;
    const std::string run_id_;
    std::vector<std::unique_ptr<grpc::Channel>> channels_;
    std::vector<gateway::Scenario> wheel_;
    std::vector<Life> lives_;
    std::size_t warm_from_ = 0;
    std::size_t begun_ = 0;
    std::size_t settled_ = 0;
    std::size_t creating_ = 0;
    std::size_t active_ = 0;
    std::uint64_t shown_ = 0;
    bool ended_ = false;
    std::string webhook_url_;
    Time start_;
    Time last_acknowledged_;
};

}  // namespace

awaitable<void> run_lives(runtime::Loop& loop, LifeOptions options, LifeReport& report) {
    Run run(loop, options, report);
    co_await run.drive();
}

}  // namespace florin::loadgen
