#include "app/ledger_command.h"

#include <filesystem>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "app/command_output.h"
#include "payments/test_world.h"

namespace florin::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr store::Sql unlock_entries("DROP TRIGGER ledger_line_fixed");

/// Payments in a database whose server is still there, and what the commands say about it.
class LedgerCommandTest : public ::testing::Test {
protected:
    CommandOutput run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "florin");
        arguments.insert(arguments.end(), {"--data-dir", data_dir().string()});
        return output_of(arguments);
    }
    json::object verify(int code) {
        const CommandOutput output = run({"ledger", "verify", "--json"});
        EXPECT_EQ(output.code, code) << output.out << output.err;
        return json::parse(output.out).as_object();
    }

    /// 10,000 authorized, 9,000 captured (our fee: 270).
    payments::Payment captured() {
        const auto payment = world.authorized("shop-1", 10'000);
        auto request = world.change(payments::Operation::Capture, payment, 9'000);
        EXPECT_TRUE(world.get(world.service->change(std::move(request))).has_value());
        return payment;
    }
    void tamper(const store::Sql& sql) {
        world.get(world.store->write([sql](store::Transaction& tx) { return tx.execute(sql); }));
    }
    void link_database() {
        fs::create_directories(data_dir());
        for (const std::string end : {"", "-wal", "-shm"}) {
            fs::create_symlink(world.database.file().string() + end,
                               data_dir().string() + "/florin.db" + end);
        }
    }
    [[nodiscard]] fs::path data_dir() const { return world.database.file().string() + "-data"; }

    payments::TestWorld world;
};

TEST_F(LedgerCommandTest, VerifyCountsWhatItHasProved) {
    captured();
    link_database();
    const json::object proof = verify(exit_ok);
    EXPECT_EQ(proof.at("ok"), true);
    EXPECT_EQ(proof.at("books"), 1);
    EXPECT_EQ(proof.at("transactions"), 2);
    EXPECT_EQ(proof.at("entries"), 4);
    EXPECT_EQ(proof.at("payments"), 1);
    EXPECT_EQ(proof.at("fingerprint").as_string().size(), 64U);
    const CommandOutput people = run({"ledger", "verify"});
    EXPECT_EQ(people.code, exit_ok);
    EXPECT_NE(people.out.find("\nok: "), std::string::npos) << people.out;
}

TEST_F(LedgerCommandTest, VerifyGivesEveryStateOfTheLedgerAnotherFingerprint) {
    captured();
    link_database();
    const auto before = verify(exit_ok).at("fingerprint");
    EXPECT_EQ(verify(exit_ok).at("fingerprint"), before);
    captured();
    EXPECT_NE(verify(exit_ok).at("fingerprint"), before);
}

TEST_F(LedgerCommandTest, VerifyNamesWhatIsWrongAndEndsWithOne) {
    const auto payment = captured();
    tamper(unlock_entries);
    tamper(store::Sql("UPDATE ledger_line SET amount = 9001 WHERE amount = 9000"));
    link_database();
    const json::object proof = verify(exit_failure);
    EXPECT_EQ(proof.at("ok"), false);
    const std::string complaints = json::serialize(proof.at("complaints"));
    EXPECT_NE(complaints.find("its hash does not match"), std::string::npos) << complaints;
    EXPECT_NE(complaints.find("gateway_receivable stands at 9000, its entries come to 9001"),
              std::string::npos);
    EXPECT_NE(complaints.find(R"("payment_id":")" + payment.id.text() +
                              R"(","what":"captured","expected":"9000","found":"9001")"),
              std::string::npos);
    const CommandOutput people = run({"ledger", "verify"});
    EXPECT_EQ(people.code, exit_failure);
    EXPECT_NE(people.out.find("WRONG: "), std::string::npos);
    EXPECT_NE(people.out.find("captured: expected 9000, found 9001"), std::string::npos);
}

TEST_F(LedgerCommandTest, ShowsTheBalancesOfAMerchant) {
    captured();
    world.authorized("shop-2", 700);
    link_database();
    const CommandOutput json_form = run({"ledger", "show", "--merchant", "shop-1", "--json"});
    EXPECT_EQ(json_form.code, exit_ok);
    const auto book = json::parse(json_form.out).at("books").at(0);
    EXPECT_EQ(book.at("transactions"), 2);
    EXPECT_EQ(json::serialize(book.at("balances")),
              R"({"authorized_receivable":0,"authorized_obligation":0,"gateway_receivable":9000,)"
              R"("merchant_payable":-8730,"fee_revenue":-270,"cash":0})");
    const CommandOutput people =
        run({"ledger", "show", "--merchant", "shop-1", "--currency", "KRW"});
    EXPECT_NE(people.out.find("shop-1 KRW: 2 transactions, head "), std::string::npos);
    EXPECT_EQ(run({"ledger", "show", "--merchant", "shop-1", "--currency", "USD"}).code,
              exit_failure);
    const CommandOutput nobody = run({"ledger", "show", "--merchant", "shop-9"});
    EXPECT_EQ(nobody.code, exit_failure);
    EXPECT_NE(nobody.err.find("'shop-9'"), std::string::npos);
}

TEST_F(LedgerCommandTest, ShowsThePostingsOfAPayment) {
    const auto payment = captured();
    link_database();
    const std::vector<std::string> show{"ledger", "show",      "--merchant",
                                        "shop-1", "--payment", payment.id.text()};
    const CommandOutput people = run(show);
    EXPECT_EQ(people.code, exit_ok);
    EXPECT_NE(people.out.find("shop-1 KRW #2  capture"), std::string::npos) << people.out;
    auto as_json = show;
    as_json.push_back("--json");
    const auto postings = json::parse(run(as_json).out).at("postings");
    EXPECT_EQ(postings.at(0).at("movement"), "authorize");
    EXPECT_EQ(
        json::serialize(postings.at(1).at("entries")),
        R"([{"debit":"authorized_obligation","credit":"authorized_receivable","amount":10000},)"
        R"({"debit":"gateway_receivable","credit":"merchant_payable","amount":9000},)"
        R"({"debit":"merchant_payable","credit":"fee_revenue","amount":270}])");
    auto stranger = show;
    stranger[3] = "shop-2";
    EXPECT_EQ(run(stranger).code, exit_failure);
}

TEST_F(LedgerCommandTest, SaysWhereItLookedForADatabase) {
    const CommandOutput output = run({"ledger", "verify"});
    EXPECT_EQ(output.code, exit_failure);
    EXPECT_NE(output.err.find(data_dir().string()), std::string::npos);
    EXPECT_NE(output.err.find("--data-dir"), std::string::npos);
    EXPECT_EQ(run({"ledger"}).code, exit_usage);
    EXPECT_EQ(run({"ledger", "show"}).code, exit_usage);
}

}  // namespace
}  // namespace florin::app
