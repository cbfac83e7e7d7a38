#include "ledger/ledger.h"

#include <limits>

#include <gtest/gtest.h>

#include "ledger/test_world.h"
#include "platform/base/random.h"

namespace florin::ledger {
namespace {

void book_a_life(World& world, const std::string& merchant, std::uint8_t subject) {
    world.post(posting(merchant, subject, 1, Movement::Authorize, authorize_entries(10'000)));
    world.post(
        posting(merchant, subject, 3, Movement::Capture, capture_entries(10'000, 9'000, 90)));
    world.post(posting(merchant, subject, 5, Movement::Refund, refund_entries(1'000)));
}

TEST(Ledger, KeepsBalancesAndPostingsOfEachBook) {
    World world;
    book_a_life(world, "shop-1", 1);
    book_a_life(world, "shop-2", 2);
    const Book book = world.book("shop-1");
    EXPECT_EQ(book.transactions, 3);
    EXPECT_EQ(of(book.balances, Account::GatewayReceivable), 8'000);
    EXPECT_EQ(of(book.balances, Account::MerchantPayable), -7'910);
    EXPECT_EQ(of(book.balances, Account::FeeRevenue), -90);
    const auto postings = world.read([](store::Snapshot& s) { return postings_of(s, payment(2)); });
    ASSERT_EQ(postings.size(), 3U);
    EXPECT_EQ(postings[1].posting.merchant, "shop-2");
    EXPECT_EQ(postings[1].posting.movement, Movement::Capture);
    EXPECT_EQ(postings[1].posting.entries, capture_entries(10'000, 9'000, 90));
    EXPECT_EQ(postings[2].number, 3);
    EXPECT_EQ(postings[2].hash, world.book("shop-2").head);
}

TEST(Ledger, ListsTheMerchantsOfItsBooksOnceEach) {
    World world;
    for (const char* currency : {"KRW", "USD"}) {
        for (const char* merchant : {"shop-3", "shop-1", "shop-2"}) {
            Posting hold = posting(merchant, 1, 0, Movement::Authorize, authorize_entries(5));
            hold.currency = *Currency::parse(currency);
            hold.step = hold.currency == Currency::krw() ? merchant[5] : -merchant[5];
            world.post(hold);
        }
    }
    const auto listed = [&world](std::string_view after, int limit) {
        return world.read([=](store::Snapshot& s) { return merchants(s, after, limit); });
    };
    EXPECT_EQ(listed("", 2), (std::vector<std::string>{"shop-1", "shop-2"}));
    EXPECT_EQ(listed("shop-2", 2), (std::vector<std::string>{"shop-3"}));
}

TEST(Ledger, ProvesWhatItBooked) {
    World world;
    EXPECT_EQ(world.verify().faults, 0);
    for (std::uint8_t i = 1; i < 100; ++i) book_a_life(world, i % 3 == 0 ? "shop-1" : "shop-2", i);
    const auto proof = world.verify();
    EXPECT_TRUE(proof.complaints.empty()) << proof.complaints.front();
    EXPECT_EQ(proof.books, 2);
    EXPECT_EQ(proof.transactions, 297);
    EXPECT_EQ(proof.entries, 495);
    const auto paged = world.verify(7);
    EXPECT_TRUE(paged.complaints.empty()) << paged.complaints.front();
    EXPECT_EQ(paged.transactions, 297);
    EXPECT_EQ(paged.entries, 495);
}

TEST(Ledger, BooksAStepOnce) {
    World world;
    book_a_life(world, "shop-1", 1);
    EXPECT_THROW(
        world.post(posting("shop-1", 1, 3, Movement::Capture, capture_entries(10'000, 9'000, 90))),
        store::StatementRefused);
    EXPECT_EQ(world.book("shop-1").transactions, 3);
    EXPECT_EQ(world.verify().faults, 0);
}

TEST(Ledger, RefusesABalanceBeyondSixtyThreeBits) {
    World world;
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    world.post(posting("shop-1", 1, 1, Movement::Authorize, authorize_entries(most)));
    EXPECT_THROW(world.post(posting("shop-1", 2, 1, Movement::Authorize, authorize_entries(1))),
                 std::overflow_error);
    EXPECT_EQ(world.verify().faults, 0);
}

constexpr store::Sql change_entry("UPDATE ledger_line SET amount = 1");
constexpr store::Sql delete_transaction("DELETE FROM ledger_transaction");

TEST(Ledger, NobodyChangesOrDeletesWhatIsBooked) {
    World world;
    book_a_life(world, "shop-1", 1);
    EXPECT_THROW(world.write([](store::Transaction& tx) { tx.execute(change_entry); }),
                 store::StatementRefused);
    EXPECT_THROW(world.write([](store::Transaction& tx) { tx.execute(delete_transaction); }),
                 store::StatementRefused);
}

struct Tampering {
    store::Sql sql;
    std::string complaint;  // part of the first one
};
const Tampering tamperings[] = {
    {store::Sql("UPDATE ledger_line SET amount = 9001 WHERE step = 3 AND line = 2"), "hash"},
    {store::Sql("UPDATE ledger_line SET debit = 6 WHERE step = 5"), "hash"},
    {store::Sql("DELETE FROM ledger_line WHERE step = 5"), "no entries"},
    {store::Sql("UPDATE ledger_transaction SET at = at + 1 WHERE number = 2"), "hash"},
    {store::Sql("UPDATE ledger_transaction SET hash = x'00' WHERE number = 2"), "hash"},
    {store::Sql("UPDATE ledger_transaction SET subject_id = x'00' WHERE number = 2"), "no id"},
    {store::Sql("UPDATE ledger_transaction SET seq = 100 WHERE number = 2"), "removed or added"},
    {store::Sql("DELETE FROM ledger_transaction WHERE number = 2"), "removed"},
    {store::Sql("DELETE FROM ledger_transaction WHERE number = 3"), "the last one is number 2"},
    {store::Sql("UPDATE ledger_book SET cash = 5"), "cash stands at 5"},
    {store::Sql("UPDATE ledger_book SET head = x'00'"), "head"},
    {store::Sql("UPDATE ledger_book SET merchant_id = 'thief'"), "hash"},
    {store::Sql("DELETE FROM ledger_book"), "does not exist"},
    {store::Sql("INSERT INTO ledger_line VALUES (x'00112233445566778899aabbccddeeff',1,1,1,2,5)"),
     "belong to no transaction"},
};

TEST(Ledger, NamesWhatWasTamperedWith) {
    for (const auto& tampering : tamperings) {
        World world;
        book_a_life(world, "shop-1", 1);
        for (const std::string trigger : {"ledger_transaction_fixed", "ledger_transaction_kept",
                                          "ledger_line_fixed", "ledger_line_kept"}) {
            world.database().run("DROP TRIGGER " + trigger);
        }
        world.write([&](store::Transaction& tx) { tx.execute(tampering.sql); });
        const auto proof = world.verify();
        ASSERT_GT(proof.faults, 0) << tampering.sql.text();
        EXPECT_NE(proof.complaints.front().find(tampering.complaint), std::string::npos)
            << tampering.sql.text() << ": " << proof.complaints.front();
        EXPECT_EQ(world.verify(1).complaints, proof.complaints) << "a page of one posting each";
    }
}

TEST(Ledger, StaysInBalanceWhateverIsBooked) {
    World world;
    Random random(11);
    for (int i = 0; i < 300; ++i) {
        const auto amount = static_cast<std::int64_t>(random.next() % 1'000'000) + 1;
        const auto shop = "shop-" + std::to_string(random.next() % 5);
        Posting p = posting(shop, 0, i, Movement::Authorize, authorize_entries(amount));
        switch (random.next() % 4) {
            case 0:
                p.entries = void_entries(amount);
                break;
            case 1:
                p.entries = capture_entries(amount, amount / 2 + 1, amount / 4);
                break;
            case 2:
                p.entries = settle_entries(amount, amount / 3 + 1);
                break;
            default:
                break;
        }
        world.post(p);
    }
    const auto proof = world.verify();
    EXPECT_TRUE(proof.complaints.empty()) << proof.complaints.front();
    EXPECT_EQ(proof.transactions, 300);
}

}  // namespace
}  // namespace florin::ledger
