#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "payments/payment.h"
#include "settlement/gateway_records.h"

/// The rules of reconciliation, pure: our payments against a gateway's records of them.
namespace florin::settlement {

/// A payment as it stands here.
struct OurRecord {
    Uuid payment;
    std::string reference;  // the gateway's, as we know it; may be empty
    Money amount;
    payments::State state = payments::State::Ready;
};

/// What one side knows of a payment that the other does not know.
struct Missing {
    std::optional<Uuid> payment;
    std::string reference;
    Money amount;
    std::string state;
};
/// What the two sides tell differently of a payment.
struct Difference {
    Uuid payment;
    std::string reference;
    std::string here;  // "10000 KRW CAPTURED"
    std::string there;
};

/// All of a kind are counted, the first of them are told.
template <class T>
struct Found {
    static constexpr std::size_t told_max = 1'000;
    std::int64_t count = 0;
    std::vector<T> told;

    void add(T one) {
        ++count;
        if (told.size() < told_max) told.push_back(std::move(one));
    }
};

struct ComparisonReport {
    std::int64_t matched = 0;
    std::int64_t under_way = 0;  // one side has not decided yet: compared again another day
    Found<Missing> missing_here;
    Found<Missing> missing_there;
    Found<Difference> differing;

    [[nodiscard]] bool all_well() const {
        return missing_here.count == 0 && missing_there.count == 0 && differing.count == 0;
    }
};

/// Whether two accounts of one payment agree.
enum class Agreement : std::uint8_t { Match, UnderWay, Differ };
Agreement compare(const OurRecord& ours, const GatewayRecord& theirs);
/// Whether the gateway may know nothing of a payment that stands so here.
Agreement without_record(payments::State ours);

/// Merges both sides, newest first and page by page. Each side may be out of order by up to
/// `slack`, which is also how far the two clocks may be apart. What is held at once is what the
/// sides differ in, and what lies within the slack.
class Comparison {
public:
    static constexpr Seconds slack{300};

    /// Compares the payments made in [from, until).
    Comparison(Instant from, Instant until, ComparisonReport& report);

    /// What a side told next: all it has that is newer than `reached`, together with what it told
    /// before. The oldest instant there is: it has no more.
    void add(std::vector<OurRecord> ours, Instant reached);
    void add(std::vector<GatewayRecord> theirs, Instant reached);

    enum class Side : std::uint8_t { Ours, Theirs, Neither };
    /// Who is to tell more: the one that is less far, so that the other need not be held.
    [[nodiscard]] Side next() const;

    [[nodiscard]] std::size_t held() const { return ours_.size() + theirs_.size(); }

private:
    void pair(const OurRecord& ours, const GatewayRecord& theirs);
    void give_up_waiting();
    [[nodiscard]] bool in_range(Instant at) const { return at >= from_ && at < until_; }

    const Instant from_;
    const Instant until_;
    ComparisonReport& report_;
    Instant ours_reached_ = Instant::max();
    Instant theirs_reached_ = Instant::max();
    std::map<Uuid, OurRecord> ours_;  // waiting for the other side; ids ascend with time
    std::map<Uuid, GatewayRecord> theirs_;
};

}  // namespace florin::settlement
