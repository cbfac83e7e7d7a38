#pragma once

#include "platform/mariadb/mariadb_store.h"

namespace florin::mariadb {

/// Brings the database up to date: the tables of the store itself, then the migrations. Only one
/// process at a time does that, others wait for it. Throws `StoreFault`.
void bring_up_to_date(Connection& connection, const std::vector<store::Migration>& migrations);

/// Throws `StoreFault` when the database is not up to date: one that lacks migrations may be
/// another one than was meant, an empty one after a failover. Changes nothing.
void require_up_to_date(Connection& connection, const std::vector<store::Migration>& migrations);

}  // namespace florin::mariadb
