#include "app/aws_options.h"

#include "app/settings.h"
#include "platform/base/random.h"

namespace florin::app {
namespace {

std::string value_of(const Environ& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

std::string value_or(const Environ& environment, const std::string& name,
                     const std::string& otherwise) {
    std::string value = value_of(environment, name);
    return value.empty() ? otherwise : value;
}

aws::ContainerEndpoint container_endpoint(const Environ& environment) {
    aws::ContainerEndpoint endpoint{
        value_of(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        value_of(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        value_of(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")};
    const std::string relative = value_of(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (!relative.empty()) endpoint.uri = "http://169.254.170.2" + relative;
    return endpoint;
}

std::string without_slash(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

}  // namespace

aws::CredentialOptions credential_options(const Settings& settings, const Environ& environment) {
    const std::string folder = value_of(environment, "HOME") + "/.aws/";
    aws::CredentialOptions options;
    options.given = {.access_key_id = settings.aws.access_key_id,
                     .secret_access_key = settings.aws.secret_access_key,
                     .session_token = settings.aws.session_token};
    options.profile = settings.aws.profile;
    options.profile_chosen = settings.aws.profile_chosen;
    options.credentials_file =
        value_or(environment, "AWS_SHARED_CREDENTIALS_FILE", folder + "credentials");
    options.config_file = value_or(environment, "AWS_CONFIG_FILE", folder + "config");
    const auto sts = aws_client_options(settings, environment, "AWS_ENDPOINT_URL_STS");
    options.role = {.sts_endpoint = sts.endpoint_url.empty()
                                        ? aws::aws_endpoint("sts", settings.aws.region)
                                        : sts.endpoint_url,
                    .region = settings.aws.region,
                    .role_arn = value_of(environment, "AWS_ROLE_ARN"),
                    .session_name = value_or(environment, "AWS_ROLE_SESSION_NAME", "florin"),
                    .external_id = ""};
    options.web_identity_token_file = value_of(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    options.container = container_endpoint(environment);
    if (value_of(environment, "AWS_EC2_METADATA_DISABLED") != "true") {
        options.metadata_endpoint = without_slash(
            value_or(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254"));
    }
    return options;
}

aws::ClientOptions aws_client_options(const Settings& settings, const Environ& environment,
                                      const std::string& endpoint_variable) {
    aws::ClientOptions options;
    options.region = settings.aws.region;
    options.endpoint_url = value_or(environment, endpoint_variable, settings.aws.endpoint_url);
    options.seed = seed_from_system();
    return options;
}

}  // namespace florin::app
