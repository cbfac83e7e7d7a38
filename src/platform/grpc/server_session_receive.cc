// The receiving half of a session: a call's bytes become messages, and flow control goes on.
#include <algorithm>

#include <nghttp2/nghttp2.h>

#include "platform/base/require.h"
#include "platform/grpc/server_session.h"

namespace florin::grpc {
namespace {

// Requests of one connection that wait for their last byte, together.
constexpr std::size_t buffered_bytes_max = 16 * 1024 * 1024;

}  // namespace

int ServerSession::on_data(ServerCall& call, std::string_view data) {
    call.progressed_ = now_;
    if (call.answered_ || call.method_ == nullptr) {
        nghttp2_session_consume(session_, call.stream_id_, data.size());
        return 0;
    }
    call.received_.append(data);
    buffered_bytes_ += data.size();
    call.unread_bytes_ += data.size();
    check_next_message(call);
    if (!call.answered_ && buffered_bytes_ > buffered_bytes_max) {
        finish(call,
               {Code::ResourceExhausted, "the connection has too much unfinished data on its way"});
    }
    return 0;
}

void ServerSession::on_client_done(ServerCall& call) {
    call.client_done_ = true;
    if (call.answered_ || call.method_ == nullptr) return;
    if (call.method_->unary) {
        start_handler(call);
    } else {
        call.wake(call.reader_);
    }
}

// Ends the call when what arrives cannot become a message. Bytes of a message that is not complete
// pass flow control at once: it could be larger than the window.
void ServerSession::check_next_message(ServerCall& call) {
    const auto waiting = std::string_view(call.received_).substr(call.received_at_);
    bool complete = false;
    if (waiting.size() >= prefix_bytes) {
        const auto prefix = read_prefix(waiting);
        if (!prefix) {
            return finish(call,
                          {Code::Internal, "a message begins with a byte that is neither 0 nor 1"});
        }
        if (prefix->length > limits_.request_message_bytes_max) {
            return finish(call, {Code::ResourceExhausted,
                                 "the message is larger than " +
                                     std::to_string(limits_.request_message_bytes_max) + " bytes"});
        }
        const std::size_t whole = prefix_bytes + prefix->length;
        complete = waiting.size() >= whole;
        if (call.method_->unary && waiting.size() > whole) {
            return finish(call, {Code::Internal, "a unary call has exactly one message"});
        }
    }
    if (call.method_->unary || !complete) give_back(call, call.unread_bytes_);
    if (complete) call.wake(call.reader_);
}

// Takes the next whole message; what is wrong with it ends the call.
std::optional<std::string> ServerSession::next_message(ServerCall& call) {
    const auto waiting = std::string_view(call.received_).substr(call.received_at_);
    if (waiting.size() < prefix_bytes) return std::nullopt;
    const auto prefix = read_prefix(waiting);
    require(prefix.has_value(), "a bad prefix has ended its call");
    const std::size_t whole = prefix_bytes + prefix->length;
    if (waiting.size() < whole) return std::nullopt;
    const auto bytes = waiting.substr(prefix_bytes, prefix->length);
    auto message = prefix->compressed ? inflated(call, bytes) : std::string(bytes);
    if (!message) return std::nullopt;
    buffered_bytes_ -= whole;
    call.received_at_ += whole;
    if (call.received_at_ * 2 >= call.received_.size()) {
        call.received_.erase(0, call.received_at_);
        call.received_at_ = 0;
    }
    if (call.unread_bytes_ > 0) give_back(call, std::min(whole, call.unread_bytes_));
    check_next_message(call);
    return message;
}

std::optional<std::string> ServerSession::inflated(ServerCall& call, std::string_view message) {
    if (!call.gzip_request_) {
        finish(call, {Code::Internal, "a message is compressed without grpc-encoding"});
        return std::nullopt;
    }
    auto plain = decompress(message, limits_.request_message_bytes_max);
    if (plain) return std::move(*plain);
    finish(call, std::move(plain.error()));
    return std::nullopt;
}

void ServerSession::give_back(ServerCall& call, std::size_t bytes) {
    call.unread_bytes_ -= bytes;
    nghttp2_session_consume(session_, call.stream_id_, bytes);
    host_.output_ready();
}

// An answered call needs nothing more of what the client sent.
void ServerSession::drop_received(ServerCall& call) {
    buffered_bytes_ -= call.received_.size() - call.received_at_;
    call.received_.clear();
    call.received_at_ = 0;
    if (call.unread_bytes_ > 0) give_back(call, call.unread_bytes_);
}

}  // namespace florin::grpc
