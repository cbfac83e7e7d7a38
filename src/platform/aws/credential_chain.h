#pragma once

#include <memory>
#include <optional>
#include <string>

#include "platform/aws/credentials.h"
#include "platform/aws/profile_file.h"
#include "platform/aws/remote_credentials.h"
#include "platform/aws/service_clock.h"
#include "platform/base/time.h"

namespace florin::aws {

/// Where credentials are looked for. What is empty is not asked.
struct CredentialOptions {
    Credentials given;            // from the environment
    std::string profile;          // of the files below
    bool profile_chosen = false;  // by somebody: then "default" does not stand in for it
    std::string credentials_file;
    std::string config_file;
    RoleRequest role;  // of a web identity; its endpoint and region also serve the profiles' roles
    std::string web_identity_token_file;
    ContainerEndpoint container;
    std::string metadata_endpoint;  // "http://169.254.169.254"
};

/// The first that has credentials: what is given, the profile, the web identity, the container, the
/// instance. One that is configured and fails ends the search: to go on would sign with another
/// identity than the operator chose. Keeps what it found, and asks again before it expires. On one
/// loop.
class CredentialChain final : public CredentialSource {
public:
    /// The references outlive this object.
    CredentialChain(http::Client& client, ServiceClock& clock, CredentialOptions options);

    awaitable<std::expected<Credentials, std::string>> get() override;
    void forget() override;

private:
    using Found = std::expected<std::optional<Credentials>, std::string>;

    struct Question;
    class Turn;

    [[nodiscard]] bool usable(Microseconds for_at_least) const;
    awaitable<CredentialsAnswer> ask();
    awaitable<CredentialsAnswer> find();
    awaitable<Found> from_profile();
    awaitable<Found> from_role_of(const Profiles& profiles, const Profile& profile);
    [[nodiscard]] std::string places() const;

    http::Client& client_;
    ServiceClock& clock_;
    const CredentialOptions options_;
    std::optional<Credentials> found_;
    Instant next_try_{};  // of renewing what is still good
    // The last one. Shared with who asks and who waits: when a loop dies with a question under way,
    // their coroutines end after the chain.
    std::shared_ptr<Question> question_;
};

}  // namespace florin::aws
