// Drives the built binary with grpc++, a client nobody here wrote. Calls go through the generic
// stub: the same wire as generated ones, without a second code generator.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/grpc/health/v1/health.pb.h"
#include "proto/grpc/reflection/v1/reflection.pb.h"
#include "proto/grpc/reflection/v1alpha/reflection.pb.h"
#include "proto/payment/v1/payment.pb.h"

namespace {

namespace pay = payment::v1;
using Deadline = std::chrono::system_clock::time_point;

Deadline in(std::chrono::milliseconds time) {
    return std::chrono::system_clock::now() + time;
}
Deadline soon() {
    return in(std::chrono::seconds(60));
}

/// A port that was free a moment ago.
std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket, generic, size) != 0 || ::getsockname(socket, generic, &size) != 0) {
        throw std::runtime_error("no free port on the loopback address");
    }
    ::close(socket);
    return ntohs(address.sin_port);
}

/// `florin serve --ephemeral` as a child process on ports of its own; stopped by SIGTERM.
class Florin {
public:
    Florin() : port_(free_port()) {
        std::deque<std::string> words{FLORIN_BINARY,
                                      "serve",
                                      "--ephemeral",
                                      "--bind-address",
                                      "127.0.0.1",
                                      "--log-level",
                                      "error",
                                      "--grpc-port",
                                      std::to_string(port_),
                                      "--http-port",
                                      std::to_string(free_port()),
                                      "--health-port",
                                      std::to_string(free_port())};
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        if (::posix_spawn(&process_, FLORIN_BINARY, nullptr, nullptr, arguments.data(), environ) !=
            0) {
            throw std::runtime_error("cannot start " FLORIN_BINARY);
        }
    }
    ~Florin() {
        ::kill(process_, SIGTERM);
        int status = 0;
        ::waitpid(process_, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
            << "florin ended with " << status;
    }
    Florin(const Florin&) = delete;
    Florin& operator=(const Florin&) = delete;

    [[nodiscard]] std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    std::uint16_t port_;
    pid_t process_ = 0;
};

class GrpcppClient : public testing::Test {
protected:
    static void SetUpTestSuite() {
        florin_ = std::make_unique<Florin>();
        channel_ = ::grpc::CreateChannel(florin_->target(), ::grpc::InsecureChannelCredentials());
        ASSERT_TRUE(channel_->WaitForConnected(soon())) << "no gRPC on " << florin_->target();
    }
    static void TearDownTestSuite() {
        channel_.reset();
        florin_.reset();
    }

    template <class Response, class Request>
    static std::pair<::grpc::Status, Response> call(const std::string& path, const Request& request,
                                                    ::grpc::ClientContext& context) {
        ::grpc::TemplatedGenericStub<Request, Response> stub(channel_);
        Response response;
        std::promise<::grpc::Status> ended;
        stub.UnaryCall(&context, path, {}, &request, &response,
                       [&](::grpc::Status status) { ended.set_value(std::move(status)); });
        auto status = ended.get_future().get();
        return {std::move(status), std::move(response)};
    }

    template <class Response, class Request>
    static std::pair<::grpc::Status, Response> call(const std::string& method,
                                                    const Request& request) {
        ::grpc::ClientContext context;
        context.set_deadline(soon());
        return call<Response>("/payment.v1.PaymentService/" + method, request, context);
    }

    static pay::CreatePaymentIntentRequest request(const std::string& delay_ms = "60000") {
        pay::CreatePaymentIntentRequest create;
        create.set_reservation_id("rsv-1");
        create.set_user_id("user-1");
        create.mutable_amount()->set_amount(50'000);
        create.mutable_amount()->set_currency("KRW");
        create.set_scenario(pay::PAYMENT_SCENARIO_APPROVE);
        (*create.mutable_metadata()->mutable_tags())["delay_ms"] = delay_ms;
        return create;
    }
    static std::string created(const pay::CreatePaymentIntentRequest& create) {
        auto [status, answer] =
            call<pay::CreatePaymentIntentResponse>("CreatePaymentIntent", create);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return answer.payment_intent_id();
    }
    static pay::Payment payment(const std::string& id,
                                const std::string& method = "GetPaymentStatus") {
        pay::GetPaymentStatusRequest get;
        get.set_payment_intent_id(id);
        auto [status, answer] = call<pay::GetPaymentStatusResponse>(method, get);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return answer.payment();
    }
    static pay::ProcessPaymentResponse processed(const std::string& id) {
        pay::ProcessPaymentRequest process;
        process.set_payment_intent_id(id);
        auto [status, answer] = call<pay::ProcessPaymentResponse>("ProcessPayment", process);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return answer;
    }

    static std::unique_ptr<Florin> florin_;
    static std::shared_ptr<::grpc::Channel> channel_;
};
std::unique_ptr<Florin> GrpcppClient::florin_;
std::shared_ptr<::grpc::Channel> GrpcppClient::channel_;

TEST_F(GrpcppClient, SeesAPaymentPendingAndThenCompleted) {
    const auto id = created(request("1"));
    EXPECT_TRUE(id.starts_with("pay-"));
    const auto until = soon();
    auto seen = payment(id);
    while (seen.status() != pay::PAYMENT_STATUS_COMPLETED &&
           std::chrono::system_clock::now() < until) {
        seen = payment(id);
    }
    EXPECT_EQ(seen.status(), pay::PAYMENT_STATUS_COMPLETED);
    EXPECT_EQ(seen.amount().amount(), 50'000);
    EXPECT_TRUE(seen.result().success());
    EXPECT_FALSE(seen.transaction_id().empty());
    EXPECT_EQ(payment(id, "GetPaymentIntent").SerializeAsString(), seen.SerializeAsString());
}

TEST_F(GrpcppClient, ProcessesRefundsAndCancels) {
    const auto id = created(request());
    EXPECT_EQ(processed(id).status(), pay::PAYMENT_STATUS_COMPLETED);
    pay::CancelPaymentRequest cancel;
    cancel.set_payment_intent_id(id);
    cancel.mutable_refund_amount()->set_amount(20'000);
    cancel.mutable_refund_amount()->set_currency("KRW");
    auto [part, partly] = call<pay::CancelPaymentResponse>("CancelPayment", cancel);
    ASSERT_TRUE(part.ok()) << part.error_message();
    EXPECT_EQ(partly.refunded_amount().amount(), 20'000);
    cancel.clear_refund_amount();
    auto [rest, fully] = call<pay::CancelPaymentResponse>("CancelPayment", cancel);
    ASSERT_TRUE(rest.ok()) << rest.error_message();
    EXPECT_EQ(fully.status(), pay::PAYMENT_STATUS_REFUNDED);
    EXPECT_EQ(call<pay::CancelPaymentResponse>("CancelPayment", cancel).first.error_code(),
              ::grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(GrpcppClient, ListsByUserAndSimulatesWebhooks) {
    auto create = request();
    create.set_user_id("lister");
    create.set_webhook_url("http://127.0.0.1:9/nobody");
    const auto id = created(create);
    pay::ListPaymentsRequest list;
    list.set_user_id("lister");
    auto [listed, page] = call<pay::ListPaymentsResponse>("ListPayments", list);
    ASSERT_TRUE(listed.ok()) << listed.error_message();
    ASSERT_EQ(page.payments_size(), 1);
    EXPECT_EQ(page.payments(0).payment_intent_id(), id);

    pay::SimulateWebhookRequest simulate;
    simulate.set_payment_intent_id(id);
    simulate.set_target_status(pay::PAYMENT_STATUS_FAILED);
    simulate.set_force_trigger(true);
    auto [sent, webhook] = call<pay::SimulateWebhookResponse>("SimulateWebhook", simulate);
    ASSERT_TRUE(sent.ok()) << sent.error_message();
    EXPECT_TRUE(webhook.webhook_sent());
    EXPECT_FALSE(webhook.webhook_id().empty());
}

TEST_F(GrpcppClient, GetsACodeAndATextForEachRefusal) {
    auto nothing = request();
    nothing.mutable_amount()->set_amount(0);
    const auto refused =
        call<pay::CreatePaymentIntentResponse>("CreatePaymentIntent", nothing).first;
    EXPECT_EQ(refused.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_NE(refused.error_message().find("amount.amount"), std::string::npos)
        << refused.error_message();

    pay::GetPaymentStatusRequest get;
    get.set_payment_intent_id("pay-한글");  // percent-encoded on the wire
    const auto unknown = call<pay::GetPaymentStatusResponse>("GetPaymentStatus", get).first;
    EXPECT_EQ(unknown.error_code(), ::grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(unknown.error_message(), "payment intent not found: pay-한글");
    EXPECT_EQ(call<pay::GetPaymentStatusResponse>("NoSuchMethod", get).first.error_code(),
              ::grpc::StatusCode::UNIMPLEMENTED);

    auto huge = request();
    huge.set_reservation_id(std::string(std::size_t{5} << 20U, 'x'));
    EXPECT_EQ(
        call<pay::CreatePaymentIntentResponse>("CreatePaymentIntent", huge).first.error_code(),
        ::grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcppClient, RepeatsAnAnswerByItsKey) {
    auto create = request();
    create.set_idempotency_key("grpcpp-key");
    EXPECT_EQ(created(create), created(create));
    create.mutable_amount()->set_amount(1);
    EXPECT_EQ(
        call<pay::CreatePaymentIntentResponse>("CreatePaymentIntent", create).first.error_code(),
        ::grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(GrpcppClient, MaySendGzip) {
    ::grpc::ClientContext context;
    context.set_deadline(soon());
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    const auto [status, answer] = call<pay::CreatePaymentIntentResponse>(
        "/payment.v1.PaymentService/CreatePaymentIntent", request(), context);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_FALSE(answer.payment_intent_id().empty());
}

TEST_F(GrpcppClient, MayHaveAThousandCallsUnderWayOnOneConnection) {
    struct Call {
        ::grpc::ClientContext context;
        pay::CreatePaymentIntentResponse answer;
        std::promise<::grpc::Status> ended;
    };
    ::grpc::TemplatedGenericStub<pay::CreatePaymentIntentRequest, pay::CreatePaymentIntentResponse>
        stub(channel_);
    const auto create = request();
    std::deque<Call> calls(1'000);
    for (auto& each : calls) {
        each.context.set_deadline(soon());
        stub.UnaryCall(&each.context, "/payment.v1.PaymentService/CreatePaymentIntent", {}, &create,
                       &each.answer,
                       [&each](::grpc::Status status) { each.ended.set_value(std::move(status)); });
    }
    std::set<std::string> ids;
    for (auto& each : calls) {
        const auto status = each.ended.get_future().get();
        EXPECT_TRUE(status.ok()) << status.error_message();
        ids.insert(each.answer.payment_intent_id());
    }
    EXPECT_EQ(ids.size(), calls.size());
}

TEST_F(GrpcppClient, LearnsThatTheServiceIsServing) {
    ::grpc::ClientContext context;
    context.set_deadline(soon());
    ::grpc::health::v1::HealthCheckRequest check;
    check.set_service("payment.v1.PaymentService");
    const auto [status, answer] = call<::grpc::health::v1::HealthCheckResponse>(
        "/grpc.health.v1.Health/Check", check, context);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(answer.status(), ::grpc::health::v1::HealthCheckResponse::SERVING);
}

/// Asks over one stream, question by question, as grpcurl does.
template <class Request, class Response>
void expect_reflection(const std::shared_ptr<::grpc::Channel>& channel, const std::string& path) {
    SCOPED_TRACE(path);
    ::grpc::TemplatedGenericStub<Request, Response> stub(channel);
    ::grpc::ClientContext context;
    context.set_deadline(soon());
    ::grpc::CompletionQueue queue;
    const auto done = [&queue] {
        void* tag = nullptr;
        bool well = false;
        return queue.Next(&tag, &well) && well;
    };
    auto stream = stub.Call(&context, path, &queue, nullptr);
    ASSERT_TRUE(done());

    Request question;
    Response answer;
    const auto ask = [&] {
        stream->Write(question, nullptr);
        if (!done()) return false;
        stream->Read(&answer, nullptr);
        return done();
    };
    question.set_list_services("");
    ASSERT_TRUE(ask());
    std::set<std::string> names;
    for (const auto& service : answer.list_services_response().service())
        names.insert(service.name());
    EXPECT_TRUE(names.contains("payment.v1.PaymentService"));
    EXPECT_TRUE(names.contains("grpc.reflection.v1alpha.ServerReflection"));

    question.set_file_containing_symbol("payment.v1.PaymentService");
    ASSERT_TRUE(ask());
    ASSERT_GE(answer.file_descriptor_response().file_descriptor_proto_size(), 1);
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(answer.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.name(), "proto/payment/v1/payment.proto");

    stream->WritesDone(nullptr);
    ASSERT_TRUE(done());
    ::grpc::Status status;
    stream->Finish(&status, nullptr);
    ASSERT_TRUE(done());
    EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(GrpcppClient, ReadsTheReflectionOfBothVersions) {
    namespace v1 = ::grpc::reflection::v1;
    namespace v1alpha = ::grpc::reflection::v1alpha;
    expect_reflection<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(
        channel_, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    expect_reflection<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(
        channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
}

}  // namespace
