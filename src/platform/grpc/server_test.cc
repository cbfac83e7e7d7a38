// The server against gRPC's own C++ client.
#include "platform/grpc/server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/sync_stream.h>
#include <gtest/gtest.h>

#include "platform/grpc/test_server.h"
#include "proto/grpc/health/v1/health.pb.h"
#include "proto/grpc/reflection/v1/reflection.pb.h"

namespace florin::grpc {
namespace {

using ::grpc::ByteBuffer;
using ::grpc::ClientContext;
using ::grpc::StatusCode;
using ::grpc::internal::RpcMethod;

ByteBuffer to_buffer(const std::string& bytes) {
    const ::grpc::Slice slice(bytes);
    return {&slice, 1};
}

std::string to_bytes(const ByteBuffer& buffer) {
    std::vector<::grpc::Slice> slices;
    if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return "";
    std::string bytes;
    for (const auto& slice : slices) {
        bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    return bytes;
}

std::string message_of(std::string text) {
    ::grpc::health::v1::HealthCheckRequest message;
    message.set_service(std::move(text));
    return message.SerializeAsString();
}

/// A client of its own connection.
class Client {
public:
    explicit Client(std::uint16_t port) {
        ::grpc::ChannelArguments arguments;
        arguments.SetInt("grpc.use_local_subchannel_pool", 1);
        arguments.SetMaxReceiveMessageSize(-1);
        channel_ = ::grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                               ::grpc::InsecureChannelCredentials(), arguments);
    }

    ::grpc::Status call(const std::string& path, const std::string& request, std::string& answer,
                        ClientContext& context) {
        ByteBuffer bytes;
        const RpcMethod method(path.c_str(), RpcMethod::NORMAL_RPC);
        auto status = ::grpc::internal::BlockingUnaryCall<ByteBuffer, ByteBuffer>(
            channel_.get(), method, &context, to_buffer(request), &bytes);
        answer = to_bytes(bytes);
        return status;
    }
    ::grpc::Status call(const std::string& path, const std::string& request, std::string& answer) {
        ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
        return call(path, request, answer, context);
    }
    ::grpc::Status call(const std::string& path, const std::string& request) {
        std::string answer;
        return call(path, request, answer);
    }

    std::unique_ptr<::grpc::ClientReaderWriter<ByteBuffer, ByteBuffer>> open(
        const char* path, ClientContext& context) {
        const RpcMethod method(path, RpcMethod::BIDI_STREAMING);
        return std::unique_ptr<::grpc::ClientReaderWriter<ByteBuffer, ByteBuffer>>(
            ::grpc::internal::ClientReaderWriterFactory<ByteBuffer, ByteBuffer>::Create(
                channel_.get(), method, &context));
    }

private:
    std::shared_ptr<::grpc::Channel> channel_;
};

class GrpcServer : public testing::Test {
protected:
    TestServer server_;
    Client client_{server_.port()};
};

TEST_F(GrpcServer, AnswersUnaryCalls) {
    std::string answer;
    for (const std::string request : {"", "x", "hello"}) {
        const auto status = client_.call("/test.Echo/Unary", request, answer);
        EXPECT_TRUE(status.ok()) << status.error_message();
        EXPECT_EQ(answer, request);
    }
}

TEST_F(GrpcServer, CarriesMessagesLargerThanTheWindows) {
    const std::string request(4 * 1024 * 1024, 'x');
    std::string answer;
    const auto status = client_.call("/test.Echo/Unary", request, answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(answer, request);
}

TEST_F(GrpcServer, RefusesMessagesPastTheLimitAndGoesOn) {
    const std::string request(4 * 1024 * 1024 + 1, 'x');
    EXPECT_EQ(client_.call("/test.Echo/Unary", request).error_code(),
              StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_TRUE(client_.call("/test.Echo/Unary", "still here").ok());
}

TEST_F(GrpcServer, CarriesStatusMessagesInAnyScript) {
    const std::string text = "결제 없음: 100%\n";
    const auto status = client_.call("/test.Echo/Fail", text);
    EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
    EXPECT_EQ(status.error_message(), text);
}

TEST_F(GrpcServer, CutsStatusMessagesThatNoClientWouldTake) {
    const auto status = client_.call("/test.Echo/Fail", std::string(1'000'000, '\xed'));
    EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
    EXPECT_FALSE(status.error_message().empty());
}

TEST_F(GrpcServer, MapsWhatHandlersThrow) {
    EXPECT_EQ(client_.call("/test.Echo/Throw", "overloaded").error_code(),
              StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(client_.call("/test.Echo/Throw", "unavailable").error_code(),
              StatusCode::UNAVAILABLE);
    const auto status = client_.call("/test.Echo/Throw", "other");
    EXPECT_EQ(status.error_code(), StatusCode::INTERNAL);
    EXPECT_EQ(status.error_message().find("secret"), std::string::npos);
}

TEST_F(GrpcServer, AnswersUnknownMethodsWithUnimplemented) {
    EXPECT_EQ(client_.call("/test.Echo/Nothing", "").error_code(), StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(client_.call("/no.Service/Nothing", "").error_code(), StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServer, DecodesBinaryMetadata) {
    ClientContext context;
    const std::string value("\0\1\xff binary", 10);
    context.AddMetadata("x-thing-bin", value);
    std::string answer;
    EXPECT_TRUE(client_.call("/test.Echo/Metadata", "", answer, context).ok());
    EXPECT_EQ(answer, value);
}

TEST_F(GrpcServer, TakesAndGivesGzip) {
    ClientContext context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    const std::string request(1'000'000, 'z');
    std::string answer;
    const auto status = client_.call("/test.Echo/Unary", request, answer, context);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(answer, request);
}

TEST_F(GrpcServer, CancelsCallsWhenTheirClientsDo) {
    const int before = waits_cancelled();
    ClientContext context;
    std::jthread call([&] {
        std::string answer;
        EXPECT_EQ(client_.call("/test.Echo/Wait", "", answer, context).error_code(),
                  StatusCode::CANCELLED);
    });
    ASSERT_TRUE(eventually([&] {
        return server_.has_metric(
            "grpc_server_started_total{grpc_method=\"Wait\",grpc_service="
            "\"test.Echo\",grpc_type=\"unary\"} 1");
    }));
    context.TryCancel();
    EXPECT_TRUE(eventually([&] { return waits_cancelled() == before + 1; }));
}

TEST_F(GrpcServer, EndsEachCallAtItsOwnDeadline) {
    const int before = waits_cancelled();
    // A call whose time is over before there is a connection would reach no server.
    ASSERT_TRUE(client_.call("/test.Echo/Unary", "first").ok());
    // Both deadlines lie between two regular sweeps.
    std::vector<std::jthread> calls;
    for (const auto timeout : {std::chrono::milliseconds(800), std::chrono::milliseconds(860)}) {
        calls.emplace_back([this, timeout] {
            ClientContext context;
            context.set_deadline(std::chrono::system_clock::now() + timeout);
            std::string answer;
            EXPECT_EQ(client_.call("/test.Echo/Wait", "", answer, context).error_code(),
                      StatusCode::DEADLINE_EXCEEDED);
        });
    }
    EXPECT_TRUE(eventually([&] { return waits_cancelled() == before + 2; }));
}

TEST_F(GrpcServer, EchoesStreams) {
    ClientContext context;
    const auto stream = client_.open("/test.Echo/Bidi", context);
    for (int i = 0; i < 100; ++i) {
        const std::string message = message_of("number " + std::to_string(i));
        ASSERT_TRUE(stream->Write(to_buffer(message)));
        ByteBuffer answer;
        ASSERT_TRUE(stream->Read(&answer));
        EXPECT_EQ(to_bytes(answer), message);
    }
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServer, StreamsMessagesLargerThanTheWindow) {
    ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const auto stream = client_.open("/test.Echo/Bidi", context);
    const std::string message = message_of(std::string(3 * 1024 * 1024, 'x'));
    ASSERT_TRUE(stream->Write(to_buffer(message)));
    ByteBuffer answer;
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_EQ(to_bytes(answer), message);
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServer, PassesManyStreamedMessagesWhoseReaderIsSlow) {
    ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const auto stream = client_.open("/test.Echo/Bidi", context);
    const std::string message = message_of(std::string(64 * 1024, 'x'));
    constexpr int count = 100;
    std::jthread writer([&] {
        for (int i = 0; i < count; ++i) EXPECT_TRUE(stream->Write(to_buffer(message)));
        stream->WritesDone();
    });
    ByteBuffer answer;
    int received = 0;
    while (stream->Read(&answer)) received += to_bytes(answer) == message ? 1 : 0;
    EXPECT_EQ(received, count);
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServer, TellsItsHealthAndWatchesIt) {
    std::string answer;
    EXPECT_TRUE(client_.call("/grpc.health.v1.Health/Check", message_of("test.Echo"), answer).ok());
    ::grpc::health::v1::HealthCheckResponse health;
    ASSERT_TRUE(health.ParseFromString(answer));
    EXPECT_EQ(health.status(), ::grpc::health::v1::HealthCheckResponse::SERVING);
    EXPECT_EQ(client_.call("/grpc.health.v1.Health/Check", message_of("none")).error_code(),
              StatusCode::NOT_FOUND);

    ClientContext context;
    const auto watch = client_.open("/grpc.health.v1.Health/Watch", context);
    ASSERT_TRUE(watch->Write(to_buffer(message_of(""))));
    ByteBuffer change;
    ASSERT_TRUE(watch->Read(&change));
    server_.serving = false;
    ASSERT_TRUE(watch->Read(&change));
    ASSERT_TRUE(health.ParseFromString(to_bytes(change)));
    EXPECT_EQ(health.status(), ::grpc::health::v1::HealthCheckResponse::NOT_SERVING);
    context.TryCancel();
    EXPECT_EQ(watch->Finish().error_code(), StatusCode::CANCELLED);
}

TEST_F(GrpcServer, TellsWatchersAtTheBeginningOfItsDrainAndDoesNotWaitForThem) {
    ClientContext context;
    ClientContext context_of_unknown;
    const auto watch = client_.open("/grpc.health.v1.Health/Watch", context);
    const auto watch_of_unknown = client_.open("/grpc.health.v1.Health/Watch", context_of_unknown);
    ASSERT_TRUE(watch->Write(to_buffer(message_of(""))));
    ASSERT_TRUE(watch_of_unknown->Write(to_buffer(message_of("none"))));
    ByteBuffer change;
    ASSERT_TRUE(watch_of_unknown->Read(&change));
    ASSERT_TRUE(watch->Read(&change));
    server_.drain();
    ASSERT_TRUE(watch->Read(&change)) << "although the service itself is well";
    ::grpc::health::v1::HealthCheckResponse health;
    ASSERT_TRUE(health.ParseFromString(to_bytes(change)));
    EXPECT_EQ(health.status(), ::grpc::health::v1::HealthCheckResponse::NOT_SERVING);
    EXPECT_FALSE(watch->Read(&change));
    const auto ended = watch->Finish();
    EXPECT_EQ(ended.error_code(), StatusCode::UNAVAILABLE);
    EXPECT_EQ(ended.error_message(), "the server is shutting down");
    EXPECT_FALSE(watch_of_unknown->Read(&change));
    EXPECT_EQ(watch_of_unknown->Finish().error_message(), "the server is shutting down");
    EXPECT_TRUE(eventually([&] { return server_.drained(); }));
}

TEST_F(GrpcServer, ReflectsItsServices) {
    namespace v1 = ::grpc::reflection::v1;
    ClientContext context;
    const auto stream =
        client_.open("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", context);
    v1::ServerReflectionRequest request;
    v1::ServerReflectionResponse response;
    ByteBuffer bytes;
    request.set_list_services("*");
    ASSERT_TRUE(stream->Write(to_buffer(request.SerializeAsString())));
    ASSERT_TRUE(stream->Read(&bytes));
    ASSERT_TRUE(response.ParseFromString(to_bytes(bytes)));
    EXPECT_EQ(response.list_services_response().service_size(), 4);
    request.set_file_containing_symbol("grpc.health.v1.Health.Check");
    ASSERT_TRUE(stream->Write(to_buffer(request.SerializeAsString())));
    ASSERT_TRUE(stream->Read(&bytes));
    ASSERT_TRUE(response.ParseFromString(to_bytes(bytes)));
    EXPECT_EQ(response.file_descriptor_response().file_descriptor_proto_size(), 1);
    request.set_file_by_filename("no/such.proto");
    ASSERT_TRUE(stream->Write(to_buffer(request.SerializeAsString())));
    ASSERT_TRUE(stream->Read(&bytes));
    ASSERT_TRUE(response.ParseFromString(to_bytes(bytes)));
    EXPECT_EQ(response.error_response().error_code(), StatusCode::NOT_FOUND);
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServer, DoesNotWaitInItsDrainForTheNextQuestionAboutItsServices) {
    namespace v1 = ::grpc::reflection::v1;
    ClientContext context;
    ClientContext context_of_old;
    const auto stream =
        client_.open("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", context);
    const auto old = client_.open("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                  context_of_old);
    v1::ServerReflectionRequest request;
    request.set_list_services("*");
    ByteBuffer bytes;
    for (const auto& open : {&stream, &old}) {
        ASSERT_TRUE((*open)->Write(to_buffer(request.SerializeAsString())));
        ASSERT_TRUE((*open)->Read(&bytes));
    }
    server_.drain();
    for (const auto& open : {&stream, &old}) {
        EXPECT_FALSE((*open)->Read(&bytes));
        const auto ended = (*open)->Finish();
        EXPECT_EQ(ended.error_code(), StatusCode::UNAVAILABLE);
        EXPECT_EQ(ended.error_message(), "the server is shutting down");
    }
    EXPECT_TRUE(eventually([&] { return server_.drained(); }));
}

TEST_F(GrpcServer, DrainsAfterItsCallsHaveEnded) {
    ClientContext context;
    const auto stream = client_.open("/test.Echo/Bidi", context);
    ASSERT_TRUE(stream->Write(to_buffer(message_of("before"))));
    ByteBuffer answer;
    ASSERT_TRUE(stream->Read(&answer));
    server_.drain();
    ASSERT_TRUE(stream->Write(to_buffer(message_of("meanwhile"))));
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_FALSE(server_.drained());
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    EXPECT_TRUE(eventually([&] { return server_.drained(); }));
    EXPECT_EQ(server_.server().connections(), 0U);
}

TEST_F(GrpcServer, CountsCallsByMethodAndCode) {
    EXPECT_TRUE(server_.has_metric("grpc_server_handled_total{grpc_code=\"OK\""))
        << "from the start";
    client_.call("/test.Echo/Fail", "");
    EXPECT_TRUE(eventually([&] {
        return server_.has_metric(
            "grpc_server_handled_total{grpc_code=\"NotFound\",grpc_method="
            "\"Fail\",grpc_service=\"test.Echo\",grpc_type=\"unary\"} 1");
    }));
}

TEST(GrpcServerLife, LeavesMetricsThatCanBeReadAfterIt) {
    TestServer server;
    EXPECT_TRUE(Client(server.port()).call("/test.Echo/Unary", "x").ok());
    server.destroy();
    EXPECT_TRUE(server.has_metric("florin_grpc_connections{loop=\"test\"} 0"));
}

TEST(GrpcServerLife, SaysWhyItCannotListen) {
    telemetry::Metrics metrics;
    Services services;
    runtime::Loop loop("test");
    Server server(loop, services, ServerOptions{.address = "no address", .port = 7, .limits = {}},
                  metrics);
    try {
        server.listen();
        FAIL() << "it listens on nonsense";
    } catch (const std::runtime_error& fault) {
        EXPECT_NE(std::string(fault.what()).find("no address:7"), std::string::npos);
    }
}

}  // namespace
}  // namespace florin::grpc
