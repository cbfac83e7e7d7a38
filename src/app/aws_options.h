#pragma once

#include <map>
#include <string>

#include "platform/aws/client.h"
#include "platform/aws/credential_chain.h"

namespace florin::app {

struct Settings;

/// The environment of a process and its .env files, by name (`environment_here`).
using Environ = std::map<std::string, std::string>;

/// Where AWS's own tools would look for credentials: in the settings, then in the variables that
/// they know.
aws::CredentialOptions credential_options(const Settings& settings, const Environ& environment);

/// How a service is called. `endpoint_variable` names the service's own override, such as
/// "AWS_ENDPOINT_URL_SQS".
aws::ClientOptions aws_client_options(const Settings& settings, const Environ& environment,
                                      const std::string& endpoint_variable);

}  // namespace florin::app
