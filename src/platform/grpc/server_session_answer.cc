// The answering half of a session: headers, messages and trailers on their way out.
#include <algorithm>
#include <cstring>

#include <nghttp2/nghttp2.h>

#include "platform/base/require.h"
#include "platform/grpc/server_session.h"

namespace florin::grpc {
namespace {

constexpr std::size_t compress_from_bytes = 1'024;
// Clients bound the size of headers, commonly at 8 KiB; a longer one would cost them the status
// too.
constexpr std::size_t status_message_bytes_max = 2'048;

nghttp2_nv header(std::string_view name, std::string_view value) {
    // nghttp2 copies both unless told otherwise; its pointers predate const.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

nghttp2_nv constant_header(std::string_view name, std::string_view value) {
    auto field = header(name, value);
    field.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
    return field;
}

std::string encoded_message(std::string_view message) {
    std::string encoded = percent_encode(message.substr(0, status_message_bytes_max));
    if (encoded.size() > status_message_bytes_max) {
        encoded.resize(status_message_bytes_max);
        const auto cut = encoded.rfind('%');  // not within an escape
        if (cut != std::string::npos && cut + 3 > encoded.size()) encoded.resize(cut);
    }
    return encoded;
}

std::string_view digits_of(Code code) {
    constexpr std::string_view digits[] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                           "9", "10", "11", "12", "13", "14", "15", "16"};
    return digits[static_cast<std::size_t>(code)];
}

}  // namespace

/// The bridge from nghttp2's call for data.
struct OutputCallback {
    static ssize_t read(nghttp2_session* /*session*/, std::int32_t /*stream*/, std::uint8_t* buffer,
                        std::size_t length, std::uint32_t* flags, nghttp2_data_source* source,
                        void* user) {
        return static_cast<ServerSession*>(user)->read_output(
            *static_cast<ServerCall*>(source->ptr), buffer, length, flags);
    }
};

void ServerSession::finish_unary(ServerCall& call, Status status, std::string answer) {
    if (status.ok() && answer.size() > limits_.response_message_bytes_max + prefix_bytes) {
        status = {Code::ResourceExhausted, "the answer is larger than " +
                                               std::to_string(limits_.response_message_bytes_max) +
                                               " bytes"};
    }
    if (status.ok()) frame_message(call, std::move(answer));
    finish(call, std::move(status));
}

void ServerSession::send_message(ServerCall& call, std::string message) {
    if (message.size() > limits_.response_message_bytes_max) {
        return finish(call, {Code::ResourceExhausted,
                             "the answer is larger than " +
                                 std::to_string(limits_.response_message_bytes_max) + " bytes"});
    }
    message.insert(0, prefix_bytes, '\0');
    frame_message(call, std::move(message));
    if (!call.started_answer_) {
        begin_answer(call);
    } else if (call.waiting_for_data_) {
        call.waiting_for_data_ = false;
        nghttp2_session_resume_data(session_, call.stream_id_);
    }
    host_.output_ready();
}

// `message` has room for its prefix in front.
void ServerSession::frame_message(ServerCall& call, std::string message) {
    bool compressed = false;
    if (call.gzip_accepted_ && message.size() >= compress_from_bytes) {
        message =
            std::string(prefix_bytes, '\0') + gzip(std::string_view(message).substr(prefix_bytes));
        compressed = true;
    }
    write_prefix(message, compressed);
    if (call.output_.empty()) {
        call.output_ = std::move(message);
    } else {
        call.output_ += message;
    }
}

void ServerSession::finish(ServerCall& call, Status status) {
    require(!call.answered_, "a call is answered once");
    call.answered_ = true;
    drop_received(call);
    call.status_ = std::move(status);
    call.progressed_ = std::chrono::steady_clock::now();
    if (call.method_ != nullptr) {
        metrics_.handled(*call.method_, call.status_.code,
                         std::chrono::duration<double>(call.progressed_ - call.started_).count());
    }
    call.wake(call.reader_);
    call.wake(call.writer_);
    if (call.started_answer_) {
        if (call.waiting_for_data_) nghttp2_session_resume_data(session_, call.stream_id_);
    } else {
        begin_answer(call);
    }
    host_.output_ready();
}

void ServerSession::begin_answer(ServerCall& call) {
    call.started_answer_ = true;
    nghttp2_nv fields[5] = {constant_header(":status", "200"),
                            constant_header("content-type", "application/grpc")};
    std::size_t count = 2;
    if (call.answered_ && call.output_.empty()) {
        const std::string message = encoded_message(call.status_.message);
        fields[count++] = constant_header("grpc-status", digits_of(call.status_.code));
        if (!message.empty()) fields[count++] = header("grpc-message", message);
        if (call.unknown_encoding_) {
            fields[count++] = constant_header("grpc-accept-encoding", "identity,deflate,gzip");
        }
        nghttp2_submit_response(session_, call.stream_id_, fields, count, nullptr);
        return;
    }
    if (call.gzip_accepted_) fields[count++] = constant_header("grpc-encoding", "gzip");
    nghttp2_data_provider provider{};
    provider.source.ptr = &call;
    provider.read_callback = OutputCallback::read;
    nghttp2_submit_response(session_, call.stream_id_, fields, count, &provider);
}

void ServerSession::answer_http(ServerCall& call, const char* http_status) {
    call.answered_ = true;
    call.started_answer_ = true;
    const nghttp2_nv fields[] = {header(":status", http_status),
                                 constant_header("accept-post", "application/grpc")};
    nghttp2_submit_response(session_, call.stream_id_, fields, std::size(fields), nullptr);
    host_.output_ready();
}

std::int64_t ServerSession::read_output(ServerCall& call, std::uint8_t* buffer, std::size_t length,
                                        std::uint32_t* flags) {
    const std::size_t size = std::min(length, call.output_.size() - call.output_sent_);
    std::memcpy(buffer, call.output_.data() + call.output_sent_, size);
    call.output_sent_ += size;
    if (size > 0) call.progressed_ = std::max(call.progressed_, last_received_);
    if (call.output_sent_ == call.output_.size()) {
        call.output_.clear();
        call.output_sent_ = 0;
        if (call.answered_) {
            *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailer(call);
        } else {
            call.wake(call.writer_);
            if (size == 0) {
                call.waiting_for_data_ = true;
                return NGHTTP2_ERR_DEFERRED;
            }
        }
    }
    return static_cast<std::int64_t>(size);
}

void ServerSession::submit_trailer(ServerCall& call) {
    const std::string message = encoded_message(call.status_.message);
    nghttp2_nv fields[2] = {constant_header("grpc-status", digits_of(call.status_.code))};
    std::size_t count = 1;
    if (!message.empty()) fields[count++] = header("grpc-message", message);
    nghttp2_submit_trailer(session_, call.stream_id_, fields, count);
}

}  // namespace florin::grpc
