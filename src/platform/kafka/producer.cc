#include "platform/kafka/producer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include <librdkafka/rdkafka.h>

#include "platform/kafka/handles.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace florin::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds look_while_waiting{100};
constexpr Milliseconds look_while_idle{10'000};

bool blames_records(rd_kafka_resp_err_t code) {
    constexpr auto blaming = std::to_array<rd_kafka_resp_err_t>(
        {RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
         RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
         RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
         RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_INVALID_RECORD});
    return std::ranges::find(blaming, code) != blaming.end();
}

bool was_purged(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

bool takes_lz4(const ClientOptions& options) {
    try {
        make_conf(options, {{"compression.codec", "lz4"}}, {});
        return true;
    } catch (const ConfigurationFault&) {
        return false;
    }
}

rd_kafka_resp_err_t queue(rd_kafka_t& client, const Record& record, rd_kafka_headers_t* headers,
                          void* opaque) {
    std::array<rd_kafka_vu_t, 6> fields{};
    fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    fields[0].u.cstr = record.topic.c_str();
    fields[1].vtype = RD_KAFKA_VTYPE_KEY;
    fields[1].u.mem = {const_cast<char*>(record.key.data()), record.key.size()};
    fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[2].u.mem = {const_cast<char*>(record.value.data()), record.value.size()};
    fields[3].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[3].u.headers = headers;
    fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    fields[4].u.i64 = unix_ms(record.at);
    fields[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
    fields[5].u.ptr = opaque;
    rd_kafka_error_t* const error = rd_kafka_produceva(&client, fields.data(), fields.size());
    if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
    const auto code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}

ConfHandle producer_conf(const ClientOptions& client, const ProducerOptions& options,
                         const std::string& compression) {
    return make_conf(
        client,
        {{"linger.ms", std::to_string(options.linger.count())},
         {"compression.codec", compression},
         {"queue.buffering.max.messages", std::to_string(options.queue_records_max)},
         {"queue.buffering.max.kbytes", std::to_string(options.queue_kib_max)},
         {"topic.metadata.propagation.max.ms", "5000"}},
        {{"enable.idempotence", "true"},
         {"acks", "all"},
         // A gap is fatal to the session, and nothing expires on its own: so nothing overtakes.
         {"enable.gapless.guarantee", "true"},
         // A broker takes any first number of a producer that it has not heard of (KAFKA-15591): of
         // two requests of a new session the second would stay before the first, were that refused.
         {"max.in.flight.requests.per.connection", "1"},
         {"message.timeout.ms", "0"},
         {"allow.auto.create.topics", "false"},
         {"partitioner", "murmur2_random"}});
}

}  // namespace

/// What is wrong with Kafka, as the newest session knows it. Told for a while only: a broker that
/// is back says nothing as long as nobody sends.
class Producer::Report {
public:
    explicit Report(Milliseconds lasts) : lasts_(lasts) {}

    void set(std::string text) {
        const std::scoped_lock lock(mutex_);
        trouble_ = std::move(text);
        set_at_ = SteadyClock::now();
        any_ = !trouble_.empty();
    }
    void clear() {
        if (any_) set({});
    }
    [[nodiscard]] std::string get() const {
        const std::scoped_lock lock(mutex_);
        return SteadyClock::now() - set_at_ < lasts_ ? trouble_ : std::string();
    }

private:
    const Milliseconds lasts_;
    mutable std::mutex mutex_;
    std::string trouble_;
    SteadyClock::time_point set_at_;
    std::atomic<bool> any_{false};  // spares the lock a record
};

/// The records of one `send`. Any thread settles them; the last to let go resumes the sender.
class Producer::Round {
public:
    struct Slot {
        Round* round = nullptr;
        Delivery delivery;
    };

    Round(runtime::Loop& loop, std::size_t records) : loop_(loop), slots_(records) {
        for (Slot& slot : slots_) slot.round = this;
    }
    Slot& slot(std::size_t record) { return slots_[record]; }
    void hold() { held_.fetch_add(1, std::memory_order_relaxed); }
    void release() {
        if (held_.fetch_sub(1, std::memory_order_acq_rel) == 1) loop_.complete(&done_);
    }
    runtime::Completion& done() { return done_; }
    /// None of its records is under way.
    void give_back(const std::string& why) {
        for (Slot& slot : slots_) slot.delivery = {Delivery::Kind::Away, "NoSession", why};
    }
    std::vector<Delivery> take() {
        std::vector<Delivery> deliveries;
        deliveries.reserve(slots_.size());
        for (Slot& slot : slots_) deliveries.push_back(std::move(slot.delivery));
        return deliveries;
    }

private:
    runtime::Loop& loop_;
    std::vector<Slot> slots_;
    std::atomic<std::size_t> held_{1};  // by its sender and by each record under way
    runtime::Completion done_;
};

/// One producer of the library and the thread that hears of its deliveries.
class Producer::Session {
public:
    Session(ConfHandle conf, const ProducerOptions& options, std::shared_ptr<Report> report)
        : options_(options), report_(std::move(report)) {
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_dr_msg_cb(conf.get(), &Session::on_delivery);
        rd_kafka_conf_set_error_cb(conf.get(), &Session::on_error);
        client_ = make_producer(std::move(conf));
        reports_.reset(rd_kafka_queue_get_main(client_.get()));
        thread_ = std::thread([this] { serve(); });
    }
    ~Session() {
        end();
        thread_.join();
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Queues the records; false when the session has ended. `records` live as long as the round.
    bool produce(const std::vector<Record>& records, Round& round) {
        const std::scoped_lock lock(entry_);
        if (ending()) return false;
        if (under_way_ == 0) {
            heard_at_ = SteadyClock::now();
            rd_kafka_queue_yield(reports_.get());  // it looks more often from now on
        }
        for (std::size_t i = 0; i < records.size(); ++i) {
            if (!produce(records[i], round.slot(i))) break;  // the rest stays behind it
        }
        return true;
    }
    [[nodiscard]] bool ending() const { return ending_ || broken_; }
    [[nodiscard]] bool ended() const { return ended_; }
    void end() {
        const std::scoped_lock lock(entry_);
        ending_ = true;
        if (reports_) rd_kafka_queue_yield(reports_.get());
    }

private:
    bool produce(const Record& record, Round::Slot& slot) {
        rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
        for (const auto& [name, value] : record.headers) {
            rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()),
                                value.data(), static_cast<ssize_t>(value.size()));
        }
        slot.round->hold();
        ++under_way_;
        // Without a copy: the round outlives the report.
        const auto code = queue(*client_, record, headers, &slot);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        rd_kafka_headers_destroy(headers);
        const bool too_large = code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
        // It would go on to say what it has once learnt: that a topic is not there, which is.
        if (!too_large && code != RD_KAFKA_RESP_ERR__QUEUE_FULL) give_up();
        slot.delivery = {too_large ? Delivery::Kind::TooLarge : Delivery::Kind::Away,
                         error_name(code), rd_kafka_err2str(code)};
        --under_way_;
        slot.round->release();
        return too_large;
    }

    /// While `entry_` is held.
    void give_up() {
        broken_ = true;
        rd_kafka_queue_yield(reports_.get());
    }
    static void on_delivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message,
                            void* opaque) {
        static_cast<Session*>(opaque)->heard(*message,
                                             *static_cast<Round::Slot*>(message->_private));
    }
    static void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque) {
        auto& self = *static_cast<Session*>(opaque);
        std::string text = reason;
        if (code == RD_KAFKA_RESP_ERR__FATAL) {
            std::array<char, 512> why{};
            rd_kafka_fatal_error(client, why.data(), why.size());
            text = why.data();
            self.broken_ = true;
        }
        const bool told = !self.report_->get().empty();
        // "All brokers are down" says less than why.
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && told) return;
        if (!told) telemetry::warning("Kafka may not be written to at present", {{"reason", text}});
        self.report_->set(std::move(text));
    }

    void heard(const rd_kafka_message_t& message, Round::Slot& slot) {
        const auto code = message.err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            slot.delivery.kind = Delivery::Kind::Done;
            heard_at_ = SteadyClock::now();
            report_->clear();
        } else {
            broken_ = true;
            slot.delivery = {blames_records(code) ? Delivery::Kind::Refused : Delivery::Kind::Away,
                             error_name(code), why(message)};
        }
        --under_way_;
        slot.round->release();
    }
    [[nodiscard]] std::string why(const rd_kafka_message_t& message) const {
        std::string trouble = report_->get();
        if (was_purged(message.err) && !trouble.empty()) return trouble;
        if (was_purged(message.err)) return "it was not delivered in time";
        const char* const topic = message.rkt == nullptr ? "" : rd_kafka_topic_name(message.rkt);
        return std::string("topic ") + topic + ": " + rd_kafka_err2str(message.err);
    }

    [[nodiscard]] bool stalled() const {
        return under_way_ > 0 && SteadyClock::now() - heard_at_.load() > options_.patience;
    }
    void complain_of_silence() {
        auto trouble = report_->get();
        report_->set(trouble.empty() ? "Kafka does not answer" : std::move(trouble));
    }
    void serve() {
        while (!ending() && !stalled()) {
            const auto wait = under_way_ > 0 ? look_while_waiting : look_while_idle;
            rd_kafka_poll(client_.get(), static_cast<int>(wait.count()));
        }
        if (stalled()) complain_of_silence();
        {
            const std::scoped_lock lock(entry_);
            ending_ = true;
        }
        while (under_way_ > 0) {
            rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
            rd_kafka_poll(client_.get(), static_cast<int>(look_while_waiting.count()));
        }
        {
            const std::scoped_lock lock(entry_);
            reports_.reset();
        }
        client_.reset();
        ended_ = true;
    }

    const ProducerOptions options_;
    const std::shared_ptr<Report> report_;
    ClientHandle client_;
    QueueHandle reports_;
    std::mutex entry_;  // whoever queues holds it, so that nothing comes into a session that ends
    std::atomic<std::size_t> under_way_{0};
    std::atomic<SteadyClock::time_point> heard_at_{SteadyClock::now()};
    std::atomic<bool> ending_{false};
    std::atomic<bool> broken_{false};  // what was to come before others has failed
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

Producer::Producer(runtime::Loop& loop, ClientOptions client, ProducerOptions options,
                   telemetry::Metrics& metrics)
    : loop_(loop),
      client_(std::move(client)),
      options_(options),
      compression_(takes_lz4(client_) ? "lz4" : "none"),
      report_(std::make_shared<Report>(options_.trouble_lasts)),
      sessions_(
          metrics.counter("florin_kafka_producer_sessions_total",
                          "Sessions with Kafka that were begun; a failed delivery ends one.")) {
    const auto counter = [&](const char* result) {
        return metrics.counter("florin_kafka_records_total",
                               "Records sent to Kafka, each time, by what came of them.",
                               {{"result", result}});
    };
    done_ = counter("done");
    away_ = counter("away");
    refused_ = counter("refused");
    producer_conf(client_, options_, compression_);  // complains now, not at the first record
}

Producer::~Producer() = default;

void Producer::close() {
    closed_ = true;
    if (session_) session_->end();
}

std::string Producer::trouble() const {
    return report_->get();
}

Producer::Session& Producer::session() {
    std::erase_if(retired_, [](const auto& session) { return session->ended(); });
    if (session_ && session_->ending()) retired_.push_back(std::exchange(session_, nullptr));
    if (!session_) {
        session_ = std::make_unique<Session>(producer_conf(client_, options_, compression_),
                                             options_, report_);
        sessions_.add();
    }
    return *session_;
}

awaitable<std::vector<Delivery>> Producer::send(std::vector<Record> records) {
    Round round(loop_, records.size());
    for (std::size_t i = 0; i < records.size(); ++i)
        round.slot(i).delivery = {Delivery::Kind::Away, "NotSent", "it was not sent"};
    co_await round.done().wait([this, &records, &round] {
        hand_over(records, round);
        round.release();
    });
    auto deliveries = round.take();
    count(deliveries);
    co_return deliveries;
}

// What makes a session (files of certificates, threads, descriptors) may be missing for a while.
void Producer::hand_over(const std::vector<Record>& records, Round& round) {
    while (!closed_) {
        Session* to = nullptr;
        try {
            to = &session();
        } catch (const std::exception& fault) {
            if (report_->get().empty())
                telemetry::warning("No session with Kafka can be begun at present",
                                   {{"reason", fault.what()}});
            report_->set(fault.what());
            round.give_back(fault.what());
            return;
        }
        if (to->produce(records, round)) return;
    }
}

void Producer::count(const std::vector<Delivery>& deliveries) {
    const auto of = [&](Delivery::Kind kind) {
        return static_cast<double>(std::ranges::count(deliveries, kind, &Delivery::kind));
    };
    done_.add(of(Delivery::Kind::Done));
    away_.add(of(Delivery::Kind::Away));
    refused_.add(of(Delivery::Kind::Refused) + of(Delivery::Kind::TooLarge));
}

}  // namespace florin::kafka
