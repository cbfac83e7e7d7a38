#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "platform/store/migrations.h"
#include "platform/store/session.h"

namespace florin::store {

/// Opens one consistent state of a database file for reading, also while another process serves
/// from it: that one goes on writing, and its log grows for as long as the snapshot lives. After a
/// crash it holds every commit that was answered. Throws `StoreFault` when there is no such file or
/// its schema is not that of `migrations`. The snapshot belongs to one thread at a time.
std::unique_ptr<Snapshot> open_sqlite_snapshot(const std::filesystem::path& file,
                                               const std::vector<Migration>& migrations,
                                               int cache_mib = 64);

}  // namespace florin::store
