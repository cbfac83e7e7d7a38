#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace florin::mariadb {

/// Why something could not be stored.
struct Failure {
    enum class Cause : std::uint8_t {
        Outage,  // the server is away, or fails
        NoSpace  // it answers, but its disk is full
    };

    std::string reason;
    Cause cause = Cause::Outage;
};

/// Whether a writing connection can store what it is given, and when it makes sense to try again.
///
/// A server whose disk is full answers, takes what needs no new page, and refuses the rest. Each
/// refusal costs it a rollback, which may need space as well and is then the end of the server. So
/// it is left alone for moments that grow from failure to failure, and is well again only when new
/// rows were stored, or when nothing has failed for a while.
///
/// `fault` is thread-safe; everything else belongs to the connection's thread.
class LaneHealth {
public:
    using Time = std::chrono::steady_clock::time_point;
    /// What a success says about space.
    enum class Proof : std::uint8_t { NewRows, NothingNew };

    void failed(const Failure& failure, Time now);
    void stored(Proof proof, Time now);
    [[nodiscard]] bool failing() const { return failing_; }
    [[nodiscard]] bool lacks_space() const {
        return failing_ && failure_.cause == Failure::Cause::NoSpace;
    }
    /// How long nothing should be tried; zero: it may be.
    [[nodiscard]] std::chrono::milliseconds rest_left(Time now) const;
    /// What it fails with; for the connection's thread.
    [[nodiscard]] const Failure& failure() const { return failure_; }
    /// Why the last batch could not be stored; empty: it was. Thread-safe.
    [[nodiscard]] std::string fault() const;

private:
    void rest_longer(Time now);
    void tell(const std::string& fault);

    bool failing_ = false;
    Failure failure_;
    Time last_full_;
    std::chrono::milliseconds rest_{0};
    mutable std::mutex mutex_;
    std::string fault_;  // guarded by mutex_
};

}  // namespace florin::mariadb
