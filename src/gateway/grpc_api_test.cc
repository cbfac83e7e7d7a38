#include "gateway/grpc_api.h"

#include <gtest/gtest.h>

#include "gateway/grpc_test_world.h"

namespace florin::gateway {
namespace {

namespace pb = payment::v1;
using Create = pb::CreatePaymentIntentRequest;

grpc::Status refused_create(GrpcWorld& world, const Create& request) {
    const auto reply = world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request);
    return reply ? grpc::Status{} : reply.error();
}

TEST(CreatePaymentIntent, AnswersPendingWithEveryField) {
    GrpcWorld world;
    const auto reply = world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent",
                                                                   GrpcWorld::valid_request());
    ASSERT_TRUE(reply);
    const auto& id = reply->payment_intent_id();
    EXPECT_TRUE(parse_wire_id(id));
    EXPECT_EQ(reply->status(), pb::PAYMENT_STATUS_PENDING);
    EXPECT_TRUE(reply->client_secret().starts_with(id + "_secret_"));
    EXPECT_EQ(reply->client_secret().size(), id.size() + 8 + 32);
    EXPECT_EQ(reply->payment_url(), "http://pay.test/pay/" + id);
    EXPECT_EQ(reply->expires_at().seconds(), unix_seconds(world.clock.now()) + 2 + 900);
    EXPECT_FALSE(reply->has_error());
}

TEST(CreatePaymentIntent, NamesTheFieldThatIsWrong) {
    struct Case {
        const char* field;
        void (*spoil)(Create&);
    };
    GrpcWorld world;
    for (const auto& [field, spoil] :
         {Case{"reservation_id", [](Create& r) { r.set_reservation_id(" "); }},
          Case{"reservation_id", [](Create& r) { r.set_reservation_id(std::string(129, 'x')); }},
          Case{"user_id", [](Create& r) { r.clear_user_id(); }},
          Case{"amount", [](Create& r) { r.clear_amount(); }},
          Case{"amount.amount", [](Create& r) { r.mutable_amount()->set_amount(0); }},
          Case{"amount.amount", [](Create& r) { r.mutable_amount()->set_amount(-400); }},
          Case{"amount.currency", [](Create& r) { r.mutable_amount()->set_currency("won"); }},
          Case{"scenario", [](Create& r) { r.set_scenario(static_cast<pb::PaymentScenario>(6)); }},
          Case{"method", [](Create& r) { r.set_method(static_cast<pb::PaymentMethod>(-1)); }},
          Case{"webhook_url", [](Create& r) { r.set_webhook_url("ftp://receiver.test/"); }},
          Case{"webhook_url", [](Create& r) { r.set_webhook_url("/relative"); }},
          Case{"webhook_url",
               [](Create& r) { r.set_webhook_url("http://h/" + std::string(2'048, 'x')); }},
          Case{"idempotency_key", [](Create& r) { r.set_idempotency_key(std::string(129, 'k')); }},
          Case{"metadata.tags.delay_ms",
               [](Create& r) { (*r.mutable_metadata()->mutable_tags())["delay_ms"] = "-1"; }},
          Case{"metadata.tags", [](Create& r) {
                   for (int i = 0; i < 51; ++i)
                       (*r.mutable_metadata()->mutable_tags())[std::to_string(i)] = "";
               }}}) {
        SCOPED_TRACE(field);
        Create request = GrpcWorld::valid_request();
        spoil(request);
        const auto status = refused_create(world, request);
        EXPECT_EQ(status.code, grpc::Code::InvalidArgument);
        EXPECT_TRUE(status.message.starts_with(std::string("bad request: ") + field + ": "))
            << status.message;
        EXPECT_EQ(status.message.find_first_of("0123456789"), std::string::npos)
            << "clients match digits in error texts: " << status.message;
    }
    EXPECT_EQ(world.count(count_intents), 0);
}

TEST(CreatePaymentIntent, TellsAllComplaintsAtOnce) {
    GrpcWorld world;
    EXPECT_EQ(refused_create(world, Create()).message,
              "bad request: reservation_id: must not be empty; user_id: must not be empty; "
              "amount: must be given");
}

TEST(CreatePaymentIntent, TakesItsDelayFromATagOrAHeader) {
    GrpcWorld world;
    auto request = GrpcWorld::valid_request();
    (*request.mutable_metadata()->mutable_tags())["delay_ms"] = "0";
    const auto at_once =
        world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request).value();
    world.fake_call.headers["x-delay-ms"] = "7";
    const auto soon = world.create();
    world.advance(Milliseconds(0));
    EXPECT_EQ(world.payment(at_once.payment_intent_id()).status(), pb::PAYMENT_STATUS_COMPLETED);
    world.advance(Microseconds(6'999));
    EXPECT_EQ(world.payment(soon).status(), pb::PAYMENT_STATUS_PENDING);
    world.advance(Microseconds(1));
    EXPECT_EQ(world.payment(soon).status(), pb::PAYMENT_STATUS_COMPLETED);
    world.fake_call.headers["x-delay-ms"] = "soon";
    EXPECT_EQ(refused_create(world, GrpcWorld::valid_request()).code, grpc::Code::InvalidArgument);
}

TEST(CreatePaymentIntent, WithoutAScenarioTakesTheDefault) {
    GrpcWorld world;
    world.settings.default_scenario = Scenario::Fail;
    auto request = GrpcWorld::valid_request();
    request.mutable_amount()->clear_currency();
    const auto id = world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request)
                        ->payment_intent_id();
    world.advance(Seconds(2));
    EXPECT_EQ(world.payment(id).status(), pb::PAYMENT_STATUS_FAILED);
    EXPECT_EQ(world.payment(id).amount().currency(), "KRW");
}

TEST(GetPaymentStatus, TellsAllOfAPayment) {
    GrpcWorld world;
    auto request = GrpcWorld::valid_request();
    request.set_method(pb::PAYMENT_METHOD_MOBILE_PAY);
    request.mutable_metadata()->set_source("test");
    const auto id = world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request)
                        ->payment_intent_id();
    world.advance(Seconds(2));
    const auto payment = world.payment(id);
    EXPECT_EQ(payment.payment_id(), id);
    EXPECT_EQ(payment.reservation_id(), "rsv-1");
    EXPECT_EQ(payment.user_id(), "user-1");
    EXPECT_EQ(payment.amount().amount(), 100'000);
    EXPECT_EQ(payment.method(), pb::PAYMENT_METHOD_MOBILE_PAY);
    EXPECT_EQ(payment.processed_at().seconds(), payment.created_at().seconds() + 2);
    EXPECT_EQ(payment.updated_at().seconds(), payment.processed_at().seconds());
    EXPECT_TRUE(payment.transaction_id().starts_with("txn-"));
    EXPECT_TRUE(payment.result().success());
    EXPECT_EQ(payment.metadata().source(), "test");
    EXPECT_EQ(payment.metadata().scenario(), pb::approve);
}

TEST(GetPaymentStatus, FindsNothingForStrangersAndUnknownIds) {
    GrpcWorld world;
    pb::GetPaymentStatusRequest request;
    request.set_payment_intent_id(world.create());
    EXPECT_TRUE(world.call<pb::GetPaymentStatusResponse>("GetPaymentIntent", request));
    request.set_user_id("user-1");
    EXPECT_TRUE(world.call<pb::GetPaymentStatusResponse>("GetPaymentStatus", request));
    request.set_user_id("user-2");
    const auto strange = world.call<pb::GetPaymentStatusResponse>("GetPaymentStatus", request);
    ASSERT_FALSE(strange);
    EXPECT_EQ(strange.error().code, grpc::Code::NotFound);
    request.set_payment_intent_id("pay-xxx");
    const auto unknown = world.call<pb::GetPaymentStatusResponse>("GetPaymentStatus", request);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().message, "payment intent not found: pay-xxx");
    request.clear_payment_intent_id();
    EXPECT_EQ(world.call<pb::GetPaymentStatusResponse>("GetPaymentStatus", request).error().code,
              grpc::Code::InvalidArgument);
}

TEST(ProcessPayment, DecidesNowAndTellsTheReceiverOnce) {
    GrpcWorld world;
    pb::ProcessPaymentRequest request;
    request.set_payment_intent_id(world.create(pb::fail, "http://receiver.test/"));
    const auto first = world.call<pb::ProcessPaymentResponse>("ProcessPayment", request);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->status(), pb::PAYMENT_STATUS_FAILED);
    EXPECT_EQ(first->payment_id(), request.payment_intent_id());
    EXPECT_FALSE(first->result().success());
    EXPECT_EQ(first->result().failure_reason(), "card_declined");
    EXPECT_EQ(first->result().response_code(), 51);
    const auto again = world.call<pb::ProcessPaymentResponse>("ProcessPayment", request);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
    world.advance(Seconds(2));
    EXPECT_EQ(world.offered.size(), 1U);
    EXPECT_EQ(world.count(count_events), 1);
}

TEST(ProcessPayment, OfATimeoutBecomesProcessingUntilItExpires) {
    GrpcWorld world;
    pb::ProcessPaymentRequest request;
    request.set_payment_intent_id(world.create(pb::timeout, "http://receiver.test/"));
    EXPECT_EQ(world.call<pb::ProcessPaymentResponse>("ProcessPayment", request)->status(),
              pb::PAYMENT_STATUS_PROCESSING);
    world.advance(Seconds(902));
    EXPECT_EQ(world.payment(request.payment_intent_id()).status(), pb::PAYMENT_STATUS_EXPIRED);
    EXPECT_EQ(world.call<pb::ProcessPaymentResponse>("ProcessPayment", request).error().code,
              grpc::Code::FailedPrecondition);
    EXPECT_TRUE(world.offered.empty());
}

TEST(ProcessPayment, ChecksTheFormOfDetailsAndForgetsThem) {
    GrpcWorld world;
    pb::ProcessPaymentRequest request;
    request.set_payment_intent_id(world.create());
    auto& card = *request.mutable_payment_details()->mutable_credit_card();
    card.set_card_number("not a card");
    card.set_expiry_month("13");
    card.set_expiry_year("2030");
    const auto refused = world.call<pb::ProcessPaymentResponse>("ProcessPayment", request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "bad request: payment_details.credit_card.card_number: must be a card number; "
              "payment_details.credit_card.expiry_month: must be a month");
    card.set_card_number("4111 1111 1111 1111");
    card.set_expiry_month("12");
    EXPECT_TRUE(world.call<pb::ProcessPaymentResponse>("ProcessPayment", request));
}

TEST(CancelPayment, RefusesWhatHasEndedOtherwise) {
    GrpcWorld world;
    pb::CancelPaymentRequest request;
    request.set_payment_intent_id(world.create(pb::fail));
    world.advance(Seconds(2));
    EXPECT_EQ(world.call<pb::CancelPaymentResponse>("CancelPayment", request).error().code,
              grpc::Code::FailedPrecondition);
    request.set_payment_intent_id(world.create());
    request.mutable_refund_amount()->set_amount(1);
    EXPECT_EQ(world.call<pb::CancelPaymentResponse>("CancelPayment", request).error().code,
              grpc::Code::FailedPrecondition);
    request.clear_refund_amount();
    const auto cancelled = world.call<pb::CancelPaymentResponse>("CancelPayment", request);
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(cancelled->status(), pb::PAYMENT_STATUS_CANCELLED);
    EXPECT_TRUE(cancelled->refund_id().empty());
    EXPECT_EQ(world.call<pb::CancelPaymentResponse>("CancelPayment", request).error().code,
              grpc::Code::FailedPrecondition);
    world.advance(Seconds(5));
    EXPECT_EQ(world.payment(request.payment_intent_id()).status(), pb::PAYMENT_STATUS_CANCELLED);
}

TEST(SimulateWebhook, SendsNowOrLaterWithoutTouchingThePayment) {
    GrpcWorld world;
    pb::SimulateWebhookRequest request;
    request.set_payment_intent_id(world.create(pb::approve, "http://receiver.test/"));
    EXPECT_EQ(world.call<pb::SimulateWebhookResponse>("SimulateWebhook", request).error().code,
              grpc::Code::FailedPrecondition);
    request.set_target_status(pb::PAYMENT_STATUS_PENDING);
    EXPECT_EQ(world.call<pb::SimulateWebhookResponse>("SimulateWebhook", request).error().code,
              grpc::Code::InvalidArgument);
    request.set_target_status(pb::PAYMENT_STATUS_FAILED);
    request.set_delay_seconds(86'401);
    EXPECT_EQ(world.call<pb::SimulateWebhookResponse>("SimulateWebhook", request).error().code,
              grpc::Code::InvalidArgument);
    request.set_delay_seconds(30);
    const auto later = world.call<pb::SimulateWebhookResponse>("SimulateWebhook", request);
    ASSERT_TRUE(later);
    EXPECT_FALSE(later->webhook_sent());
    EXPECT_EQ(later->scheduled_at().seconds(), unix_seconds(world.clock.now()) + 30);
    request.set_force_trigger(true);
    const auto now = world.call<pb::SimulateWebhookResponse>("SimulateWebhook", request);
    ASSERT_TRUE(now);
    EXPECT_TRUE(now->webhook_sent());
    ASSERT_EQ(world.offered.size(), 2U);
    EXPECT_TRUE(world.offered[1].simulated);
    EXPECT_EQ(world.offered[1].payment_status, pb::PAYMENT_STATUS_FAILED);
    EXPECT_EQ(world.payment(request.payment_intent_id()).status(), pb::PAYMENT_STATUS_PENDING);
    request.set_payment_intent_id(world.create());
    EXPECT_EQ(world.call<pb::SimulateWebhookResponse>("SimulateWebhook", request).error().code,
              grpc::Code::FailedPrecondition);
}

TEST(ListPayments, RefusesPagesItCannotGive) {
    GrpcWorld world;
    const auto code = [&](auto&& change) {
        pb::ListPaymentsRequest request;
        change(*request.mutable_pagination());
        const auto reply = world.call<pb::ListPaymentsResponse>("ListPayments", request);
        return reply ? grpc::Code::Ok : reply.error().code;
    };
    EXPECT_EQ(code([](auto& page) { page.set_page_size(101); }), grpc::Code::InvalidArgument);
    EXPECT_EQ(code([](auto& page) { page.set_page_size(-1); }), grpc::Code::InvalidArgument);
    EXPECT_EQ(code([](auto& page) { page.set_cursor("nonsense"); }), grpc::Code::InvalidArgument);
    EXPECT_EQ(code([](auto& page) { page.set_page(2'147'483'647); }), grpc::Code::InvalidArgument);
    EXPECT_EQ(code([](auto& page) { page.set_page(100); }), grpc::Code::Ok);
}

}  // namespace
}  // namespace florin::gateway
