#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/mariadb/address.h"
#include "platform/store/migrations.h"
#include "platform/transfer/import.h"

namespace florin::mariadb {
class Connection;
}

namespace florin::transfer {

/// An empty MariaDB database. Until the import is finished a mark in its list of migrations keeps
/// every process from using it; the next import into it begins anew.
class MariaDbTarget final : public ImportTarget {
public:
    /// Brings the schema up to date. Throws `StoreFault` when the database holds rows, or another
    /// import is under way.
    MariaDbTarget(const mariadb::Address& address, const std::vector<store::Migration>& migrations,
                  const LeftOut& left_out);
    ~MariaDbTarget() override;

    store::Transaction& session() override;
    store::Snapshot& read_back() override;
    void commit_part() override;
    void number_above(const std::string& table, std::int64_t position) override;
    void finish() override;

private:
    void empty_what_was_left();
    void require_empty();

    const mariadb::Address address_;
    Statements statements_;
    std::unique_ptr<mariadb::Connection> reader_;
    std::unique_ptr<mariadb::Connection> writer_;
    std::vector<Table> tables_;
};

}  // namespace florin::transfer
