#include "platform/grpc/server_call.h"

#include <algorithm>

#include "platform/grpc/server_session.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/trace.h"

namespace florin::grpc {

std::string_view ServerCall::metadata(std::string_view name) const {
    const auto found =
        std::ranges::find(metadata_, name, &std::pair<std::string, std::string>::first);
    return found != metadata_.end() ? std::string_view(found->second) : std::string_view();
}

// Most calls never ask, so the id is chosen when the first one does.
const std::string& ServerCall::trace_id() const {
    if (trace_id_.empty()) {
        const auto entropy = static_cast<std::uint64_t>(started_.time_since_epoch().count()) ^
                             (reinterpret_cast<std::uintptr_t>(this) << 16U);
        trace_id_ = telemetry::choose_trace_id(metadata("traceparent"),
                                               metadata("x-correlation-id"), entropy);
    }
    return trace_id_;
}

const std::string& ServerCall::peer() const {
    if (peer_.empty() && session_ != nullptr) peer_ = session_->peer();
    return peer_;
}

awaitable<std::optional<std::string>> ServerCall::read() {
    while (!cancelled()) {
        auto message = session_->next_message(*this);
        if (message) co_return message;
        if (cancelled() || client_done_ || stop_waiting_) break;
        runtime::Completion arrived;
        co_await arrived.wait([&] { reader_ = &arrived; });
    }
    co_return std::nullopt;
}

void ServerCall::stop_waiting() {
    stop_waiting_ = true;
    wake(reader_);
}

awaitable<bool> ServerCall::write(const google::protobuf::MessageLite& message) {
    while (!cancelled() &&
           output_.size() - output_sent_ > session_->limits().output_buffer_bytes_max / 4) {
        runtime::Completion drained;
        co_await drained.wait([&] { writer_ = &drained; });
    }
    if (cancelled()) co_return false;
    session_->send_message(*this, message.SerializeAsString());
    co_return true;
}

void ServerCall::wake(runtime::Completion*& waiter) {
    if (auto* const waiting = std::exchange(waiter, nullptr))
        runtime::Loop::current().complete(waiting);
}

}  // namespace florin::grpc
