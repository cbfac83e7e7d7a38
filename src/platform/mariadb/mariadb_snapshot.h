#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/mariadb/address.h"
#include "platform/store/migrations.h"
#include "platform/store/session.h"

namespace florin::mariadb {

/// Opens one consistent state of a database for reading, also while processes work on it: the
/// server keeps what they change meanwhile for as long as the snapshot lives. Throws `StoreFault`
/// when the database cannot be reached or its schema is not that of `migrations`. The snapshot
/// belongs to one thread at a time.
std::unique_ptr<store::Snapshot> open_mariadb_snapshot(
    const Address& address, const std::vector<store::Migration>& migrations);

/// The names of those that are not applied yet, in order; changes nothing. Throws `StoreFault` when
/// the database cannot be reached or is newer than `migrations`.
std::vector<std::string> pending_migrations(const Address& address,
                                            const std::vector<store::Migration>& migrations);

/// What a server says of itself, for people.
struct ServerFacts {
    std::string version;
    bool binary_log = false;
    bool trusts_triggers = false;    // their makers need no SUPER where there is a binary log
    bool syncs_each_commit = false;  // innodb_flush_log_at_trx_commit=1, and sync_binlog=1
};
/// Throws `StoreFault` when the database cannot be reached.
ServerFacts server_facts(const Address& address);

}  // namespace florin::mariadb
