// Holds the worked example of docs/ledger.md and the code together.
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ledger/ledger.h"

namespace florin::ledger {
namespace {

using Table = std::vector<std::vector<std::string>>;

/// The cells of "| a | `b` | 1 |", without their marks.
std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::string cell;
    for (const char c : line.substr(1)) {
        if (c == '|') {
            cells.push_back(std::move(cell));
            cell.clear();
        } else if (c != ' ' && c != '`') {
            cell += c;
        }
    }
    return cells;
}

/// The rows of the table under each heading of the third level.
std::map<std::string, Table> tables() {
    std::ifstream file("docs/ledger.md");
    EXPECT_TRUE(file.is_open()) << "tests run in the root of the repository";
    std::map<std::string, Table> found;
    std::string heading;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("#")) heading = line.starts_with("### ") ? line.substr(4) : "";
        const bool is_row = line.starts_with("| `");
        if (is_row && !heading.empty()) found[heading].push_back(cells_of(line));
    }
    return found;
}

std::vector<Entry> entries_of(const Table& table) {
    std::vector<Entry> entries;
    for (const auto& row : table) {
        EXPECT_EQ(row.size(), 3U);
        entries.push_back(
            {account_named(row[0]).value(), account_named(row[1]).value(), std::stoll(row[2])});
    }
    return entries;
}

const std::vector<Entry> capture = capture_entries(10'000, 8'000, fee_of(8'000, 300));

TEST(LedgerDocument, BooksEachMovementAsTheCodeDoes) {
    auto documented = tables();
    EXPECT_EQ(entries_of(documented["Authorize"]), authorize_entries(10'000));
    EXPECT_EQ(entries_of(documented["Void"]), void_entries(10'000));
    EXPECT_EQ(entries_of(documented["Capture"]), capture);
    EXPECT_EQ(entries_of(documented["Refund"]), refund_entries(1'000));
    EXPECT_EQ(entries_of(documented["Settlement"]), settle_entries(7'000, 6'760));
}

TEST(LedgerDocument, ShowsTheBalancesAfterEachStepOfItsExample) {
    const std::vector<std::vector<Entry>> steps{
        authorize_entries(10'000), capture, refund_entries(1'000), settle_entries(7'000, 6'760)};
    const Table documented = tables()["Balances"];
    ASSERT_EQ(documented.size(), account_count);
    Balances balances{};
    for (std::size_t step = 0; step < steps.size(); ++step) {
        add(balances, steps[step]);
        for (const auto& row : documented) {
            const Account account = account_named(row.at(0)).value();
            EXPECT_EQ(std::stoll(row.at(step + 1)), of(balances, account)) << row[0];
        }
    }
}

}  // namespace
}  // namespace florin::ledger
