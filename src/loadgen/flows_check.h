#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loadgen/flows_answer.h"
#include "loadgen/flows_plan.h"

namespace florin::loadgen {

/// What the answers to one flow have told so far.
struct FlowRecord {
    SeenPayment told;  // Ready: no authorization was acknowledged; entries: of all its answers
    std::uint32_t merchant = 0;
    bool unsure = false;  // its last request may have been carried out without an answer to us

    [[nodiscard]] bool acknowledged() const { return told.state != payments::State::Ready; }
};

/// What is wrong with the answer to a step, given what the flow was told before; empty: nothing.
std::string fault_of_answer(const FlowPlan& plan, payments::Operation step,
                            const FlowRecord& before, const SeenPayment& answer);

struct Findings {
    std::uint64_t listed = 0;    // payments that the lists of the merchants held
    std::uint64_t detailed = 0;  // payments read one by one, with their ledger entries
    std::uint64_t lost = 0;      // acknowledged, but not there
    std::uint64_t doubled = 0;   // there, but nobody asked for it; or one for two requests
    std::uint64_t wrong = 0;     // another state, amount or ledger entry than acknowledged
    std::string first;           // the first of them, for people
};

/// Compares what a run was told with what is read back afterwards. Counts each payment once in each
/// of lost, doubled and wrong. Not thread-safe.
class Reconciliation {
public:
    /// `flows` stays as it is, where it is, while this lives.
    explicit Reconciliation(std::span<const FlowRecord> flows);

    /// A payment in the list of its merchant.
    void listed(std::uint32_t merchant, const SeenPayment& seen);
    /// A payment read by its id, with all its ledger entries.
    void detailed(std::size_t flow, const SeenPayment& seen);
    /// A payment asked for by its id, and not there.
    void missing(std::size_t flow);
    /// All lists have been read to their ends.
    Findings finish();

private:
    struct Known {
        Uuid payment;
        std::size_t flow;
    };
    enum class Mark : std::uint8_t { None = 0, Listed = 1, Lost = 2, Doubled = 4, Wrong = 8 };

    [[nodiscard]] const Known* find(const Uuid& payment) const;
    bool mark(std::size_t flow, Mark mark);
    void stranger(std::uint32_t merchant, const Uuid& payment);
    void compare(std::size_t flow, const SeenPayment& seen);
    void complain(std::uint64_t& count, std::string what);

    std::span<const FlowRecord> flows_;
    std::vector<Known> known_;               // by payment
    std::vector<std::uint8_t> marks_;        // by flow
    std::vector<std::uint32_t> unanswered_;  // authorizations without an answer, by merchant
    Findings findings_;
};

/// A counter of the server over a run, against what the answers say it must have counted.
struct CounterCheck {
    std::string series;
    double counted = 0;
    std::uint64_t at_least = 0;  // acknowledged
    std::uint64_t unsure = 0;    // and at most so many more: requests that got no answer

    [[nodiscard]] bool agrees() const;
};

}  // namespace florin::loadgen
