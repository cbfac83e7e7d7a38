#include "reservation/reservation_event.h"

#include <gtest/gtest.h>

namespace florin::reservation {
namespace {

using Kind = ReservationEvent::Kind;

std::string envelope(const std::string& status, const std::string& more = "") {
    return R"({"version":"0","id":"6f1d","detail-type":"Payment Status Updated",)"
           R"("source":"payment-sim-api","account":"1","time":"2025-10-09T00:00:00Z",)"
           R"("region":"ap-northeast-2","resources":[],"detail":{"payment_id":"pay-1",)"
           R"("reservation_id":"rsv-1","user_id":"user-1","status":")" +
           status + R"(","amount":100000,"currency":"KRW","timestamp":1,)" +
           R"("event_type":"payment.status_updated")" + more + "}}";
}

TEST(ReservationEvent, TheEnvelopeOfEventBridgeTellsAPaymentsOutcome) {
    const auto event = parse_event(envelope("PAYMENT_STATUS_COMPLETED"), "");
    ASSERT_TRUE(event) << event.error().error_message;
    EXPECT_EQ(event->kind, Kind::Approved);
    EXPECT_EQ(event->type, "payment.approved");
    EXPECT_EQ(event->reservation_id, "rsv-1");
    EXPECT_EQ(event->payment_intent_id, "pay-1");
    EXPECT_EQ(event->user_id, "user-1");
    EXPECT_TRUE(event->event_id.empty());
    EXPECT_EQ(parse_event(envelope("PAYMENT_STATUS_APPROVED"), "")->kind, Kind::Approved);
    EXPECT_EQ(parse_event(envelope("COMPLETED"), "")->kind, Kind::Approved);
    EXPECT_EQ(parse_event(envelope("PAYMENT_STATUS_FAILED"), "")->kind, Kind::Failed);
    EXPECT_EQ(parse_event(envelope("PAYMENT_STATUS_CANCELLED"), "")->kind, Kind::Cancelled);
    EXPECT_EQ(parse_event(envelope("PAYMENT_STATUS_EXPIRED"), "")->kind, Kind::Expired);
}

std::string logged(const std::string& status) {
    return R"({"specversion":"1.0","type":"payment.completed","correlationid":"trace-1","data":{)"
           R"("payment_id":"pay-1","reservation_id":"rsv-1","user_id":"user-1","status":")" +
           status + R"(","amount":100000,"payment_intent_id":"pay-1"}})";
}

TEST(ReservationEvent, OurOwnLogTellsTheSameNews) {
    const auto event = parse_outcome(logged("PAYMENT_STATUS_COMPLETED"));
    ASSERT_TRUE(event) << event.error().error_message;
    EXPECT_EQ(event->type, "payment.approved");
    EXPECT_EQ(event->trace_id, "trace-1");
    EXPECT_EQ(event->key(), parse_event(envelope("PAYMENT_STATUS_COMPLETED"), "")->key());
    EXPECT_EQ(parse_outcome(logged("PAYMENT_STATUS_EXPIRED"))->kind, Kind::Expired);
    for (const std::string& useless :
         {std::string("oops"), std::string("{}"), logged("PAYMENT_STATUS_REFUNDED")})
        EXPECT_FALSE(parse_outcome(useless)) << useless;
}

TEST(ReservationEvent, AFlatEventNamesItsType) {
    const auto event =
        parse_event(R"({"id":"1","type":"payment.failed","trace_id":"trace-1","detail":{)"
                    R"("reservation_id":"rsv-2","payment_intent_id":"pay-2","event_id":"concert",)"
                    R"("seat_ids":["A-1","A-2"],"qty":2,"user_id":"u"}})",
                    "");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Kind::Failed);
    EXPECT_EQ(event->event_id, "concert");
    EXPECT_EQ(event->seat_ids, (std::vector<std::string>{"A-1", "A-2"}));
    EXPECT_EQ(event->quantity, 2);
    EXPECT_EQ(event->trace_id, "trace-1");
    for (const char* type : {"reservation.expired", "reservation.hold.expired"}) {
        const auto expired = parse_event(
            std::string(R"({"type":")") + type + R"(","detail":{"reservation_id":"rsv-3"}})", "");
        ASSERT_TRUE(expired) << type;
        EXPECT_EQ(expired->kind, Kind::Expired);
    }
}

TEST(ReservationEvent, AnOutcomeFromTheBusBringsItsTraceIdInItsDetail) {
    const std::string body =
        R"({"detail-type":"Payment Status Updated","detail":{"reservation_id":"rsv-1",)"
        R"("status":"PAYMENT_STATUS_COMPLETED","trace_id":"trace-1"}})";
    EXPECT_EQ(parse_event(body, "")->trace_id, "trace-1");
    EXPECT_EQ(parse_event(body, "trace-2")->trace_id, "trace-2");
}

TEST(ReservationEvent, TheAttributesTraceIdWinsUnlessItCouldNotStandInAHeader) {
    const std::string body = envelope("PAYMENT_STATUS_FAILED");
    EXPECT_EQ(parse_event(body, "trace-2")->trace_id, "trace-2");
    EXPECT_EQ(parse_event(body, "bad\r\nX-Evil: 1")->trace_id, "");
    EXPECT_EQ(parse_event(body, std::string(129, 'x'))->trace_id, "");
}

TEST(ReservationEvent, TheTraceIdStandsBesideTheDetailOrInIt) {
    const auto traced = [](const std::string& beside, const std::string& attribute) {
        return parse_event(R"({"detail-type":"Payment Status Updated",)" + beside +
                               R"("detail":{"payment_id":"pay-1","reservation_id":"rsv-1",)"
                               R"("status":"PAYMENT_STATUS_FAILED","trace_id":"trace-1"}})",
                           attribute)
            ->trace_id;
    };
    EXPECT_EQ(traced("", ""), "trace-1");
    EXPECT_EQ(traced(R"("trace_id":"trace-2",)", ""), "trace-2");
    EXPECT_EQ(traced(R"("trace_id":"trace-2",)", "trace-3"), "trace-3");
}

TEST(ReservationEvent, TheSameNewsHasTheSameKeyInEitherForm) {
    const auto flat =
        parse_event(R"({"type":"payment.approved","detail":{"reservation_id":"rsv-1",)"
                    R"("payment_intent_id":"pay-1"}})",
                    "");
    EXPECT_EQ(flat->key(), parse_event(envelope("PAYMENT_STATUS_COMPLETED"), "")->key());
    EXPECT_NE(flat->key(), parse_event(envelope("PAYMENT_STATUS_FAILED"), "")->key());
}

TEST(ReservationEvent, WhatCanNeverBeHandledSaysWhy) {
    struct Case {
        const char* body;
        const char* type;
        const char* message;
    };
    const std::string unpaid = envelope("PAYMENT_STATUS_REFUNDED");
    for (const auto& [body, type, message] :
         {Case{"oops", "MalformedMessage", "the body is not a JSON object"},
          Case{"[]", "MalformedMessage", "the body is not a JSON object"},
          Case{R"({"type":"payment.approved"})", "MalformedMessage", "\"detail\" is no object"},
          Case{R"({"type":"payment.approved","detail":{}})", "MalformedMessage",
               "\"reservation_id\" is missing or empty"},
          Case{R"({"type":"payment.approved","detail":{"reservation_id":"r","seat_ids":[1]}})",
               "MalformedMessage", "\"seat_ids\" holds something that is no text"},
          Case{R"({"type":"reservation.hold.created","detail":{"reservation_id":"r"}})",
               "UnknownEventType", "unknown event type: reservation.hold.created"},
          Case{unpaid.c_str(), "UnknownEventType",
               "no reservation waits for a payment to become \"PAYMENT_STATUS_REFUNDED\""}}) {
        const auto event = parse_event(body, "");
        ASSERT_FALSE(event) << body;
        EXPECT_EQ(event.error().error_type, type);
        EXPECT_EQ(event.error().error_message, message);
    }
}

}  // namespace
}  // namespace florin::reservation
