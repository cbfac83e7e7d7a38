#include "platform/aws/credential_chain.h"

#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace florin::aws {
namespace {

// Ask for new ones so long before the old ones expire. Requests may sign with the old ones until
// shortly before that, in case whoever hands them out is away.
constexpr Microseconds refresh_before = std::chrono::minutes(5);
constexpr Microseconds use_until_before = Seconds(10);
// Until the old ones end, those who call need not ask in vain each time.
constexpr Microseconds retry_after = Seconds(15);

std::string read_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    return text.str();
}

Credentials keys_of(const Profile& profile) {
    return {.access_key_id = value_of(profile, "aws_access_key_id"),
            .secret_access_key = value_of(profile, "aws_secret_access_key"),
            .session_token = value_of(profile, "aws_session_token")};
}

bool complete(const Credentials& credentials) {
    return !credentials.access_key_id.empty() && !credentials.secret_access_key.empty();
}

}  // namespace

/// What one caller asks for all who come in the meantime.
struct CredentialChain::Question {
    CredentialsAnswer answer =
        std::unexpected("whoever hands out AWS credentials has just failed to");
    bool open = true;
    runtime::Completion* waiting = nullptr;  // those who came while it was open
};

/// Held by whoever asks, to the end of it.
class CredentialChain::Turn {
public:
    explicit Turn(std::shared_ptr<Question> question) : question_(std::move(question)) {}
    ~Turn() {
        question_->open = false;
        if (question_->waiting != nullptr)
            runtime::Loop::current().complete(std::exchange(question_->waiting, nullptr));
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    const std::shared_ptr<Question> question_;
};

CredentialChain::CredentialChain(http::Client& client, ServiceClock& clock,
                                 CredentialOptions options)
    : client_(client), clock_(clock), options_(std::move(options)) {}

void CredentialChain::forget() {
    found_.reset();
}

bool CredentialChain::usable(Microseconds for_at_least) const {
    return found_ && (!found_->expires_at || *found_->expires_at - clock_.now() > for_at_least);
}

awaitable<std::expected<Credentials, std::string>> CredentialChain::get() {
    if (usable(refresh_before)) co_return *found_;
    const bool asked = question_ && question_->open;
    if (usable(use_until_before) && (asked || clock_.now() < next_try_)) co_return *found_;
    if (!asked) co_return co_await ask();
    const auto question = question_;
    runtime::Completion done;
    co_await done.wait([&question, &done] { done.next = std::exchange(question->waiting, &done); });
    co_return question->answer;
}

awaitable<CredentialsAnswer> CredentialChain::ask() {
    const auto question = std::make_shared<Question>();
    question_ = question;
    const Turn turn(question);
    question->answer = co_await find();
    if (question->answer) {
        found_ = *question->answer;
    } else if (usable(use_until_before)) {
        telemetry::warning("AWS credentials cannot be renewed yet",
                           {{"reason", question->answer.error()}});
        next_try_ = clock_.now() + retry_after;
        question->answer = *found_;
    }
    co_return question->answer;
}

awaitable<CredentialsAnswer> CredentialChain::find() {
    if (complete(options_.given)) co_return options_.given;
    auto profile = co_await from_profile();
    if (!profile) co_return std::unexpected(profile.error());
    if (*profile) co_return **profile;
    if (!options_.web_identity_token_file.empty() && !options_.role.role_arn.empty()) {
        co_return co_await assume_role_with_web_identity(client_, options_.role,
                                                         options_.web_identity_token_file);
    }
    if (!options_.container.uri.empty())
        co_return co_await container_credentials(client_, options_.container);
    std::string reason;
    if (!options_.metadata_endpoint.empty()) {
        auto instance = co_await instance_credentials(client_, options_.metadata_endpoint);
        if (instance) co_return *instance;
        reason = "; the instance metadata service: " + instance.error();
    }
    co_return std::unexpected(places() + reason);
}

std::string CredentialChain::places() const {
    return fmt::format(
        "no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, {} and {} "
        "have no profile \"{}\"{} with keys, and AWS_WEB_IDENTITY_TOKEN_FILE and "
        "AWS_CONTAINER_CREDENTIALS_FULL_URI are not set; give one of them",
        options_.credentials_file, options_.config_file, options_.profile,
        options_.profile_chosen ? "" : " or \"default\"");
}

awaitable<CredentialChain::Found> CredentialChain::from_profile() {
    // Small local files, read again when credentials are wanted: `aws configure` may have run.
    Profiles profiles;
    add_profiles(profiles, read_file(options_.credentials_file), ProfileFile::Credentials);
    add_profiles(profiles, read_file(options_.config_file), ProfileFile::Config);
    const auto* const chosen = find_profile(profiles, options_.profile, !options_.profile_chosen);
    if (chosen == nullptr && options_.profile_chosen) {
        co_return std::unexpected(fmt::format(
            "{} and {} have no profile \"{}\", which AWS_PROFILE names; add it there, or "
            "leave AWS_PROFILE out",
            options_.credentials_file, options_.config_file, options_.profile));
    }
    if (chosen == nullptr) co_return std::nullopt;
    const Profile profile = chosen->second;
    if (!value_of(profile, "role_arn").empty()) co_return co_await from_role_of(profiles, profile);
    Credentials keys = keys_of(profile);
    if (complete(keys)) co_return keys;
    for (const char* key : {"credential_process", "sso_session", "sso_start_url"}) {
        if (!value_of(profile, key).empty()) {
            co_return std::unexpected(fmt::format(
                "the AWS profile \"{}\" takes its credentials from {}, which is not supported; put "
                "keys there, or export them with `aws configure export-credentials`",
                chosen->first, key));
        }
    }
    co_return std::nullopt;
}

awaitable<CredentialChain::Found> CredentialChain::from_role_of(const Profiles& profiles,
                                                                const Profile& profile) {
    RoleRequest role = options_.role;
    role.role_arn = value_of(profile, "role_arn");
    role.external_id = value_of(profile, "external_id");
    const std::string session_name = value_of(profile, "role_session_name");
    if (!session_name.empty()) role.session_name = session_name;
    CredentialsAnswer answer = std::unexpected("");
    const std::string token_file = value_of(profile, "web_identity_token_file");
    const std::string source = value_of(profile, "source_profile");
    if (!token_file.empty()) {
        answer = co_await assume_role_with_web_identity(client_, role, token_file);
    } else {
        const auto base = profiles.find(source);
        if (base == profiles.end() || !complete(keys_of(base->second))) {
            co_return std::unexpected(
                fmt::format("the AWS profile for {} names no source_profile with keys (\"{}\")",
                            role.role_arn, source));
        }
        answer = co_await assume_role(client_, role, keys_of(base->second), clock_);
    }
    if (!answer) co_return std::unexpected(answer.error());
    co_return *answer;
}

}  // namespace florin::aws
