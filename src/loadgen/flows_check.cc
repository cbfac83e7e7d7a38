#include "loadgen/flows_check.h"

#include <algorithm>

#include <fmt/format.h>

namespace florin::loadgen {
namespace {

using payments::Operation;

std::string text_of(const SeenPayment& seen) {
    return fmt::format("{} of {}, captured {}, refunded {}", name_of(seen.state), seen.amount,
                       seen.captured, seen.refunded);
}

SeenPayment due_after(const FlowPlan& plan, Operation step, const SeenPayment& before,
                      const SeenPayment& answer) {
    SeenPayment due = before;
    // The server names the payment, and its fees are its own.
    if (step == Operation::Authorize) due.id = answer.id;
    due.entries = answer.entries;
    due.amount = plan.amount;
    due.state = state_after(plan, step);
    if (step == Operation::Capture) due.captured = plan.amount;
    if (step == Operation::Refund) due.refunded = plan.refund;
    return due;
}

/// Whether a request without an answer may have led from `told` to `seen`.
bool may_have_become(const SeenPayment& told, const SeenPayment& seen) {
    return seen.amount == told.amount && seen.captured >= told.captured &&
           seen.refunded >= told.refunded && seen.captured <= seen.amount &&
           seen.refunded <= seen.captured;
}

}  // namespace

std::string fault_of_answer(const FlowPlan& plan, Operation step, const FlowRecord& before,
                            const SeenPayment& answer) {
    const SeenPayment due = due_after(plan, step, before.told, answer);
    if (answer == due && answer.entries != 0) return {};
    if (answer.entries == 0) return fmt::format("{} shows no ledger entries", name_of(step));
    if (answer.id != due.id)
        return fmt::format("{} of {} answers about {}", name_of(step), due.id.text(),
                           answer.id.text());
    return fmt::format("{} of {} answers {}; due is {}", name_of(step), due.id.text(),
                       text_of(answer), text_of(due));
}

Reconciliation::Reconciliation(std::span<const FlowRecord> flows)
    : flows_(flows), marks_(flows.size()) {
    for (std::size_t flow = 0; flow < flows.size(); ++flow) {
        const FlowRecord& record = flows[flow];
        if (unanswered_.size() <= record.merchant) unanswered_.resize(record.merchant + 1);
        if (record.acknowledged()) {
            known_.push_back({record.told.id, flow});
        } else if (record.unsure) {
            ++unanswered_[record.merchant];
        }
    }
    std::ranges::sort(known_, {}, &Known::payment);
    for (std::size_t i = 1; i < known_.size(); ++i) {
        if (known_[i].payment == known_[i - 1].payment)
            complain(findings_.doubled,
                     fmt::format("two authorizations were answered with payment {}",
                                 known_[i].payment.text()));
    }
    const auto repeated = std::ranges::unique(known_, {}, &Known::payment);
    known_.erase(repeated.begin(), repeated.end());
}

const Reconciliation::Known* Reconciliation::find(const Uuid& payment) const {
    const auto at = std::ranges::lower_bound(known_, payment, {}, &Known::payment);
    return at != known_.end() && at->payment == payment ? &*at : nullptr;
}

bool Reconciliation::mark(std::size_t flow, Mark mark) {
    const auto bit = static_cast<std::uint8_t>(mark);
    if ((marks_[flow] & bit) != 0) return false;
    marks_[flow] |= bit;
    return true;
}

void Reconciliation::complain(std::uint64_t& count, std::string what) {
    ++count;
    if (findings_.first.empty()) findings_.first = std::move(what);
}

void Reconciliation::listed(std::uint32_t merchant, const SeenPayment& seen) {
    ++findings_.listed;
    const Known* const known = find(seen.id);
    if (known == nullptr) return stranger(merchant, seen.id);
    if (flows_[known->flow].merchant != merchant && mark(known->flow, Mark::Wrong)) {
        return complain(findings_.wrong,
                        fmt::format("payment {} is listed for another merchant", seen.id.text()));
    }
    if (!mark(known->flow, Mark::Listed) && mark(known->flow, Mark::Doubled)) {
        return complain(findings_.doubled,
                        fmt::format("payment {} is listed twice", seen.id.text()));
    }
    compare(known->flow, seen);
}

// An authorization that got no answer may have left its payment.
void Reconciliation::stranger(std::uint32_t merchant, const Uuid& payment) {
    if (merchant < unanswered_.size() && unanswered_[merchant] > 0) {
        --unanswered_[merchant];
        return;
    }
    complain(findings_.doubled,
             fmt::format("payment {} is there, but no answer told of it", payment.text()));
}

void Reconciliation::compare(std::size_t flow, const SeenPayment& seen) {
    const FlowRecord& record = flows_[flow];
    SeenPayment shown = seen;
    shown.entries = record.told.entries;
    if (shown == record.told || (record.unsure && may_have_become(record.told, seen))) return;
    if (!mark(flow, Mark::Wrong)) return;
    complain(findings_.wrong,
             fmt::format("payment {} was acknowledged as {}, but is {}", record.told.id.text(),
                         text_of(record.told), text_of(seen)));
}

void Reconciliation::detailed(std::size_t flow, const SeenPayment& seen) {
    ++findings_.detailed;
    compare(flow, seen);
    const FlowRecord& record = flows_[flow];
    if (record.unsure || seen.entries == record.told.entries || !mark(flow, Mark::Wrong)) return;
    complain(findings_.wrong, fmt::format("the ledger entries of payment {} differ from those it "
                                          "was acknowledged with",
                                          record.told.id.text()));
}

void Reconciliation::missing(std::size_t flow) {
    ++findings_.detailed;
    if (!mark(flow, Mark::Lost)) return;
    complain(findings_.lost, fmt::format("payment {} was acknowledged, but is not there",
                                         flows_[flow].told.id.text()));
}

Findings Reconciliation::finish() {
    for (const auto& [payment, flow] : known_) {
        if ((marks_[flow] & static_cast<std::uint8_t>(Mark::Listed)) != 0) continue;
        if (!mark(flow, Mark::Lost)) continue;
        complain(findings_.lost,
                 fmt::format("payment {} was acknowledged, but its merchant's list has it not",
                             payment.text()));
    }
    return findings_;
}

bool CounterCheck::agrees() const {
    const auto least = static_cast<double>(at_least);
    return counted >= least && counted <= least + static_cast<double>(unsure);
}

}  // namespace florin::loadgen
