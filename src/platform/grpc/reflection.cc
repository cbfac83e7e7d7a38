#include <memory>
#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "platform/grpc/health.h"
#include "proto/grpc/reflection/v1/reflection.pb.h"
#include "proto/grpc/reflection/v1alpha/reflection.pb.h"

namespace florin::grpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

const DescriptorPool& pool() {
    return *DescriptorPool::generated_pool();
}

/// The file and all it imports, imports first, each once.
void collect(const FileDescriptor& file, std::set<const FileDescriptor*>& seen,
             std::vector<std::string>& out) {
    if (!seen.insert(&file).second) return;
    for (int i = 0; i < file.dependency_count(); ++i) collect(*file.dependency(i), seen, out);
    google::protobuf::FileDescriptorProto proto;
    file.CopyTo(&proto);
    out.push_back(proto.SerializeAsString());
}

template <class Response>
void set_error(Response& response, Code code, std::string message) {
    auto& error = *response.mutable_error_response();
    error.set_error_code(static_cast<int>(code));
    error.set_error_message(std::move(message));
}

template <class Response>
void set_files(Response& response, const FileDescriptor* file, const std::string& asked) {
    if (file == nullptr) return set_error(response, Code::NotFound, "nothing is known of " + asked);
    std::set<const FileDescriptor*> seen;
    std::vector<std::string> files;
    collect(*file, seen, files);
    // The file that was asked for comes first: some clients look no further.
    for (auto at = files.rbegin(); at != files.rend(); ++at) {
        response.mutable_file_descriptor_response()->add_file_descriptor_proto(std::move(*at));
    }
}

template <class Response>
void set_extensions(Response& response, const std::string& type) {
    const auto* descriptor = pool().FindMessageTypeByName(type);
    if (descriptor == nullptr)
        return set_error(response, Code::NotFound, "no such message: " + type);
    std::vector<const google::protobuf::FieldDescriptor*> extensions;
    pool().FindAllExtensions(descriptor, &extensions);
    auto& numbers = *response.mutable_all_extension_numbers_response();
    numbers.set_base_type_name(type);
    for (const auto* extension : extensions) numbers.add_extension_number(extension->number());
}

/// The two versions of the protocol differ only in their package.
template <class Request, class Response>
Response answer(const Services& services, const Request& request) {
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
        case Request::kFileByFilename:
            set_files(response, pool().FindFileByName(request.file_by_filename()),
                      request.file_by_filename());
            break;
        case Request::kFileContainingSymbol:
            set_files(response, pool().FindFileContainingSymbol(request.file_containing_symbol()),
                      request.file_containing_symbol());
            break;
        case Request::kFileContainingExtension: {
            const auto& asked = request.file_containing_extension();
            const auto* type = pool().FindMessageTypeByName(asked.containing_type());
            const auto* field = type != nullptr
                                    ? pool().FindExtensionByNumber(type, asked.extension_number())
                                    : nullptr;
            set_files(response, field != nullptr ? field->file() : nullptr,
                      asked.containing_type());
            break;
        }
        case Request::kAllExtensionNumbersOfType:
            set_extensions(response, request.all_extension_numbers_of_type());
            break;
        case Request::kListServices:
            for (const auto& name : services.names()) {
                response.mutable_list_services_response()->add_service()->set_name(name);
            }
            break;
        case Request::MESSAGE_REQUEST_NOT_SET:
            set_error(response, Code::InvalidArgument, "the request asks for nothing");
            break;
    }
    return response;
}

/// Reflection of a table's services; lives as long as the table, and belongs to its loop.
struct Reflection {
    const Services* services;
    bool draining = false;
    std::set<Stream*> streams = {};

    // Clients keep their stream for the next question, which may be hours away.
    void start_draining() {
        draining = true;
        for (auto* const stream : streams) stream->stop_waiting();
    }
};

/// Keeps a stream among the open ones.
class OpenStream {
public:
    OpenStream(Reflection& reflection, Stream& stream) : reflection_(reflection), stream_(stream) {
        reflection_.streams.insert(&stream_);
        if (reflection_.draining) stream_.stop_waiting();
    }
    ~OpenStream() { reflection_.streams.erase(&stream_); }
    OpenStream(const OpenStream&) = delete;
    OpenStream& operator=(const OpenStream&) = delete;

private:
    Reflection& reflection_;
    Stream& stream_;
};

// Shares the reflection: what a call leaves behind goes with its loop, maybe after the table.
template <class Request, class Response>
awaitable<Status> serve(std::shared_ptr<Reflection> reflection, Stream& stream) {
    const OpenStream open(*reflection, stream);
    while (const auto bytes = co_await stream.read()) {
        Request request;
        if (!request.ParseFromString(*bytes)) {
            co_return Status{Code::InvalidArgument, "bad request: not a ServerReflectionRequest"};
        }
        if (!co_await stream.write(answer<Request, Response>(*reflection->services, request)))
            break;
    }
    if (reflection->draining) co_return Status{Code::Unavailable, "the server is shutting down"};
    co_return Status{};
}

}  // namespace

void add_reflection(Services& services) {
    namespace v1 = ::grpc::reflection::v1;
    namespace v1alpha = ::grpc::reflection::v1alpha;
    // Shared by the handlers and the notice, which the table owns.
    const auto reflection = std::make_shared<Reflection>(Reflection{&services});
    services.add("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo",
                 StreamHandler([reflection](Stream& stream) {
                     return serve<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(
                         reflection, stream);
                 }));
    services.add(
        "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo",
        StreamHandler([reflection](Stream& stream) {
            return serve<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(
                reflection, stream);
        }));
    services.when_draining([reflection] { reflection->start_draining(); });
}

}  // namespace florin::grpc
