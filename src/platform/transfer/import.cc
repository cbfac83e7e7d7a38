#include "platform/transfer/import.h"

#include <algorithm>
#include <map>

#include "platform/transfer/row_text.h"

namespace florin::transfer {
namespace {

/// What a target holds in memory, and sends in one message, until it is committed.
constexpr std::size_t bytes_per_commit = 1UL << 20U;

class Import {
public:
    Import(ExportReader& reader, ImportTarget& target, Statements& statements,
           const ImportOptions& options)
        : reader_(reader), target_(target), statements_(statements), options_(options) {
        for (auto& table : tables_of(target.read_back(), options.left_out))
            tables_.emplace(table.name, std::move(table));
    }

    FileEnd run() {
        FileEnd end;
        while (auto part = reader_.next()) {
            if (const auto* row = std::get_if<Row>(&*part)) {
                insert(*row);
            } else if (const auto* header = std::get_if<Header>(&*part)) {
                check(*header);
            } else if (auto* begin = std::get_if<TableBegin>(&*part)) {
                begin_table(std::move(begin->table));
            } else if (auto* sum = std::get_if<TableEnd>(&*part)) {
                sums_.emplace_back(table_, std::move(*sum));
            } else if (auto* positions = std::get_if<Positions>(&*part)) {
                positions_ = std::move(*positions);
            } else if (auto* proofs = std::get_if<Proofs>(&*part)) {
                proofs_ = std::move(*proofs);
            } else {
                end = std::get<FileEnd>(*part);
            }
        }
        target_.commit_part();
        check_whole();
        for (const auto& [table, position] : positions_) {
            if (tables_.contains(table)) target_.number_above(table, position);
        }
        verify();
        target_.finish();
        return end;
    }

private:
    void check(const Header& header) const {
        if (header.schema == options_.schema) return;
        reader_.fail("the export has schema version " + std::to_string(header.schema) +
                     ", this build has " + std::to_string(options_.schema) +
                     ": import it with the build that wrote it, and start the newer one then");
    }

    void begin_table(Table table) {
        const auto found = tables_.find(table.name);
        if (found == tables_.end()) reader_.fail("there is no table " + table.name + " here");
        auto wanted = found->second.columns;
        auto given = table.columns;
        std::ranges::sort(wanted, {}, &Column::name);
        std::ranges::sort(given, {}, &Column::name);
        if (given != wanted) reader_.fail("table " + table.name + " has other columns here");
        const auto again = [&](const auto& sum) { return sum.first.name == table.name; };
        if (std::ranges::any_of(sums_, again))
            reader_.fail("table " + table.name + " stands in the file twice");
        table.key = found->second.key;
        table_ = std::move(table);
        insert_.emplace(statements_.insert(table_));
    }

    void insert(const Row& row) {
        try {
            target_.session().execute(*insert_, row);
            uncommitted_bytes_ += reader_.line_bytes();
            if (uncommitted_bytes_ < bytes_per_commit) return;
            uncommitted_bytes_ = 0;
            target_.commit_part();
        } catch (const std::runtime_error& refused) {
            reader_.fail("the database does not take it, or one of the rows before it: " +
                         std::string(refused.what()));
        }
    }

    void check_whole() const {
        for (const auto& [name, table] : tables_) {
            const auto same = [&](const auto& sum) { return sum.first.name == name; };
            if (!std::ranges::any_of(sums_, same))
                throw ImportRefused("the file has no table " + name);
        }
    }

    // What the database gives back is what counts, not what it was given.
    void verify() {
        store::Snapshot& snapshot = target_.read_back();
        for (const auto& [table, wanted] : sums_) {
            RowSum sum;
            auto rows = snapshot.query(statements_.select(table));
            while (rows.next()) sum.add(row_text(read_row(rows, table)));
            if (sum.rows() == wanted.rows && sum.hex() == wanted.sum) continue;
            throw ImportRefused("table " + table.name + " has " + std::to_string(sum.rows()) +
                                " rows now, which are not the " + std::to_string(wanted.rows) +
                                " of the file");
        }
        const Proofs found = options_.prove(snapshot);
        for (const auto& [name, proof] : proofs_) {
            const auto here = found.find(name);
            if (here != found.end() && here->second == proof) continue;
            std::string why = name;
            why.append(" was ").append(proof).append(" and is ");
            throw ImportRefused(why.append(here == found.end() ? "not known here" : here->second));
        }
    }

    ExportReader& reader_;
    ImportTarget& target_;
    Statements& statements_;
    const ImportOptions& options_;
    std::map<std::string, Table> tables_;  // of the target
    Table table_;                          // the one that is being filled
    std::optional<store::Sql> insert_;
    std::size_t uncommitted_bytes_ = 0;
    std::vector<std::pair<Table, TableEnd>> sums_;
    Positions positions_;
    Proofs proofs_;
};

}  // namespace

FileEnd import_database(ExportReader& reader, ImportTarget& target, Statements& statements,
                        const ImportOptions& options) {
    return Import(reader, target, statements, options).run();
}

}  // namespace florin::transfer
