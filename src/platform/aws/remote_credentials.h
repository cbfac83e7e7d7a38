#pragma once

#include <expected>
#include <string>

#include "platform/aws/credentials.h"
#include "platform/aws/service_clock.h"
#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::http {
class Client;
}

/// Credentials that somebody hands out over HTTP. Errors are for people and hold no secret.
namespace florin::aws {

using CredentialsAnswer = std::expected<Credentials, std::string>;

/// Which role to take, and where to ask for it.
struct RoleRequest {
    std::string sts_endpoint;  // "https://sts.ap-northeast-2.amazonaws.com"
    std::string region;
    std::string role_arn;
    std::string session_name;
    std::string external_id;  // of AssumeRole only; empty: none
};

/// AssumeRoleWithWebIdentity, with the token in a file that somebody keeps fresh (IRSA).
awaitable<CredentialsAnswer> assume_role_with_web_identity(http::Client& client, RoleRequest role,
                                                           std::string token_file);
/// AssumeRole, signed by `base` at the time of `clock`, which STS corrects when it is wrong.
awaitable<CredentialsAnswer> assume_role(http::Client& client, RoleRequest role, Credentials base,
                                         ServiceClock& clock);

/// The endpoint that ECS and EKS give a container. Plain HTTP goes to this machine and to the
/// addresses of those two services only.
struct ContainerEndpoint {
    std::string uri;
    std::string token;       // the value of Authorization; empty: none
    std::string token_file;  // holds it instead; read anew each time
};
awaitable<CredentialsAnswer> container_credentials(http::Client& client,
                                                   ContainerEndpoint endpoint);

/// The role of an EC2 instance, from its metadata service (version 2).
awaitable<CredentialsAnswer> instance_credentials(http::Client& client, std::string endpoint);

// The parts that only read.

/// The credentials in an answer of STS, which is XML.
CredentialsAnswer read_sts_answer(std::string_view xml);
/// Those in an answer of a container's endpoint or the metadata service, which is JSON.
CredentialsAnswer read_json_answer(std::string_view json);

}  // namespace florin::aws
