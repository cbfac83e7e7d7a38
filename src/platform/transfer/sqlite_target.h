#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "platform/store/database_file.h"
#include "platform/store/migrations.h"
#include "platform/transfer/import.h"

namespace florin::store {
class SqliteConnection;
}

namespace florin::transfer {

/// A new SQLite database. It grows beside its place, under another name, and takes it when it is
/// whole: an import that ends early leaves nothing that anybody would open.
class SqliteTarget final : public ImportTarget {
public:
    /// Throws `StoreFault` when there is a database at `file`, or the log of one, or another
    /// process has it.
    SqliteTarget(const std::filesystem::path& file,
                 const std::vector<store::Migration>& migrations);
    ~SqliteTarget() override;

    store::Transaction& session() override;
    store::Snapshot& read_back() override;
    void commit_part() override;
    void number_above(const std::string& table, std::int64_t position) override;
    void finish() override;

private:
    const std::filesystem::path file_;
    const std::filesystem::path growing_;
    const store::DatabaseFile lock_;
    std::unique_ptr<store::SqliteConnection> connection_;
    bool finished_ = false;
};

}  // namespace florin::transfer
