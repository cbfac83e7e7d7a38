#include "seats/http_api.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/http/server.h"
#include "seats/test_world.h"

namespace florin::seats {
namespace {

namespace json = boost::json;
using Query = std::vector<std::pair<std::string, std::string>>;

/// The HTTP face over a world.
class HttpWorld : public TestWorld {
public:
    explicit HttpWorld(http::AdminAccess chosen = {}, UnknownEvents unknown = UnknownEvents::Refuse)
        : TestWorld(unknown), access(std::move(chosen)) {
        add_reservation_routes(router, *service, access);
    }

    http::Response ask(std::string method, std::string path, std::string body = "",
                       http::Headers headers = {}, Query query = {}) {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        request.body = std::move(body);
        request.headers = std::move(headers);
        request.trace_id = "trace-of-a-test";
        return get(router.serve(std::move(request)));
    }
    json::object ask_json(unsigned status, std::string method, std::string path,
                          std::string body = "", Query query = {}) {
        const auto response =
            ask(std::move(method), std::move(path), std::move(body), {}, std::move(query));
        EXPECT_EQ(response.status, status) << response.body;
        return json::parse(response.body).as_object();
    }
    std::string hold_id(std::string body) {
        return std::string(ask_json(201, "POST", "/api/reservations", std::move(body))
                               .at("reservation_id")
                               .as_string());
    }

    const http::AdminAccess access;
    http::Router router;
};

std::string text_of(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

constexpr const char* one_seat = R"({"event_id":"stadium","user_id":"user-1","seat_ids":["1"]})";

TEST(ReservationApi, HoldsSeats) {
    HttpWorld world;
    const auto held = world.ask_json(
        201, "POST", "/api/reservations",
        R"({"event_id":"stadium","user_id":"user-1","seat_ids":["1","2"],"total_price":50000,)"
        R"("currency":"KRW","expires_in_seconds":60})");
    const std::string id = text_of(held, "reservation_id");
    EXPECT_TRUE(id.starts_with("rsv-"));
    EXPECT_EQ(text_of(held, "status"), "HOLD");
    EXPECT_EQ(json::serialize(held.at("seat_ids")), R"(["1","2"])");
    EXPECT_EQ(held.at("quantity").as_int64(), 2);
    EXPECT_EQ(held.at("total_price").as_int64(), 50'000);
    EXPECT_EQ(text_of(held, "hold_expires_at"), "2023-11-14T22:14:20.000Z");
    EXPECT_TRUE(held.at("order_id").is_null());
    EXPECT_EQ(world.ask_json(200, "GET", "/api/reservations/" + id), held);
    EXPECT_EQ(world.ask_json(200, "GET", "/internal/reservations/" + id), held);
}

TEST(ReservationApi, IsConfirmedByTheWorkersPatch) {
    HttpWorld world;
    const std::string path = "/internal/reservations/" + world.hold_id(one_seat);
    const auto confirmed = world.ask_json(200, "PATCH", path, R"({"status":"CONFIRMED"})");
    EXPECT_EQ(text_of(confirmed, "status"), "CONFIRMED");
    EXPECT_TRUE(text_of(confirmed, "order_id").starts_with("ord-"));
    EXPECT_EQ(world.ask_json(200, "PATCH", path, R"({"status":"CONFIRMED","order_id":"order-7"})"),
              confirmed)
        << "a repeat gets the same answer";
    const auto refused = world.ask_json(409, "PATCH", path, R"({"status":"CANCELLED"})");
    EXPECT_EQ(text_of(refused, "type"), "urn:florin:problem:already_confirmed");
    EXPECT_NE(text_of(refused, "detail").find("sold"), std::string::npos);
    for (const std::string body : {R"({"status":"PAID"})", R"({"status":"HOLD"})", "{}", ""})
        EXPECT_EQ(world.ask("PATCH", path, body).status, 400U) << body;
    EXPECT_EQ(world.ask("PATCH", "/internal/reservations/rsv-1", R"({"status":"EXPIRED"})").status,
              404U);
}

TEST(ReservationApi, ConfirmsAndCancelsForClients) {
    HttpWorld world;
    const std::string paid = "/api/reservations/" + world.hold_id(one_seat);
    const auto confirmed =
        world.ask_json(200, "POST", paid + "/confirm", R"({"payment_intent_id":"pay-1"})");
    EXPECT_EQ(text_of(confirmed, "payment_intent_id"), "pay-1");
    EXPECT_EQ(world.ask("POST", paid + "/confirm").status, 200U);
    EXPECT_EQ(world.ask("POST", paid + "/confirm", R"({"payment_intent_id":"pay-2"})").status,
              409U);
    EXPECT_EQ(world.ask("POST", paid + "/cancel").status, 409U);
    const std::string left =
        "/api/reservations/" +
        world.hold_id(R"({"event_id":"stadium","user_id":"user-1","quantity":2})");
    EXPECT_EQ(text_of(world.ask_json(200, "POST", left + "/cancel"), "status"), "CANCELLED");
    const auto event = world.ask_json(200, "GET", "/api/events/stadium");
    EXPECT_EQ(event.at("available").as_int64(), 9);
    EXPECT_EQ(event.at("sold").as_int64(), 1);
}

TEST(ReservationApi, TheSameKeyGetsTheSameReservation) {
    HttpWorld world;
    const auto first = world.ask("POST", "/api/reservations", one_seat, {{"Idempotency-Key", "a"}});
    const auto again = world.ask("POST", "/api/reservations", one_seat, {{"Idempotency-Key", "a"}});
    EXPECT_EQ(first.status, 201U);
    EXPECT_EQ(again.status, 201U);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(first.headers.get("Idempotent-Replayed"), "");
    EXPECT_EQ(again.headers.get("Idempotent-Replayed"), "true");
    const auto other = world.ask("POST", "/api/reservations",
                                 R"({"event_id":"stadium","user_id":"user-1","seat_ids":["2"]})",
                                 {{"Idempotency-Key", "a"}});
    EXPECT_EQ(other.status, 422U) << other.body;
}

TEST(ReservationApi, MakesEventsOnce) {
    HttpWorld world;
    const auto made = world.ask_json(201, "POST", "/api/events", R"({"id":"match","seats":3})");
    EXPECT_EQ(made.at("seats").as_int64(), 3);
    EXPECT_EQ(world.ask("POST", "/api/events", R"({"id":"match","seats":3})").status, 200U);
    EXPECT_EQ(world.ask("POST", "/api/events", R"({"id":"match","seats":["A"]})").status, 409U);
    EXPECT_EQ(world.ask("POST", "/api/events", R"({"id":"play","seats":["B-2","A-1"]})").status,
              201U);
    const auto page = world.ask_json(200, "GET", "/api/events", "", {{"limit", "2"}});
    EXPECT_EQ(page.at("events").as_array().size(), 2U);
    EXPECT_EQ(text_of(page, "next_cursor"), "play");
    const auto rest = world.ask_json(200, "GET", "/api/events", "", {{"cursor", "play"}});
    EXPECT_EQ(text_of(rest.at("events").as_array().at(0).as_object(), "id"), "stadium");
    EXPECT_EQ(world.ask("GET", "/api/events/nowhere").status, 404U);
}

TEST(ReservationApi, PagesThroughSeatsInTheirOrder) {
    HttpWorld world;
    const std::string id = world.hold_id(one_seat);
    std::string seen;
    Query query = {{"limit", "4"}};
    for (;;) {
        const auto page = world.ask_json(200, "GET", "/api/events/stadium/seats", "", query);
        for (const auto& seat : page.at("seats").as_array())
            seen += text_of(seat.as_object(), "seat_id") + ' ';
        if (page.at("next_cursor").is_null()) break;
        query = {{"limit", "4"}, {"cursor", text_of(page, "next_cursor")}};
    }
    EXPECT_EQ(seen, "2 3 4 5 6 7 8 9 10 ");
    const auto held =
        world.ask_json(200, "GET", "/api/events/stadium/seats", "", {{"status", "RESERVED"}});
    EXPECT_EQ(json::serialize(held.at("seats")),
              R"([{"seat_id":"1","status":"RESERVED","reservation_id":")" + id + R"("}])");
    EXPECT_EQ(world.ask("GET", "/api/events/nowhere/seats").status, 404U);
}

TEST(ReservationApi, ListsReservations) {
    HttpWorld world;
    const std::string id = world.hold_id(one_seat);
    world.hold_id(R"({"event_id":"stadium","user_id":"user-2","quantity":1})");
    const auto page = world.ask_json(200, "GET", "/api/reservations", "", {{"user_id", "user-1"}});
    ASSERT_EQ(page.at("reservations").as_array().size(), 1U);
    EXPECT_EQ(text_of(page.at("reservations").as_array().at(0).as_object(), "reservation_id"), id);
    const auto first = world.ask_json(200, "GET", "/api/reservations", "", {{"limit", "1"}});
    const auto second = world.ask_json(200, "GET", "/api/reservations", "",
                                       {{"cursor", text_of(first, "next_cursor")}});
    EXPECT_EQ(text_of(second.at("reservations").as_array().at(0).as_object(), "reservation_id"),
              id);
}

TEST(ReservationApi, SaysWhatIsWrongWithARequest) {
    HttpWorld world;
    struct Case {
        const char* body;
        const char* complaint;
    };
    for (const auto& [body, complaint] : {
             Case{"", "not JSON"},
             Case{"[]", "not a JSON object"},
             Case{R"({"user_id":"u","quantity":1})", "event_id is missing"},
             Case{R"({"event_id":"e","quantity":1})", "user_id is missing"},
             Case{R"({"event_id":"e","user_id":"u"})", "either seat_ids"},
             Case{R"({"event_id":"e","user_id":"u","seat_ids":["1"],"quantity":2})", "either"},
             Case{R"({"event_id":"e","user_id":"u","seat_ids":["1","1"]})", "twice"},
             Case{R"({"event_id":"e","user_id":"u","seat_ids":[]})", "seat_ids must be"},
             Case{R"({"event_id":"e","user_id":"u","seat_ids":["a\nb"]})", "seat_ids has"},
             Case{R"({"event_id":"e","user_id":"u","quantity":51})", "from 1 to 50"},
             Case{R"({"event_id":"e","user_id":"u","quantity":1.5})", "quantity is 1.5E0"},
             Case{R"({"event_id":"e","user_id":"u","quantity":1,"total_price":-1})", "total_price"},
             Case{R"({"event_id":"e","user_id":"u","quantity":1,"currency":"won"})", "currency"},
             Case{R"({"event_id":"e","user_id":"u","quantity":1,"expires_in_seconds":3601})",
                  "from 1 to 3600"},
             Case{R"({"event_id":"e","user_id":"u","quantity":1,"seats":1})", "there is no field"},
         }) {
        SCOPED_TRACE(body);
        const auto response = world.ask("POST", "/api/reservations", body);
        EXPECT_EQ(response.status, 400U);
        EXPECT_EQ(response.content_type, "application/problem+json");
        EXPECT_NE(response.body.find(complaint), std::string::npos) << response.body;
    }
    for (const char* body : {R"({"id":"e"})", R"({"id":"e","seats":0})", R"({"seats":1})",
                             R"({"id":"e","seats":20001})", R"({"id":"e","seats":["a","a"]})"})
        EXPECT_EQ(world.ask("POST", "/api/events", body).status, 400U) << body;
    for (const std::string& key : {std::string(65, 'x'), std::string("\xC3\xA9")}) {
        EXPECT_EQ(
            world.ask("POST", "/api/reservations", one_seat, {{"Idempotency-Key", key}}).status,
            400U);
    }
    for (const Query& query : {Query{{"limit", "0"}}, Query{{"cursor", "x"}}})
        EXPECT_EQ(world.ask("GET", "/api/reservations", "", {}, query).status, 400U);
    for (const Query& query :
         {Query{{"limit", "1001"}}, Query{{"cursor", "x"}}, Query{{"cursor", "-1:x"}},
          Query{{"cursor", "1234567890:x"}}, Query{{"status", "FREE"}}})
        EXPECT_EQ(world.ask("GET", "/api/events/stadium/seats", "", {}, query).status, 400U);
}

TEST(ReservationApi, AsksForTheOperatorsTokenWhereThereIsOne) {
    HttpWorld world({.token = "s3cret", .token_required = true});
    EXPECT_EQ(world.ask("POST", "/api/reservations", one_seat).status, 401U);
    EXPECT_EQ(world.ask("PATCH", "/internal/reservations/rsv-1").status, 401U);
    EXPECT_EQ(world.ask("POST", "/api/reservations", one_seat, {{"Authorization", "Bearer s3cret"}})
                  .status,
              201U);
    HttpWorld closed({.token = "", .token_required = true});
    EXPECT_EQ(closed.ask("GET", "/api/events").status, 403U);
}

}  // namespace
}  // namespace florin::seats
