#include "platform/grpc/service.h"

#include <set>

#include "platform/base/require.h"

namespace florin::grpc {
namespace {

std::string path_of(std::string_view service, std::string_view method) {
    return "/" + std::string(service) + "/" + std::string(method);
}

}  // namespace

void Services::add(std::string_view service, std::string_view method, UnaryHandler handler) {
    const bool added =
        methods_
            .try_emplace(path_of(service, method), Method{std::string(service), std::string(method),
                                                          std::move(handler), nullptr})
            .second;
    require(added, "each method is added once");
}

void Services::add(std::string_view service, std::string_view method, StreamHandler handler) {
    const bool added =
        methods_
            .try_emplace(path_of(service, method), Method{std::string(service), std::string(method),
                                                          nullptr, std::move(handler)})
            .second;
    require(added, "each method is added once");
}

void Services::when_draining(std::function<void()> notice) {
    drain_notices_.push_back(std::move(notice));
}

void Services::start_draining() const {
    for (const auto& notice : drain_notices_) notice();
}

const Services::Method* Services::find(std::string_view path) const {
    const auto found = methods_.find(path);
    return found != methods_.end() ? &found->second : nullptr;
}

std::vector<std::string> Services::names() const {
    std::set<std::string> names;
    for (const auto& [path, method] : methods_) names.insert(method.service);
    return {names.begin(), names.end()};
}

}  // namespace florin::grpc
