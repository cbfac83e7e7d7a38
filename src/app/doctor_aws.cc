#include "app/doctor_aws.h"

#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "app/settings.h"
#include "platform/aws/profile_file.h"
#include "platform/http/url.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

std::string read_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    return text.str();
}

/// Of the profile that would be used; nothing when the search goes on elsewhere.
std::optional<Finding> judge_profile(const aws::CredentialOptions& options) {
    aws::Profiles profiles;
    aws::add_profiles(profiles, read_file(options.credentials_file), aws::ProfileFile::Credentials);
    aws::add_profiles(profiles, read_file(options.config_file), aws::ProfileFile::Config);
    const auto* const chosen =
        aws::find_profile(profiles, options.profile, !options.profile_chosen);
    if (chosen == nullptr && options.profile_chosen) {
        return Finding{Verdict::Problem,
                       fmt::format("AWS_PROFILE names {}, which {} and {} do not have",
                                   options.profile, options.credentials_file, options.config_file),
                       "add the profile there, or leave AWS_PROFILE out"};
    }
    if (chosen == nullptr) return std::nullopt;
    const auto& [name, profile] = *chosen;
    if (aws::value_of(profile, "aws_secret_access_key").empty() &&
        aws::value_of(profile, "role_arn").empty())
        return std::nullopt;
    return Finding{Verdict::Fine, fmt::format("AWS credentials are those of the profile {}", name),
                   ""};
}

Finding judge_credentials(const aws::CredentialOptions& options) {
    if (options.given.access_key_id.empty() != options.given.secret_access_key.empty()) {
        return {Verdict::Problem,
                "one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set without the other",
                "set both, or neither to use a profile or a role"};
    }
    if (!options.given.access_key_id.empty())
        return {Verdict::Fine, "AWS credentials are those of AWS_ACCESS_KEY_ID", ""};
    if (auto finding = judge_profile(options)) return std::move(*finding);
    if (!options.web_identity_token_file.empty() && !options.role.role_arn.empty()) {
        if (access(options.web_identity_token_file.c_str(), R_OK) == 0) {
            return {Verdict::Fine,
                    fmt::format("AWS credentials are those of {}", options.role.role_arn), ""};
        }
        return {Verdict::Problem,
                fmt::format("AWS_WEB_IDENTITY_TOKEN_FILE {} cannot be read",
                            options.web_identity_token_file),
                "check the path and the file's permissions"};
    }
    if (!options.container.uri.empty())
        return {Verdict::Fine, "AWS credentials are those of the container", ""};
    return {Verdict::Warning,
            fmt::format("no AWS credentials are set, and {} has no profile {} with keys: only the "
                        "instance's role is left",
                        options.credentials_file, options.profile),
            "run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, unless this "
            "machine is an EC2 instance with a role"};
}

void judge_queue(const char* setting, const std::string& url, const std::string& region,
                 std::vector<Finding>& findings) {
    if (url.empty()) return;
    const auto parsed = http::parse_url(url);
    if (!parsed) {
        findings.push_back({Verdict::Problem, fmt::format("{} {}", setting, parsed.error()),
                            "give the queue's URL as `aws sqs get-queue-url` prints it"});
        return;
    }
    if (url.find("YOUR_ACCOUNT_ID") != std::string::npos) {
        findings.push_back({Verdict::Warning, fmt::format("{} still says YOUR_ACCOUNT_ID", setting),
                            "put the number of your account there"});
    }
    const bool of_aws = parsed->host.find(".amazonaws.com") != std::string::npos;
    if (of_aws && parsed->host.find("." + region + ".") == std::string::npos) {
        findings.push_back({Verdict::Problem,
                            fmt::format("{} is not in the region {}", setting, region),
                            "set AWS_REGION to the queue's region"});
    }
}

}  // namespace

std::vector<Finding> judge_aws(const Settings& settings, const Environ& environment) {
    // The template's queue alone does not mean that anybody wants AWS.
    const bool worker = !settings.aws.queue_url.empty() &&
                        settings.aws.queue_url.find("YOUR_ACCOUNT_ID") == std::string::npos;
    std::vector<Finding> findings;
    if (!settings.aws.events && !worker) return findings;
    findings.push_back(judge_credentials(credential_options(settings, environment)));
    const std::string& endpoint = settings.aws.endpoint_url;
    if (!endpoint.empty() && !http::parse_url(endpoint)) {
        findings.push_back({Verdict::Problem,
                            fmt::format("AWS_ENDPOINT_URL \"{}\" is no URL", endpoint),
                            "give one such as http://localhost:4566, or none for AWS itself"});
    }
    judge_queue("PAYMENT_WEBHOOK_QUEUE_URL", settings.aws.queue_url, settings.aws.region, findings);
    judge_queue("PAYMENT_WEBHOOK_DLQ_URL", settings.aws.dead_letter_queue_url, settings.aws.region,
                findings);
    return findings;
}

}  // namespace florin::app
