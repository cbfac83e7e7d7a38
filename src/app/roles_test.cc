#include "app/roles.h"

#include <gtest/gtest.h>

namespace florin::app {
namespace {

TEST(Roles, AProcessIsEverythingOrSomePartsOrTheReservationWorker) {
    struct Case {
        const char* given;
        Roles roles;
        const char* shown;
    };
    for (const auto& [given, roles, shown] :
         {Case{"all", Roles::all(), "all"}, Case{"payment-sim-api", Roles::all(), "all"},
          Case{"relay,worker,gateway,api", Roles::all(), "all"}, Case{"api", {Role::Api}, "api"},
          Case{"worker,api", {Role::Api, Role::Worker}, "api,worker"},
          Case{"reservation-worker", {Role::ReservationWorker}, "reservation-worker"}}) {
        SCOPED_TRACE(given);
        const auto parsed = Roles::parse(given);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(*parsed, roles);
        EXPECT_EQ(parsed->text(), shown);
        EXPECT_EQ(Roles::parse(parsed->text()), roles);
    }
}

TEST(Roles, WhatIsNoRoleIsRefused) {
    for (const char* given :
         {"", "cook", "api,", ",api", "api worker", "API", "api,all", "api,reservation-worker"}) {
        SCOPED_TRACE(given);
        EXPECT_FALSE(Roles::parse(given));
    }
}

TEST(Roles, OnlyFacesOpenPortsForClients) {
    const Roles api{Role::Api};
    const Roles gateway{Role::Gateway};
    const Roles behind{Role::Worker, Role::Relay};
    EXPECT_TRUE(api.serve_http());
    EXPECT_FALSE(api.serve_grpc());
    EXPECT_TRUE(gateway.serve_http());
    EXPECT_TRUE(gateway.serve_grpc());
    EXPECT_FALSE(behind.serve_http());
    EXPECT_FALSE(behind.serve_grpc());
}

}  // namespace
}  // namespace florin::app
