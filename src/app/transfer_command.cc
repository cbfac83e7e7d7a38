#include "app/transfer_command.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "app/command_line.h"
#include "app/database_address.h"
#include "app/transfer_proofs.h"
#include "platform/mariadb/mariadb_snapshot.h"
#include "platform/store/database_file.h"
#include "platform/store/sqlite_snapshot.h"
#include "platform/store/store.h"
#include "platform/transfer/export.h"
#include "platform/transfer/mariadb_target.h"
#include "platform/transfer/sqlite_target.h"

namespace florin::app {
namespace {

namespace fs = std::filesystem;

std::runtime_error cannot(const std::string& what, const std::string& file) {
    return std::runtime_error(
        fmt::format("{} {}: {}", what, file, std::system_category().message(errno)));
}

fs::path database_file(const Settings& settings) {
    return settings.storage.data_dir / "florin.db";
}

// An export that others write to meanwhile lacks what they write last.
void require_unused(const mariadb::Address& address, bool force) {
    if (force) return;
    const auto users = users_of(address);
    if (users.empty()) return;
    throw std::runtime_error(
        fmt::format("{} is in use by {}: stop every process first (or say --force: what they do "
                    "meanwhile is not moved)",
                    address.text(), fmt::join(users, ", ")));
}

/// A database to export, which nobody else uses.
struct Source {
    transfer::Statements statements;  // outlives the snapshot
    std::optional<store::DatabaseFile> lock;
    std::unique_ptr<store::Snapshot> snapshot;
    transfer::Header header;
};

std::unique_ptr<Source> open_source(const TransferOptions& options) {
    auto source = std::make_unique<Source>();
    if (const auto address = database_address(options.settings)) {
        require_unused(*address, options.force);
        const auto& schema = store::mariadb_migrations();
        source->snapshot = mariadb::open_mariadb_snapshot(*address, schema);
        source->header = {static_cast<std::int64_t>(schema.size()), "MariaDB"};
        return source;
    }
    const fs::path file = database_file(options.settings);
    const auto& schema = store::sqlite_migrations();
    // The lock would make a file where there is none; this says what to do instead.
    if (!fs::exists(file)) static_cast<void>(store::open_sqlite_snapshot(file, schema));
    if (!options.force) source->lock.emplace(store::DatabaseFile::at(file));
    source->snapshot = store::open_sqlite_snapshot(file, schema);
    source->header = {static_cast<std::int64_t>(schema.size()), "SQLite"};
    return source;
}

/// A new file that only this user can read: it holds every payment.
std::ofstream create(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) throw cannot("cannot create", file);
    ::close(descriptor);
    return std::ofstream(file, std::ios::binary);
}

void sync(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (!synced) throw cannot("cannot sync", file);
    ::close(descriptor);
}

transfer::FileEnd write_export(Source& source, std::ostream& out) {
    transfer::ExportWriter writer(out);
    const auto proofs = transfer_proofs(*source.snapshot);
    return transfer::export_database(*source.snapshot, source.statements, transfer_left_out(),
                                     source.header, proofs, writer);
}

void export_to(const TransferOptions& options) {
    const auto source = open_source(options);
    transfer::FileEnd end;
    if (options.file == "-") {
        end = write_export(*source, std::cout);
    } else {
        std::ofstream out = create(options.file);
        end = write_export(*source, out);
        out.close();
        sync(options.file);
    }
    fmt::print(stderr, "exported {} rows of {} tables\n", end.rows, end.tables);
}

/// A new database in the place that the settings name.
std::unique_ptr<transfer::ImportTarget> open_target(const TransferOptions& options) {
    if (const auto address = database_address(options.settings)) {
        require_unused(*address, options.force);
        return std::make_unique<transfer::MariaDbTarget>(*address, store::mariadb_migrations(),
                                                         transfer_left_out());
    }
    return std::make_unique<transfer::SqliteTarget>(database_file(options.settings),
                                                    store::sqlite_migrations());
}

void import_from(const TransferOptions& options) {
    std::ifstream file;
    if (options.file != "-") {
        file.open(options.file, std::ios::binary);
        if (!file) throw cannot("cannot read", options.file);
    }
    transfer::ExportReader reader(options.file == "-" ? std::cin : file);
    transfer::Statements statements;  // outlives the target
    const auto target = open_target(options);
    const auto schema = static_cast<std::int64_t>(store::sqlite_migrations().size());
    const auto end = transfer::import_database(reader, *target, statements,
                                               {schema, transfer_left_out(), transfer_proofs});
    fmt::print(stderr,
               "imported {} rows into {} tables; counts, sums, ledger and positions are those of "
               "the file\n",
               end.rows, end.tables);
}

int run(void (*command)(const TransferOptions&), const TransferOptions& options) {
    try {
        command(options);
        return exit_ok;
    } catch (const std::runtime_error& fault) {
        fmt::print(stderr, "florin: {}\n", fault.what());
        return exit_failure;
    }
}

}  // namespace

int run_export(const TransferOptions& options) {
    return run(export_to, options);
}

int run_import(const TransferOptions& options) {
    return run(import_from, options);
}

const transfer::LeftOut& transfer_left_out() {
    static const transfer::LeftOut all{
        {// each database's own
         "schema_migration", "store_batch", "store_commit_order", "store_identity",
         "database_identity",
         // who uses it now
         "instance", "work_lease",
         // an index that one process keeps of keys, made again from them
         "merchant_idempotency_run", "merchant_idempotency_filter", "merchant_idempotency_sealed",
         // events in the layout for Debezium, which has carried them when nobody writes
         "payment_outbox"},
        {// the order in which keys came, which only that index uses
         "merchant_idempotency_key.number"}};
    return all;
}

}  // namespace florin::app
