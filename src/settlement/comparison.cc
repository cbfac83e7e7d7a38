#include "settlement/comparison.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace florin::settlement {
namespace {

using payments::State;
using Standing = GatewayRecord::Standing;

std::string text_of(const Money& amount, std::string_view state) {
    return fmt::format("{} {} {}", amount.minor, amount.currency.code(), state);
}

Missing missing(const OurRecord& ours) {
    return {ours.payment, ours.reference, ours.amount, std::string(payments::name_of(ours.state))};
}
Missing missing(const GatewayRecord& theirs) {
    return {theirs.payment, theirs.reference, theirs.amount, std::string(name_of(theirs.standing))};
}

/// When the payment that a record names was made. An id that is not one of ours carries no time
/// near the record's.
std::optional<Instant> made_at(const GatewayRecord& record) {
    if (!record.payment) return std::nullopt;
    const Instant at = time_of(*record.payment);
    const bool ours = at <= record.at + Comparison::slack && at >= record.at - std::chrono::days(7);
    return ours ? std::optional(at) : std::nullopt;
}

bool older(Instant reached, Instant at) {
    return reached == Instant::min() || reached < at - Comparison::slack;
}

/// What a gateway says of a payment that stands so here.
Agreement standings(State ours, Standing theirs) {
    switch (ours) {
        case State::Ready:
            return Agreement::UnderWay;
        case State::Authorized:
        case State::Captured:
        case State::CaptureFailed:
        case State::PartiallyRefunded:
        case State::RefundFailed:
            return theirs == Standing::Paid ? Agreement::Match : Agreement::Differ;
        case State::CaptureRequested:
        case State::RefundRequested:
        case State::VoidRequested:
            return theirs == Standing::Paid || theirs == Standing::GivenBack ? Agreement::UnderWay
                                                                             : Agreement::Differ;
        case State::Refunded:
        case State::Voided:
            return theirs == Standing::GivenBack ? Agreement::Match : Agreement::Differ;
        case State::AuthFailed:
            return theirs == Standing::Failed ? Agreement::Match : Agreement::Differ;
    }
    return Agreement::Differ;
}

}  // namespace

std::string_view name_of(Standing standing) {
    switch (standing) {
        case Standing::Open:
            return "OPEN";
        case Standing::Paid:
            return "PAID";
        case Standing::GivenBack:
            return "GIVEN_BACK";
        case Standing::Failed:
            return "FAILED";
    }
    return "UNKNOWN";
}

Agreement compare(const OurRecord& ours, const GatewayRecord& theirs) {
    if (ours.amount != theirs.amount) return Agreement::Differ;
    return standings(ours.state, theirs.standing);
}

Agreement without_record(State ours) {
    if (ours == State::Ready) return Agreement::UnderWay;
    // A gateway need not remember what it refused.
    return ours == State::AuthFailed ? Agreement::Match : Agreement::Differ;
}

Comparison::Comparison(Instant from, Instant until, ComparisonReport& report)
    : from_(from), until_(until), report_(report) {}

void Comparison::add(std::vector<OurRecord> ours, Instant reached) {
    for (auto& record : ours) {
        if (!in_range(time_of(record.payment))) continue;
        if (const auto other = theirs_.find(record.payment); other != theirs_.end()) {
            pair(record, other->second);
            theirs_.erase(other);
        } else {
            ours_.emplace(record.payment, std::move(record));
        }
    }
    ours_reached_ = std::min(ours_reached_, reached);
    give_up_waiting();
}

void Comparison::add(std::vector<GatewayRecord> theirs, Instant reached) {
    for (auto& record : theirs) {
        const auto made = made_at(record);
        if (!in_range(made.value_or(record.at))) continue;
        if (made) {
            if (const auto other = ours_.find(*record.payment); other != ours_.end()) {
                pair(other->second, record);
                ours_.erase(other);
                continue;
            }
            if (theirs_.try_emplace(*record.payment, record).second) continue;
        }
        // It names no payment of ours, or one that the gateway took twice.
        report_.missing_here.add(missing(record));
    }
    theirs_reached_ = std::min(theirs_reached_, reached);
    give_up_waiting();
}

Comparison::Side Comparison::next() const {
    // Records from before the day are of no use: nothing is recorded before it is made.
    const bool theirs_done = older(theirs_reached_, from_);
    const bool ours_done = older(ours_reached_, from_);
    if (ours_done && theirs_done) return Side::Neither;
    if (ours_done) return Side::Theirs;
    if (theirs_done) return Side::Ours;
    return ours_reached_ >= theirs_reached_ ? Side::Ours : Side::Theirs;
}

void Comparison::pair(const OurRecord& ours, const GatewayRecord& theirs) {
    switch (compare(ours, theirs)) {
        case Agreement::Match:
            ++report_.matched;
            break;
        case Agreement::UnderWay:
            ++report_.under_way;
            break;
        case Agreement::Differ:
            report_.differing.add({ours.payment, theirs.reference,
                                   text_of(ours.amount, payments::name_of(ours.state)),
                                   text_of(theirs.amount, name_of(theirs.standing))});
            break;
    }
}

// Newest first: the ends of the maps are decided before their beginnings.
void Comparison::give_up_waiting() {
    while (!ours_.empty() && older(theirs_reached_, time_of(ours_.rbegin()->first))) {
        const OurRecord& ours = ours_.rbegin()->second;
        switch (without_record(ours.state)) {
            case Agreement::Match:
                ++report_.matched;
                break;
            case Agreement::UnderWay:
                ++report_.under_way;
                break;
            case Agreement::Differ:
                report_.missing_there.add(missing(ours));
                break;
        }
        ours_.erase(std::prev(ours_.end()));
    }
    while (!theirs_.empty() && older(ours_reached_, time_of(theirs_.rbegin()->first))) {
        report_.missing_here.add(missing(theirs_.rbegin()->second));
        theirs_.erase(std::prev(theirs_.end()));
    }
}

}  // namespace florin::settlement
