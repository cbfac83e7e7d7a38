#include "loadgen/flows_check.h"

#include <gtest/gtest.h>

namespace florin::loadgen {
namespace {

using payments::Operation;
using payments::State;

Uuid id(std::uint8_t number) {
    Uuid made;
    made.bytes[15] = number;
    return made;
}

SeenPayment authorized(std::uint8_t number) {
    return {id(number), State::Authorized, 700, 0, 0, 11};
}
SeenPayment captured(std::uint8_t number) {
    return {id(number), State::Captured, 700, 700, 0, 22};
}

FlowRecord told(const SeenPayment& payment, std::uint32_t merchant = 0) {
    FlowRecord record;
    record.told = payment;
    record.merchant = merchant;
    return record;
}

FlowRecord unsure(FlowRecord record) {
    record.unsure = true;
    return record;
}

void expect(const Findings& findings, std::uint64_t lost, std::uint64_t doubled,
            std::uint64_t wrong) {
    EXPECT_EQ(findings.lost, lost);
    EXPECT_EQ(findings.doubled, doubled);
    EXPECT_EQ(findings.wrong, wrong);
    EXPECT_EQ(findings.first.empty(), lost + doubled + wrong == 0) << findings.first;
}

TEST(Reconciliation, FindsNothingWhenAllIsAsAcknowledged) {
    const std::vector<FlowRecord> flows = {told(authorized(1)), told(captured(2), 1)};
    Reconciliation reconciliation(flows);
    reconciliation.listed(0, authorized(1));
    SeenPayment in_list = captured(2);
    in_list.entries = 0;  // lists show none
    reconciliation.listed(1, in_list);
    reconciliation.detailed(1, captured(2));
    const Findings findings = reconciliation.finish();
    expect(findings, 0, 0, 0);
    EXPECT_EQ(findings.listed, 2U);
    EXPECT_EQ(findings.detailed, 1U);
}

TEST(Reconciliation, WhatIsNotThereIsLostOnce) {
    const std::vector<FlowRecord> flows = {told(captured(1)), told(captured(2))};
    Reconciliation reconciliation(flows);
    reconciliation.listed(0, captured(1));
    reconciliation.missing(1);
    expect(reconciliation.finish(), 1, 0, 0);
}

TEST(Reconciliation, APaymentNobodyWasToldOfIsADouble) {
    const std::vector<FlowRecord> flows = {told(captured(1))};
    Reconciliation reconciliation(flows);
    reconciliation.listed(0, captured(1));
    reconciliation.listed(0, captured(9));
    expect(reconciliation.finish(), 0, 1, 0);
}

TEST(Reconciliation, AnAuthorizationWithoutAnswerExplainsOneStrangerOfItsMerchant) {
    const std::vector<FlowRecord> flows = {unsure(FlowRecord{})};
    Reconciliation one(flows);
    one.listed(0, authorized(9));
    expect(one.finish(), 0, 0, 0);
    Reconciliation two(flows);
    two.listed(0, authorized(8));
    two.listed(0, authorized(9));
    expect(two.finish(), 0, 1, 0);
    Reconciliation other_merchants(flows);
    other_merchants.listed(1, authorized(9));
    expect(other_merchants.finish(), 0, 1, 0);
    expect(Reconciliation(flows).finish(), 0, 0, 0);
}

TEST(Reconciliation, OnePaymentForTwoAuthorizationsIsADouble) {
    const std::vector<FlowRecord> flows = {told(captured(1)), told(captured(1))};
    Reconciliation reconciliation(flows);
    reconciliation.listed(0, captured(1));
    expect(reconciliation.finish(), 0, 1, 0);
}

TEST(Reconciliation, APaymentListedTwiceIsADouble) {
    const std::vector<FlowRecord> flows = {told(captured(1))};
    Reconciliation reconciliation(flows);
    for (int i = 0; i < 3; ++i) reconciliation.listed(0, captured(1));
    expect(reconciliation.finish(), 0, 1, 0);
}

TEST(Reconciliation, OtherStatesAmountsAndMerchantsAreWrongOnce) {
    struct Case {
        const char* name;
        SeenPayment seen;
        std::uint32_t merchant;
    };
    SeenPayment refunded = captured(1);
    refunded.refunded = 1;
    SeenPayment larger = captured(1);
    larger.amount = 701;
    for (const auto& [name, seen, merchant] :
         {Case{"state", authorized(1), 0}, Case{"refunded", refunded, 0}, Case{"amount", larger, 0},
          Case{"merchant", captured(1), 1}}) {
        SCOPED_TRACE(name);
        const std::vector<FlowRecord> flows = {told(captured(1))};
        Reconciliation reconciliation(flows);
        reconciliation.listed(merchant, seen);
        reconciliation.detailed(0, seen);
        const Findings findings = reconciliation.finish();
        EXPECT_EQ(findings.wrong, 1U);
        EXPECT_EQ(findings.doubled, 0U);
    }
}

TEST(Reconciliation, OtherLedgerEntriesAreWrong) {
    const std::vector<FlowRecord> flows = {told(captured(1))};
    Reconciliation reconciliation(flows);
    reconciliation.listed(0, captured(1));
    SeenPayment twice = captured(1);
    twice.entries *= 2;
    reconciliation.detailed(0, twice);
    expect(reconciliation.finish(), 0, 0, 1);
}

TEST(Reconciliation, ARequestWithoutAnswerMayHaveBeenCarriedOutButNothingUndone) {
    const std::vector<FlowRecord> flows = {unsure(told(authorized(1))), unsure(told(captured(2)))};
    Reconciliation reconciliation(flows);
    reconciliation.listed(0, captured(1));
    reconciliation.detailed(0, captured(1));
    reconciliation.listed(0, authorized(2));
    expect(reconciliation.finish(), 0, 0, 1);
}

TEST(FlowAnswerCheck, AcceptsWhatIsDueAfterEachStep) {
    FlowPlan plan;
    plan.amount = 700;
    plan.refund = 200;
    FlowRecord record;
    EXPECT_EQ(fault_of_answer(plan, Operation::Authorize, record, authorized(1)), "");
    record.told = authorized(1);
    EXPECT_EQ(fault_of_answer(plan, Operation::Capture, record, captured(1)), "");
    record.told = captured(1);
    const SeenPayment refunded{id(1), State::PartiallyRefunded, 700, 700, 200, 33};
    EXPECT_EQ(fault_of_answer(plan, Operation::Refund, record, refunded), "");
    plan.refund = 700;
    EXPECT_NE(fault_of_answer(plan, Operation::Refund, record, refunded), "");
}

TEST(FlowAnswerCheck, NamesWhatIsWrong) {
    FlowPlan plan;
    plan.amount = 700;
    FlowRecord record = told(authorized(1));
    SeenPayment part = captured(1);
    part.captured = 699;
    EXPECT_NE(fault_of_answer(plan, Operation::Capture, record, part).find("699"),
              std::string::npos);
    EXPECT_NE(fault_of_answer(plan, Operation::Capture, record, captured(2)).find("answers about"),
              std::string::npos);
    SeenPayment bare = captured(1);
    bare.entries = 0;
    EXPECT_NE(fault_of_answer(plan, Operation::Capture, record, bare).find("ledger entries"),
              std::string::npos);
}

TEST(CounterCheck, AllowsForRequestsWithoutAnswer) {
    EXPECT_TRUE((CounterCheck{"x", 10, 10, 0}.agrees()));
    EXPECT_FALSE((CounterCheck{"x", 9, 10, 5}.agrees()));
    EXPECT_FALSE((CounterCheck{"x", 11, 10, 0}.agrees()));
    EXPECT_TRUE((CounterCheck{"x", 12, 10, 2}.agrees()));
}

}  // namespace
}  // namespace florin::loadgen
