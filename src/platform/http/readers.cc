#include "platform/http/readers.h"

#include <algorithm>
#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "platform/base/require.h"
#include "platform/http/target.h"
#include "platform/telemetry/trace.h"

namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

namespace florin::http {
namespace {

constexpr std::size_t read_bytes = 8 * 1024;
constexpr std::size_t response_header_bytes_max = 16 * 1024;
constexpr std::size_t response_fields_max = 200;

std::string_view view_of(beast::string_view text) {
    return {text.data(), text.size()};
}

/// Collects a message straight into our types: Beast's own containers would copy each field twice.
template <bool is_request>
class Collector final : public beast_http::basic_parser<is_request> {
public:
    struct Limits {
        std::size_t header_bytes_max;
        std::size_t fields_max;
        std::size_t body_bytes_max;
        bool cut_body;  // stop at the limit instead of refusing the message
    };

    explicit Collector(const Limits& limits) : limits_(limits) {
        this->eager(true);
        this->header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
        // Beast counts what it has let through; a body that is cut is counted here.
        if (limits.cut_body) {
            this->body_limit(boost::none);
        } else {
            this->body_limit(limits.body_bytes_max);
        }
    }

    std::string method;
    std::string target;
    int version = 11;
    unsigned status = 0;
    Headers headers;
    std::string body;

private:
    void on_request_impl(beast_http::verb, beast::string_view name, beast::string_view address,
                         int spoken, error_code& failed) override {
        version = spoken;
        method = view_of(name);
        target = view_of(address);
        count_header(name.size() + address.size(), failed);
    }
    void on_response_impl(int code, beast::string_view reason, int, error_code& failed) override {
        status = static_cast<unsigned>(code);
        count_header(reason.size(), failed);
    }
    void on_field_impl(beast_http::field, beast::string_view name, beast::string_view value,
                       error_code& failed) override {
        if (++fields_ > limits_.fields_max) failed = beast_http::error::header_limit;
        count_header(name.size() + value.size() + 4, failed);
        // A trailer must not change what the head said (RFC 9110, 6.5.1).
        if (!failed && !head_done_)
            headers.add(std::string(view_of(name)), std::string(view_of(value)));
    }
    void on_header_impl(error_code&) override { head_done_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
        // A length is only a promise: room for it comes as the bytes do, beyond the first ones.
        if (length) body.reserve(std::min<std::size_t>(*length, read_bytes));
    }
    std::size_t on_body_impl(beast::string_view part, error_code& failed) override {
        if (!limits_.cut_body || part.size() <= limits_.body_bytes_max - body.size()) {
            body.append(part.data(), part.size());
            return part.size();
        }
        body.append(part.data(), limits_.body_bytes_max - body.size());
        failed = beast_http::error::body_limit;
        return part.size();
    }
    void on_chunk_header_impl(std::uint64_t, beast::string_view extensions,
                              error_code& failed) override {
        count_header(extensions.size(), failed);
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view part,
                                   error_code& failed) override {
        return on_body_impl(part, failed);
    }
    void on_finish_impl(error_code&) override {}

    // Beast's own limit holds for what it cannot take field by field.
    void count_header(std::size_t size, error_code& failed) {
        header_bytes_ += size;
        if (header_bytes_ > limits_.header_bytes_max) failed = beast_http::error::header_limit;
    }

    const Limits limits_;
    std::size_t header_bytes_ = 0;
    std::size_t fields_ = 0;
    bool head_done_ = false;
};

/// The shortest rest of a chunked body, a last chunk without trailers: `0 CR LF CR LF`. Beast's
/// parser counts on seeing that much of the last chunk at once, and aborts a build with assertions
/// when it does not.
constexpr std::size_t shortest_chunked_rest = 5;

/// Gives `parser` what `buffer` holds, until it has a message or wants more.
template <class Parser>
error_code parse(Parser& parser, beast::flat_buffer& buffer) {
    error_code failed;
    while (!parser.is_done() && buffer.size() > 0) {
        if (parser.is_header_done() && parser.chunked() && buffer.size() < shortest_chunked_rest)
            break;
        const std::size_t used = parser.put(buffer.data(), failed);
        buffer.consume(used);
        if (failed) break;
    }
    if (failed == beast_http::error::need_more) failed = {};
    return failed;
}

std::span<char> space_in(beast::flat_buffer& buffer) {
    const auto space = buffer.prepare(read_bytes);
    return {static_cast<char*>(space.data()), space.size()};
}

/// Line breaks before a request are left over from its predecessor (RFC 9112, 2.2).
void skip_line_breaks(beast::flat_buffer& buffer) {
    const auto* const text = static_cast<const char*>(buffer.data().data());
    std::size_t breaks = 0;
    while (breaks < buffer.size() && (text[breaks] == '\r' || text[breaks] == '\n')) ++breaks;
    buffer.consume(breaks);
}

/// What Beast lets pass and a server must not (RFC 9112, 3.2 and 6.1).
const char* complaint_about(const Collector<true>& head) {
    std::size_t hosts = 0;
    std::size_t codings = 0;
    for (const auto& [name, value] : head.headers) {
        hosts += beast::iequals(name, "Host") ? 1 : 0;
        codings += beast::iequals(name, "Transfer-Encoding") ? 1 : 0;
    }
    if (hosts > 1 || (hosts == 0 && head.version == 11)) return "it needs exactly one Host field";
    if (codings > 0 && !head.chunked()) return "its last Transfer-Encoding must be chunked";
    if (codings > 0 && head.version == 10) return "HTTP/1.0 has no Transfer-Encoding";
    return nullptr;
}

}  // namespace

struct RequestReader::Impl {
    explicit Impl(RequestReaderLimits given) : limits(given) { restart(); }

    void restart() {
        parser.emplace(Collector<true>::Limits{limits.header_bytes_max, limits.fields_max,
                                               limits.body_bytes_max, false});
        head_checked = false;
    }

    void parse_more() {
        if (refusal || parser->is_done()) return;
        if (!parser->got_some()) skip_line_breaks(buffer);
        const error_code failed = parse(*parser, buffer);
        if (failed) {
            refusal = refusal_of(failed);
        } else if (parser->is_header_done() && !head_checked) {
            head_checked = true;
            if (const char* complaint = complaint_about(*parser))
                refuse(400, "malformed_request", complaint);
        }
    }

    void refuse(unsigned status, std::string code, std::string_view reason) {
        refusal = Refusal{status, std::move(code),
                          "the request is not valid HTTP/1.1: " + std::string(reason)};
    }

    [[nodiscard]] Refusal refusal_of(const error_code& failed) const {
        if (failed == beast_http::error::header_limit) {
            return {431, "header_too_large",
                    "the request's header is larger than " +
                        std::to_string(limits.header_bytes_max) + " bytes or has more than " +
                        std::to_string(limits.fields_max) + " fields"};
        }
        if (failed == beast_http::error::body_limit) {
            return {413, "body_too_large",
                    "the request's body is larger than " + std::to_string(limits.body_bytes_max) +
                        " bytes"};
        }
        if (failed == beast_http::error::bad_version)
            return {505, "version_not_supported", "this server speaks HTTP/1.1 and HTTP/1.0"};
        return {400, "malformed_request", "the request is not valid HTTP/1.1: " + failed.message()};
    }

    const RequestReaderLimits limits;
    beast::flat_buffer buffer;
    std::optional<Collector<true>> parser;
    std::optional<Refusal> refusal;
    bool head_checked = false;
};

RequestReader::RequestReader(RequestReaderLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;

std::span<char> RequestReader::space() {
    return space_in(impl_->buffer);
}

void RequestReader::received(std::size_t size) {
    impl_->buffer.commit(size);
    impl_->parse_more();
}

RequestReader::State RequestReader::state() const {
    if (impl_->refusal) return State::Refused;
    if (impl_->parser->is_done()) return State::Complete;
    return impl_->parser->is_header_done() ? State::Body : State::Head;
}

bool RequestReader::begun() const {
    return impl_->parser->got_some() || impl_->buffer.size() > 0;
}

bool RequestReader::expects_continue() const {
    return state() == State::Body && impl_->parser->version == 11 && impl_->parser->body.empty() &&
           beast::iequals(impl_->parser->headers.get("Expect"), "100-continue");
}

bool RequestReader::keep_alive() const {
    return !impl_->refusal && impl_->parser->is_header_done() && impl_->parser->keep_alive();
}

unsigned RequestReader::version() const {
    return impl_->parser->is_header_done() && impl_->parser->version == 10 ? 10 : 11;
}

const Refusal& RequestReader::refusal() const {
    require(impl_->refusal.has_value(), "only a refused request has a refusal");
    return *impl_->refusal;
}

std::expected<Request, Refusal> RequestReader::take(std::string_view peer, std::uint64_t entropy) {
    require(state() == State::Complete, "only a complete request can be taken");
    auto& parser = *impl_->parser;
    Request request;
    request.method = std::move(parser.method);
    request.headers = std::move(parser.headers);
    request.body = std::move(parser.body);
    request.peer = peer;
    request.trace_id = telemetry::choose_trace_id(request.headers.get("traceparent"),
                                                  request.headers.get("X-Correlation-ID"), entropy);
    if (auto read = read_target(parser.target, request); !read)
        return std::unexpected(Refusal{400, "malformed_address", std::move(read.error())});
    return request;
}

void RequestReader::start_next() {
    if (impl_->refusal) return;
    impl_->restart();
    impl_->parse_more();
}

struct ResponseReader::Impl {
    explicit Impl(std::size_t body_max) : body_bytes_max(body_max) {}

    void restart() {
        parser.emplace(Collector<false>::Limits{response_header_bytes_max, response_fields_max,
                                                body_bytes_max, true});
        if (head) parser->skip(true);
    }

    void parse_more() {
        while (state == State::Reading && buffer.size() > 0) {
            const error_code failed = parse(*parser, buffer);
            if (failed == beast_http::error::body_limit) {
                state = State::Cut;
            } else if (failed == beast_http::error::header_limit) {
                break_off("its header is larger than " + std::to_string(response_header_bytes_max) +
                          " bytes or has more than " + std::to_string(response_fields_max) +
                          " fields");
            } else if (failed) {
                break_off("the answer is not valid HTTP: " + failed.message());
            } else if (!parser->is_done()) {
                return;
            } else if (parser->status / 100 == 1 && parser->status != 101) {
                ++interim;  // "100 Continue", "103 Early Hints": the answer is still to come
                if (interim > interim_max) return break_off("it sends interim answers only");
                restart();
            } else {
                state = State::Complete;
            }
        }
    }

    void break_off(std::string reason) {
        state = State::Broken;
        fault = std::move(reason);
    }

    static constexpr unsigned interim_max = 10;
    const std::size_t body_bytes_max;
    bool head = false;
    bool begun = false;
    unsigned interim = 0;
    State state = State::Reading;
    std::string fault;
    beast::flat_buffer buffer;
    std::optional<Collector<false>> parser;
};

ResponseReader::ResponseReader(std::size_t body_bytes_max, bool head)
    : impl_(std::make_unique<Impl>(body_bytes_max)) {
    restart(head);
}
ResponseReader::~ResponseReader() = default;

void ResponseReader::restart(bool head) {
    impl_->head = head;
    impl_->begun = false;
    impl_->interim = 0;
    impl_->state = State::Reading;
    impl_->restart();
}

std::span<char> ResponseReader::space() {
    return space_in(impl_->buffer);
}

void ResponseReader::received(std::size_t size) {
    impl_->begun = impl_->begun || size > 0;
    impl_->buffer.commit(size);
    impl_->parse_more();
}

void ResponseReader::ended() {
    if (impl_->state != State::Reading) return;
    error_code failed = beast_http::error::partial_message;
    if (impl_->parser->got_some()) impl_->parser->put_eof(failed);
    if (!failed) {
        impl_->state = State::Complete;
    } else {
        impl_->break_off(impl_->begun ? "it closed the connection in the middle of its answer"
                                      : "it closed the connection without an answer");
    }
}

ResponseReader::State ResponseReader::state() const {
    return impl_->state;
}

bool ResponseReader::begun() const {
    return impl_->begun;
}

bool ResponseReader::has_head() const {
    return impl_->parser->is_header_done() && impl_->parser->status / 100 != 1;
}

bool ResponseReader::reusable() const {
    return impl_->state == State::Complete && impl_->parser->keep_alive() &&
           impl_->buffer.size() == 0 && impl_->parser->status != 101;
}

const std::string& ResponseReader::fault() const {
    return impl_->fault;
}

unsigned ResponseReader::status() const {
    return impl_->parser->status;
}

Headers ResponseReader::take_headers() {
    return std::move(impl_->parser->headers);
}

std::string ResponseReader::take_body() {
    return std::move(impl_->parser->body);
}

}  // namespace florin::http
