#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platform/grpc/service.h"

namespace florin::grpc {

/// Adds grpc.health.v1.Health (Check and Watch). `serving` is asked at each check, from any loop;
/// unknown services answer NOT_FOUND, "" stands for the whole process. From the moment a server
/// drains, everything is NOT_SERVING: watchers are told at once, and their streams end.
/// `also` names what is asked for besides the table's services: the process, for one.
void add_health(Services& services, std::function<bool()> serving,
                std::vector<std::string> also = {});

/// Adds grpc.reflection.v1 and v1alpha ServerReflection over the descriptors linked into the binary
/// for the services added so far and later. Call it last but one: it lists itself too.
void add_reflection(Services& services);

}  // namespace florin::grpc
